/**
 * Looking through large data sets, the trash, splits that can be undone, fingerprints, versions and saved views. Frozen
 * once released, like every migration.
 */
export const sql = `
-- How many labels an image has: kept by the triggers below, so that no query has to count.
ALTER TABLE image ADD COLUMN label_count INTEGER NOT NULL DEFAULT 0;
UPDATE image SET label_count = (SELECT count(*) FROM annotation WHERE image_id = image.id);
CREATE TRIGGER label_added AFTER INSERT ON annotation BEGIN
  UPDATE image SET label_count = label_count + 1 WHERE id = new.image_id;
END;
CREATE TRIGGER label_removed AFTER DELETE ON annotation BEGIN
  UPDATE image SET label_count = label_count - 1 WHERE id = old.image_id;
END;
CREATE INDEX image_by_review ON image (dataset_id, review);

-- With the area of the label's box in px², so that questions about sizes need no rows.
DROP INDEX annotation_by_image;
CREATE INDEX annotation_by_image ON annotation (image_id, category_id, (x2 - x1) * (y2 - y1));
DROP INDEX annotation_by_category;
CREATE INDEX annotation_by_category ON annotation (category_id, image_id, (x2 - x1) * (y2 - y1));

-- A data set in the trash is invisible like one that is being deleted, but can be brought back.
ALTER TABLE dataset ADD COLUMN trashed_at TEXT;
DROP INDEX dataset_by_name;
CREATE UNIQUE INDEX dataset_by_name ON dataset (name) WHERE state <> 'deleting' AND trashed_at IS NULL;

-- Images that were deleted together. Each is kept with its labels as JSON of its rows, out of the way of every query.
CREATE TABLE trash_entry (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id INTEGER NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  title      TEXT NOT NULL,
  trashed_at TEXT NOT NULL
) STRICT;
CREATE INDEX trash_entry_by_dataset ON trash_entry (dataset_id);
CREATE TABLE trashed_image (
  entry_id INTEGER NOT NULL REFERENCES trash_entry (id) ON DELETE CASCADE,
  image_id INTEGER NOT NULL,
  image    TEXT NOT NULL,
  labels   TEXT NOT NULL,
  PRIMARY KEY (entry_id, image_id)
) STRICT, WITHOUT ROWID;

-- A change of splits, image by image. One that is not complete is a leftover of a crash.
CREATE TABLE split_change (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id INTEGER NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  title      TEXT NOT NULL,
  made_at    TEXT NOT NULL,
  complete   INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1))
) STRICT;
CREATE INDEX split_change_by_dataset ON split_change (dataset_id);
CREATE TABLE split_change_image (
  change_id INTEGER NOT NULL REFERENCES split_change (id) ON DELETE CASCADE,
  image_id  INTEGER NOT NULL,
  before    TEXT NOT NULL,
  PRIMARY KEY (change_id, image_id)
) STRICT, WITHOUT ROWID;

-- content_hash: SHA-256 of the file, or of the pixels of an image in a pack. perceptual_hash: 64 bits, alike for pictures
-- that look alike; NULL for a picture without any structure. size_bytes and modified_ms: of the file that was read.
CREATE TABLE image_fingerprint (
  image_id        INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
  content_hash    BLOB NOT NULL,
  perceptual_hash BLOB,
  size_bytes      INTEGER,
  modified_ms     INTEGER
) STRICT;

-- A frozen state of a data set; file lists its images and is relative to the project. No reference: it outlives both.
CREATE TABLE dataset_version (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id   INTEGER NOT NULL,
  dataset_name TEXT NOT NULL,
  hash         TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  image_count  INTEGER NOT NULL,
  label_count  INTEGER NOT NULL,
  file         TEXT NOT NULL,
  UNIQUE (dataset_id, hash)
) STRICT;
ALTER TABLE run ADD COLUMN dataset_version_id INTEGER;

CREATE TABLE saved_view (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id INTEGER NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  name       TEXT NOT NULL COLLATE NOCASE,
  filter     TEXT NOT NULL,
  UNIQUE (dataset_id, name)
) STRICT;
`;
