/**
 * What filters ask of an image's labels, in its own row, and one index that holds everything filters go by. Frozen once
 * released, like every migration.
 */
export const sql = `
-- label_facts: bits of what labels the image has (see label-facts.ts); NULL while they have changed since it was worked
-- out. With it the least and the greatest area (px²) and aspect (width by height) of the labels' boxes.
ALTER TABLE image ADD COLUMN label_facts INTEGER;
ALTER TABLE image ADD COLUMN least_area REAL;
ALTER TABLE image ADD COLUMN greatest_area REAL;
ALTER TABLE image ADD COLUMN least_aspect REAL;
ALTER TABLE image ADD COLUMN greatest_aspect REAL;
CREATE INDEX image_without_facts ON image (dataset_id) WHERE label_facts IS NULL;

-- Labels that come with their data set (created_at is NULL) are counted by who brings them.
DROP TRIGGER label_added;
CREATE TRIGGER label_added AFTER INSERT ON annotation WHEN new.created_at IS NOT NULL BEGIN
  UPDATE image SET label_count = label_count + 1, label_facts = NULL WHERE id = new.image_id;
END;
DROP TRIGGER label_removed;
CREATE TRIGGER label_removed AFTER DELETE ON annotation BEGIN
  UPDATE image SET label_count = label_count - 1, label_facts = NULL WHERE id = old.image_id;
END;
CREATE TRIGGER label_changed AFTER UPDATE OF kind, category_id, source, flags, x1, y1, x2, y2 ON annotation BEGIN
  UPDATE image SET label_facts = NULL WHERE id = new.image_id AND label_facts IS NOT NULL;
END;
CREATE TRIGGER image_resized AFTER UPDATE OF width, height ON image BEGIN
  UPDATE image SET label_facts = NULL WHERE id = new.id AND label_facts IS NOT NULL;
END;

-- Labels that were made or changed here: few beside those that came with their data set.
CREATE INDEX annotation_by_edit ON annotation (image_id, coalesce(updated_at, created_at))
  WHERE created_at IS NOT NULL OR updated_at IS NOT NULL;

-- In the order of a data set's images, so that any filter reads one short row an image.
DROP INDEX image_by_dataset;
CREATE INDEX image_by_dataset ON image (dataset_id, id, split, review, label_count, width, height, modified_ms,
  label_facts, least_area, greatest_area, least_aspect, greatest_aspect);
`;
