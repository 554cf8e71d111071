/**
 * Deleted labels as a part of the trash, for which the history tells them apart; and a place for how far a long change of
 * labels is. Frozen once released, like every migration.
 */
export const sql = `
-- deleted: how many of the labels that went a person deleted; each is in the trash while it is nowhere else. Labels that
-- went into others (united, another class for the image, merged classes) are not among them.
-- purged: how many of the labels that the row counts are gone for good: changes has no word of them.
ALTER TABLE label_change ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE label_change ADD COLUMN purged INTEGER NOT NULL DEFAULT 0;

-- What went before anybody told them apart, by what the gesture was called.
UPDATE label_change SET deleted = removed WHERE removed > 0 AND gesture_id IN (
  SELECT id FROM gesture
  WHERE kind = 'edit' AND label NOT IN ('unite', 'tag', 'change class') AND label NOT LIKE 'merge classes into %'
);
UPDATE label_change SET deleted = removed WHERE removed > 0 AND added = 0 AND gesture_id IN (
  SELECT id FROM gesture WHERE kind = 'classify' OR (kind = 'edit' AND label = 'tag')
);

-- With what the queries want of rows that may be long.
CREATE INDEX label_change_by_deletion ON label_change (gesture_id, image_id, deleted) WHERE deleted > 0;

-- How far a bulk_edit is, which may be long: its own place and done are those of its beginning.
CREATE TABLE bulk_place (
  gesture_id INTEGER PRIMARY KEY REFERENCES bulk_edit (gesture_id) ON DELETE CASCADE,
  place      INTEGER NOT NULL,
  done       INTEGER NOT NULL
) STRICT;
`;
