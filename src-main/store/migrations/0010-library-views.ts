/** Tags of images, and what runs found on each image. Frozen once released, like every migration. */
export const sql = `
CREATE TABLE image_tag (
  image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  tag      TEXT NOT NULL COLLATE NOCASE,
  PRIMARY KEY (image_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_tag_by_tag ON image_tag (tag, image_id);
-- A JSON list, so that an image comes back from the trash with them.
ALTER TABLE trashed_image ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';

-- Of which predictions of a run image_result tells: the time at which their file was written.
CREATE TABLE run_result (
  run_id       INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
  predicted_ms REAL NOT NULL
) STRICT;

-- What a run's network said of an image beside its labels as they were trained on. tp, fp, fn: objects of a detection,
-- pixels of a segmentation, 0 or 1 of a classification. disagreement is from 0 to 1. image_id is no reference: images go
-- and come back, and what was found stays true.
CREATE TABLE image_result (
  run_id       INTEGER NOT NULL REFERENCES run_result (run_id) ON DELETE CASCADE,
  image_id     INTEGER NOT NULL,
  score        REAL,
  disagreement REAL,
  tp           REAL NOT NULL,
  fp           REAL NOT NULL,
  fn           REAL NOT NULL,
  PRIMARY KEY (run_id, image_id)
) STRICT, WITHOUT ROWID;
`;
