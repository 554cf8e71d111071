/**
 * Labels that are edited here: their order and notes, a version of each image's labels, and the history of every gesture,
 * from which undo works and any earlier state can be had again. Frozen once released, like every migration.
 */
export const sql = `
-- Labels with a higher z are drawn above; of those that share one, the later id is.
ALTER TABLE annotation ADD COLUMN z REAL NOT NULL DEFAULT 0;
ALTER TABLE annotation ADD COLUMN note TEXT NOT NULL DEFAULT '';

-- label_version counts the changes of an image's labels; labelled_ms is the time that a person spent on it.
ALTER TABLE image ADD COLUMN label_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image ADD COLUMN labelled_ms REAL NOT NULL DEFAULT 0;

-- Place of the class's colour in the palette; NULL: the one of its ordinal.
ALTER TABLE category ADD COLUMN colour INTEGER;

-- Skeletons and attributes of the data set's labels, as JSON.
ALTER TABLE dataset ADD COLUMN label_schema TEXT;

-- What a person did in one go; token is its id outside, so that it is saved once however often it is sent. state: 'done'
-- can be undone, 'undone' can be redone, 'settled' neither (undo and redo themselves, and what was undone before something
-- else was done). target_id: what an undo or redo was of.
CREATE TABLE gesture (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  token     TEXT NOT NULL UNIQUE,
  kind      TEXT NOT NULL,
  label     TEXT NOT NULL,
  by        TEXT NOT NULL,
  at        TEXT NOT NULL,
  state     TEXT NOT NULL CHECK (state IN ('done', 'undone', 'settled')),
  target_id INTEGER REFERENCES gesture (id)
) STRICT;
CREATE INDEX gesture_by_state ON gesture (state, id) WHERE state <> 'settled';

-- What a gesture changed of one image. version is the image's after it. changes: JSON, deflated, of what each label was
-- before and after. image_id is no reference: an image that goes to the trash and comes back has its history again.
CREATE TABLE label_change (
  id             INTEGER PRIMARY KEY,
  gesture_id     INTEGER NOT NULL REFERENCES gesture (id),
  image_id       INTEGER NOT NULL,
  version        INTEGER NOT NULL,
  added          INTEGER NOT NULL,
  updated        INTEGER NOT NULL,
  removed        INTEGER NOT NULL,
  annotation_ids TEXT NOT NULL,
  review_before  TEXT NOT NULL,
  review_after   TEXT NOT NULL,
  changes        BLOB NOT NULL,
  UNIQUE (image_id, version)
) STRICT;
CREATE INDEX label_change_by_gesture ON label_change (gesture_id);
`;
