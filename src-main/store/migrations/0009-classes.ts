/** Changes of a data set's classes as steps of undo. Frozen once released, like every migration. */
export const sql = `
-- What a gesture changed of a data set's classes, beside label_change: JSON of the rows of category that differ and, where
-- it differs, of the data set's label_schema, each before and after. dataset_id is no reference: see label_change.
CREATE TABLE class_change (
  gesture_id INTEGER PRIMARY KEY REFERENCES gesture (id),
  dataset_id INTEGER NOT NULL,
  changes    TEXT NOT NULL
) STRICT;
CREATE INDEX class_change_by_dataset ON class_change (dataset_id);
`;
