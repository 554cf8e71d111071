/**
 * What a run's predictions file says of a detector: COCO's measures, curves over the confidence, the confusion, and how
 * well each image was done. Overlaps are sorted out anew, with the settings that are asked for.
 */
import type { BoxCandidates } from '../../contract/geometry/non-max-suppression.ts';
import {
  payloadAt,
  type DetectionMeasures,
  type DetectionSettings,
  type MatchMeasures,
} from '../../contract/model/run-results.ts';
import { cocoMeasures } from '../metrics/average-precision.ts';
import { detectionConfusion } from '../metrics/detection-confusion.ts';
import { confidenceCurves } from '../metrics/detection-curves.ts';
import { boxComparison, type Comparison, type Detections, type GroundTruths } from '../metrics/detection-pairs.ts';
import { headComparisons } from '../metrics/head-comparisons.ts';
import { DetectionTable, groundTruthTable, validationSettings } from '../metrics/detection-table.ts';
import { placementOf } from '../data/letterbox.ts';
import { candidateColumns, readCandidates, readDetectionPredictions } from './detection-predictions-file.ts';
import { readTrainingData } from './training-data-file.ts';

export interface MeasureRequest extends DetectionSettings {
  /** predictions.bin of a detection, and the run's data.json, which knows the sizes of the images. */
  file: string;
  data: string;
}

const width = candidateColumns.length;
/** Candidates of this many images are in memory at once. */
const imagesAtOnce = 64;
/** A detection finds an object from this similarity on. */
const matchSimilarity = 0.5;

/** Throws FoveaError as the file's reader does. */
export async function measureDetections({
  file,
  data,
  scoreThreshold,
  iouThreshold,
}: MeasureRequest): Promise<DetectionMeasures> {
  const predictions = await readDetectionPredictions(file);
  const trained = await readTrainingData(data);
  const { epoch, categoryCount, imageIds, firstCandidate, firstObject, objects } = predictions;
  const images = imageIds.length;
  const table = new DetectionTable();
  /** What the head said of each row of the table. */
  const found: Uint8Array[] = [];
  for (let first = 0; first < images; first += imagesAtOnce) {
    const count = Math.min(imagesAtOnce, images - first);
    const { rows, payloads } = await readCandidates(file, predictions, first, count);
    for (let image = first; image < first + count; image++) {
      const [from, to] = [firstCandidate[image]!, firstCandidate[image + 1]!].map((at) => at - firstCandidate[first]!);
      const candidates = candidatesIn(rows.subarray(from! * width, to! * width));
      const size = placementOf(trained, trained.evaluation, image).image;
      const staying = table.add(image, candidates, { ...validationSettings, iouThreshold }, size);
      if (payloads) found.push(...Array.from(staying, (index) => payloadAt(payloads, from! + index).slice()));
    }
  }
  const counts = Array.from({ length: images }, (_, image) => firstObject[image + 1]! - firstObject[image]!);
  const groundTruths = groundTruthTable(counts, objects);
  const detections = table.detections();
  const { head } = predictions;
  const said = head ? Array.from(groundTruths.image, (_, i) => payloadAt(head.objects, i)) : [];
  return {
    epoch,
    ...measuresBy(groundTruths, detections, categoryCount, boxComparison(groundTruths, detections)),
    head: head && {
      kind: head.kind,
      ...measuresBy(
        groundTruths,
        detections,
        categoryCount,
        headComparisons[head.kind](groundTruths, detections, { groundTruths: said, detections: found }),
      ),
    },
    imageIds: Float64Array.from(imageIds),
    ...cellsByImage(groundTruths, detections, { images, categoryCount, scoreThreshold }),
  };
}

function measuresBy(
  groundTruths: GroundTruths,
  detections: Detections,
  categoryCount: number,
  comparison: Comparison,
): MatchMeasures {
  const { all, perCategory } = cocoMeasures(groundTruths, detections, categoryCount, comparison);
  const settings = { threshold: matchSimilarity, maxDetections: validationSettings.maxDetections };
  const curves = confidenceCurves(groundTruths, detections, categoryCount, settings, comparison);
  const objectsOf = new Array<number>(categoryCount).fill(0);
  groundTruths.category.forEach((category, i) => (objectsOf[category]! += groundTruths.iscrowd[i] === 1 ? 0 : 1));
  return {
    all,
    perCategory: perCategory.map((measures, category) => ({ ...measures, objects: objectsOf[category]! })),
    confidences: curves.confidences,
    curves: curves.mean,
    best: curves.best,
  };
}

/** rows: [D, 6], `candidateColumns`. */
export function candidatesIn(rows: Float32Array): BoxCandidates {
  const count = rows.length / width;
  const bboxXyxy = new Float32Array(4 * count);
  for (let i = 0; i < count; i++) bboxXyxy.set(rows.subarray(i * width, i * width + 4), 4 * i);
  return {
    bboxXyxy,
    scores: Float32Array.from({ length: count }, (_, i) => rows[i * width + 4]!),
    categories: Int32Array.from({ length: count }, (_, i) => rows[i * width + 5]!),
  };
}

/** Pairs of classes in each image that were joined, missed or made up, and what F1 follows from them. */
function cellsByImage(
  groundTruths: GroundTruths,
  detections: Detections,
  { images, categoryCount, scoreThreshold }: { images: number; categoryCount: number; scoreThreshold: number },
): Pick<DetectionMeasures, 'cells' | 'scores'> {
  const starts = [0];
  const triples: number[] = [];
  const scores = byImage(groundTruths, detections, images).map(({ objects, found }) => {
    const settings = { scoreThreshold, iouThreshold: matchSimilarity };
    const counts = detectionConfusion(objects, found, categoryCount, settings);
    let [right, wrong] = [0, 0];
    counts.forEach((row, truth) =>
      row.forEach((count, predicted) => {
        if (count === 0) return;
        triples.push(truth, predicted, count);
        if (truth === predicted) right += count;
        // A mix-up is both a wrong detection and a missed object.
        else wrong += truth === categoryCount || predicted === categoryCount ? count : 2 * count;
      }),
    );
    starts.push(triples.length / 3);
    return right + wrong === 0 ? NaN : (2 * right) / (2 * right + wrong);
  });
  return {
    cells: { starts: Uint32Array.from(starts), triples: Uint32Array.from(triples) },
    scores: Float64Array.from(scores),
  };
}

function byImage(groundTruths: GroundTruths, detections: Detections, images: number) {
  const pick = (rows: number[], values: Float64Array | Int32Array | Uint8Array, each = 1): number[] =>
    rows.flatMap((row) => Array.from({ length: each }, (_, i) => values[row * each + i]!));
  const rowsOf = (image: Int32Array): number[][] => {
    const rows = Array.from({ length: images }, (): number[] => []);
    image.forEach((of, row) => rows[of]!.push(row));
    return rows;
  };
  const found = rowsOf(detections.image);
  return rowsOf(groundTruths.image).map((rows, image) => ({
    objects: {
      image: new Int32Array(rows.length),
      category: Int32Array.from(pick(rows, groundTruths.category)),
      bboxXywh: Float64Array.from(pick(rows, groundTruths.bboxXywh, 4)),
      area: Float64Array.from(pick(rows, groundTruths.area)),
      iscrowd: Uint8Array.from(pick(rows, groundTruths.iscrowd)),
    },
    found: {
      image: new Int32Array(found[image]!.length),
      category: Int32Array.from(pick(found[image]!, detections.category)),
      bboxXywh: Float64Array.from(pick(found[image]!, detections.bboxXywh, 4)),
      score: Float64Array.from(pick(found[image]!, detections.score)),
    },
  }));
}
