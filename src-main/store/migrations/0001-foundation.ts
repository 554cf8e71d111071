/**
 * The first schema. Frozen: its checksum is recorded in every project, so a change here goes into a new migration.
 * Ids that other files or long-lived addresses name (data sets, images, runs) are never used twice: AUTOINCREMENT.
 * Images of a data set are ordered by id; ids are given in the order of the source.
 */
export const sql = `
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Only 'ready' data sets are visible. 'importing' and 'deleting' ones found at open are leftovers of a crash.
CREATE TABLE dataset (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL,
  format     TEXT NOT NULL,
  source     TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('importing', 'ready', 'deleting')),
  created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX dataset_by_name ON dataset (name) WHERE state <> 'deleting';

CREATE TABLE category (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id INTEGER NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  ordinal    INTEGER NOT NULL CHECK (ordinal >= 0),
  name       TEXT NOT NULL,
  UNIQUE (dataset_id, ordinal),
  UNIQUE (dataset_id, name)
) STRICT;

-- A file packs/<file>: count images of one size, uint8 [count, channels, height, width], no header.
CREATE TABLE pack (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id INTEGER NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  file       TEXT NOT NULL UNIQUE,
  count      INTEGER NOT NULL CHECK (count > 0),
  channels   INTEGER NOT NULL CHECK (channels > 0),
  height     INTEGER NOT NULL CHECK (height > 0),
  width      INTEGER NOT NULL CHECK (width > 0)
) STRICT;
CREATE INDEX pack_by_dataset ON pack (dataset_id);

-- Pixels are in a pack (pack_id, pack_row) or in a file of their own (path), never both.
CREATE TABLE image (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id INTEGER NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  split      TEXT NOT NULL CHECK (split IN ('train', 'val', 'test')),
  name       TEXT NOT NULL,
  width      INTEGER NOT NULL CHECK (width > 0),
  height     INTEGER NOT NULL CHECK (height > 0),
  channels   INTEGER NOT NULL CHECK (channels > 0),
  pack_id    INTEGER REFERENCES pack (id),
  pack_row   INTEGER,
  path       TEXT,
  CHECK ((pack_id IS NULL) = (pack_row IS NULL)),
  CHECK ((pack_id IS NULL) <> (path IS NULL))
) STRICT;
CREATE INDEX image_by_dataset ON image (dataset_id);
CREATE INDEX image_by_split ON image (dataset_id, split);
CREATE UNIQUE INDEX image_by_pack ON image (pack_id, pack_row) WHERE pack_id IS NOT NULL;
CREATE INDEX image_by_file_size ON image (dataset_id, width, height, channels) WHERE path IS NOT NULL;

CREATE TABLE annotation (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  image_id    INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL,
  category_id INTEGER NOT NULL REFERENCES category (id),
  geometry    TEXT,
  source      TEXT NOT NULL
) STRICT;
CREATE INDEX annotation_by_image ON annotation (image_id, category_id);
CREATE INDEX annotation_by_category ON annotation (category_id, image_id);

-- dataset_id is no reference: a run outlives its data set. folder is relative to the project.
CREATE TABLE run (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  name            TEXT NOT NULL,
  status          TEXT NOT NULL,
  reason          TEXT,
  model_id        TEXT NOT NULL,
  dataset_id      INTEGER NOT NULL,
  dataset_name    TEXT NOT NULL,
  config          TEXT NOT NULL,
  folder          TEXT NOT NULL UNIQUE,
  created_at      TEXT NOT NULL,
  started_at      TEXT,
  ended_at        TEXT,
  duration_ms     REAL NOT NULL DEFAULT 0,
  epochs_done     INTEGER NOT NULL DEFAULT 0,
  epochs_total    INTEGER NOT NULL,
  parameter_count INTEGER NOT NULL DEFAULT 0,
  resumable       INTEGER NOT NULL DEFAULT 0 CHECK (resumable IN (0, 1))
) STRICT;
CREATE INDEX run_by_status ON run (status);

-- value is NULL where the run reported "not a number".
CREATE TABLE metric_point (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  series TEXT NOT NULL,
  step   INTEGER NOT NULL,
  epoch  REAL NOT NULL,
  value  REAL,
  PRIMARY KEY (run_id, series, step)
) STRICT, WITHOUT ROWID;
-- Finds the best value of a series of epochs; the long series of steps stay out of it.
CREATE INDEX metric_point_by_value ON metric_point (run_id, series, value, epoch)
  WHERE substr(series, 1, 5) <> 'step/';
`;
