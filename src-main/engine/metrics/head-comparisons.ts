/** What a detector's detections are compared by beside their boxes, from the bytes that are kept of each; one record a kind. */
import { numbersPerPoint, keypointSigmas } from '../../contract/geometry/keypoints.ts';
import { cellCount, cellMaskArea, commonCells, decodeCellMask } from '../../contract/geometry/cell-mask.ts';
import type { HeadKind } from '../../contract/model/run-results.ts';
import type { Comparison, Detections, GroundTruths } from './detection-pairs.ts';
import { keypointComparison } from './keypoint-similarity.ts';

/** One entry a row of the tables. */
interface HeadRows {
  groundTruths: readonly Uint8Array[];
  detections: readonly Uint8Array[];
}

export const headComparisons: Readonly<
  Record<HeadKind, (groundTruths: GroundTruths, detections: Detections, rows: HeadRows) => Comparison>
> = {
  masks: maskComparison,
  keypoints: (groundTruths, detections, rows) => {
    const first = rows.groundTruths[0] ?? rows.detections[0];
    const pointCount = (first?.length ?? 0) / (4 * numbersPerPoint);
    const points = (all: readonly Uint8Array[]): Float64Array => {
      const joined = new Uint8Array(all.length * 4 * numbersPerPoint * pointCount);
      all.forEach((bytes, i) => joined.set(bytes, i * bytes.length));
      return Float64Array.from(new Float32Array(joined.buffer));
    };
    const tables = { groundTruths: points(rows.groundTruths), detections: points(rows.detections) };
    return keypointComparison(groundTruths, detections, tables, keypointSigmas(pointCount));
  },
};

/** How far masks overlap, cell by cell. */
function maskComparison(groundTruths: GroundTruths, _detections: Detections, rows: HeadRows): Comparison {
  const [objects, found] = [rows.groundTruths, rows.detections].map((all) =>
    all.map((bytes) => {
      const mask = decodeCellMask(bytes);
      return { mask, count: cellCount(mask) };
    }),
  ) as [Measured[], Measured[]];
  return {
    similarity: (detection, groundTruth) => {
      const [a, b] = [found[detection]!, objects[groundTruth]!];
      const common = commonCells(a.mask, b.mask);
      if (common === 0) return 0;
      return common / (groundTruths.iscrowd[groundTruth] === 1 ? a.count : a.count + b.count - common);
    },
    detectionArea: (detection) => cellMaskArea(found[detection]!.mask),
    isIgnored: () => false,
    mostDetections: 100,
  };
}

interface Measured {
  mask: ReturnType<typeof decodeCellMask>;
  count: number;
}
