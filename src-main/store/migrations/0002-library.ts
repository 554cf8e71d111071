/**
 * Images that are files, and labels with a shape. Frozen once released, like every migration.
 * A label's box is kept in columns for queries; where the shape is a box these columns are the shape, else `geometry`
 * (JSON of the contract's shape) is, and they follow from it.
 */
export const sql = `
-- Where the data set's image files are: an absolute folder, or one relative to the project where they were copied.
ALTER TABLE dataset ADD COLUMN image_root TEXT;

-- The number that the source gives the class, where it is not the ordinal (COCO's sparse ids).
ALTER TABLE category ADD COLUMN source_id INTEGER;

-- width and height are those after the EXIF orientation, which is recorded. size_bytes and modified_ms tell whether the
-- file is still the one that was imported. All but review are of use for files only.
ALTER TABLE image ADD COLUMN orientation INTEGER NOT NULL DEFAULT 1 CHECK (orientation BETWEEN 1 AND 8);
ALTER TABLE image ADD COLUMN media_type TEXT;
ALTER TABLE image ADD COLUMN size_bytes INTEGER;
ALTER TABLE image ADD COLUMN modified_ms INTEGER;
ALTER TABLE image ADD COLUMN review TEXT NOT NULL DEFAULT 'to-do'
  CHECK (review IN ('to-do', 'needs-review', 'done', 'rejected'));
UPDATE image SET review = 'done' WHERE id IN (SELECT image_id FROM annotation);
CREATE UNIQUE INDEX image_by_path ON image (dataset_id, path) WHERE path IS NOT NULL;

-- flags: 1 occluded, 2 truncated, 4 difficult, 8 crowd. attributes: a JSON object. created_at is NULL where the label
-- came with its data set, updated_at while it is as it came. source is 'import', 'person' or 'model'; run_id and score
-- belong to 'model', and run_id is no reference: a label outlives the run that made it.
ALTER TABLE annotation ADD COLUMN x1 REAL;
ALTER TABLE annotation ADD COLUMN y1 REAL;
ALTER TABLE annotation ADD COLUMN x2 REAL;
ALTER TABLE annotation ADD COLUMN y2 REAL;
ALTER TABLE annotation ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
ALTER TABLE annotation ADD COLUMN attributes TEXT;
ALTER TABLE annotation ADD COLUMN run_id INTEGER;
ALTER TABLE annotation ADD COLUMN score REAL;
ALTER TABLE annotation ADD COLUMN created_at TEXT;
ALTER TABLE annotation ADD COLUMN updated_at TEXT;
`;
