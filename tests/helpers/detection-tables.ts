/** Tables of boxes for the tests of a detector's measures, from rows that can be read. */
import type { Detections, GroundTruths } from '../../src-main/engine/metrics/detection-pairs.ts';

/** image, category, x, y, width, height, area (0: the box's), iscrowd */
export type ObjectRow = readonly [number, number, number, number, number, number, number, number];
/** image, category, x, y, width, height, score */
export type DetectionRow = readonly [number, number, number, number, number, number, number];

const places = (rows: readonly (readonly number[])[]) => ({
  image: Int32Array.from(rows, (row) => row[0]!),
  category: Int32Array.from(rows, (row) => row[1]!),
  bboxXywh: Float64Array.from(rows.flatMap((row) => row.slice(2, 6))),
});

export const groundTruthsOf = (rows: readonly ObjectRow[]): GroundTruths => ({
  ...places(rows),
  area: Float64Array.from(rows, (row) => row[6] || row[4] * row[5]),
  iscrowd: Uint8Array.from(rows, (row) => row[7]),
});

export const detectionsOf = (rows: readonly DetectionRow[]): Detections => ({
  ...places(rows),
  score: Float64Array.from(rows, (row) => row[6]),
});
