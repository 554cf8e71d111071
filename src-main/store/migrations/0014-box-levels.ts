/** The areas and aspects of an image's boxes themselves, finely graded, in its own row. Frozen once released. */
export const sql = `
-- One character a box, from U+0800: 1/1664 of an octave of the area from 2^-4 px², 1/3328 of one of the aspect (width by height)
-- from 2^-8; what lies beyond is in the first or the last of 53248. U+07FF: an aspect of exactly 1. NULL where there are no boxes, or
-- more than 128. Valid where label_facts is not NULL.
ALTER TABLE image ADD COLUMN area_levels TEXT;
ALTER TABLE image ADD COLUMN aspect_levels TEXT;
UPDATE image SET (area_levels, aspect_levels) = (
  SELECT
    CASE WHEN count((a.x2 - a.x1) * (a.y2 - a.y1)) <= 128 THEN
      group_concat(CASE
        WHEN (a.x2 - a.x1) * (a.y2 - a.y1) > 0 THEN
          char(2048 + max(0, min(53247, CAST(floor(1664 * log2((a.x2 - a.x1) * (a.y2 - a.y1)) + 6656.5) AS INTEGER))))
        WHEN (a.x2 - a.x1) * (a.y2 - a.y1) IS NOT NULL THEN char(2048) END, '') END,
    CASE WHEN count((a.x2 - a.x1) / (a.y2 - a.y1)) <= 128 THEN
      group_concat(CASE
        WHEN (a.x2 - a.x1) / (a.y2 - a.y1) = 1 THEN char(2047)
        WHEN (a.x2 - a.x1) / (a.y2 - a.y1) > 0 THEN
          char(2048 + max(0, min(53247, CAST(floor(3328 * log2((a.x2 - a.x1) / (a.y2 - a.y1)) + 26624.5) AS INTEGER))))
        WHEN (a.x2 - a.x1) / (a.y2 - a.y1) IS NOT NULL THEN char(2048) END, '') END
  FROM annotation a WHERE a.image_id = image.id)
  WHERE label_facts IS NOT NULL AND greatest_area IS NOT NULL;

DROP INDEX image_by_dataset;
CREATE INDEX image_by_dataset ON image (dataset_id, id, split, review, label_count, width, height, modified_ms,
  label_facts, class_bits, more_class_bits, least_area, greatest_area, least_aspect, greatest_aspect,
  area_bits, aspect_bits, area_levels, aspect_levels);
`;
