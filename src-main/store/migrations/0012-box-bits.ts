/** Which sizes and shapes of boxes an image's labels have, in its own row. Frozen once released. */
export const sql = `
-- One bit a bin: a quarter of an octave of the area from 2^(15.5 / 4) px², an eighth of one of the aspect (width by height) from
-- 2^(-31.5 / 8); what lies beyond is in the first or the last of 62. Valid where label_facts is not NULL.
ALTER TABLE image ADD COLUMN area_bits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image ADD COLUMN aspect_bits INTEGER NOT NULL DEFAULT 0;
UPDATE image SET (area_bits, aspect_bits) = (
  SELECT
    coalesce(sum(DISTINCT CASE
      WHEN (a.x2 - a.x1) * (a.y2 - a.y1) > 0
        THEN 1 << max(0, min(61, CAST(floor(4 * log2((a.x2 - a.x1) * (a.y2 - a.y1)) - 15.5) AS INTEGER)))
      WHEN (a.x2 - a.x1) * (a.y2 - a.y1) IS NOT NULL THEN 1 END), 0),
    coalesce(sum(DISTINCT CASE
      WHEN (a.x2 - a.x1) / (a.y2 - a.y1) > 0
        THEN 1 << max(0, min(61, CAST(floor(8 * log2((a.x2 - a.x1) / (a.y2 - a.y1)) + 31.5) AS INTEGER)))
      WHEN (a.x2 - a.x1) / (a.y2 - a.y1) IS NOT NULL THEN 1 END), 0)
  FROM annotation a WHERE a.image_id = image.id)
  WHERE label_facts IS NOT NULL AND greatest_area IS NOT NULL;

DROP INDEX image_by_dataset;
CREATE INDEX image_by_dataset ON image (dataset_id, id, split, review, label_count, width, height, modified_ms,
  label_facts, class_bits, more_class_bits, least_area, greatest_area, least_aspect, greatest_aspect,
  area_bits, aspect_bits);
`;
