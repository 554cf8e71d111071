/** Which classes an image has, in its own row, and the aspects of boxes in the labels' indexes. Frozen once released. */
export const sql = `
-- One bit a class: its id modulo 124, in two words of 62 bits (see label-facts.ts). Valid where label_facts is not NULL.
ALTER TABLE image ADD COLUMN class_bits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image ADD COLUMN more_class_bits INTEGER NOT NULL DEFAULT 0;
UPDATE image SET
  class_bits = (SELECT coalesce(sum(DISTINCT 1 << (a.category_id % 124)), 0) FROM annotation a
    WHERE a.image_id = image.id AND a.category_id % 124 < 62),
  more_class_bits = (SELECT coalesce(sum(DISTINCT 1 << (a.category_id % 124 - 62)), 0) FROM annotation a
    WHERE a.image_id = image.id AND a.category_id % 124 >= 62)
  WHERE label_facts IS NOT NULL;

DROP INDEX image_by_dataset;
CREATE INDEX image_by_dataset ON image (dataset_id, id, split, review, label_count, width, height, modified_ms,
  label_facts, class_bits, more_class_bits, least_area, greatest_area, least_aspect, greatest_aspect);

-- With the aspect beside the area of the label's box, so that questions about either need no rows.
DROP INDEX annotation_by_image;
CREATE INDEX annotation_by_image ON annotation (image_id, category_id, (x2 - x1) * (y2 - y1), (x2 - x1) / (y2 - y1));
DROP INDEX annotation_by_category;
CREATE INDEX annotation_by_category ON annotation (category_id, image_id, (x2 - x1) * (y2 - y1), (x2 - x1) / (y2 - y1));
`;
