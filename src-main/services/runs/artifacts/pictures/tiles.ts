/** Images of a run as tiles of a mosaic: as they were trained on, with their labels, and with what the network said. */
import { bboxAt } from '../../../../contract/geometry/box.ts';
import { nonMaxSuppression } from '../../../../contract/geometry/non-max-suppression.ts';
import { usualDetectionSettings } from '../../../../contract/model/run-results.ts';
import type { RunConfig, Task } from '../../../../contract/model/run.ts';
import { epochOrder } from '../../../../engine/data/epoch-order.ts';
import { placementOf, toNetwork } from '../../../../engine/data/letterbox.ts';
import { learnedObjects } from '../../../../engine/data/samples/boxes.ts';
import { SampleMaker } from '../../../../engine/data/samples/sample-maker.ts';
import { labelCapacity, sampleSettings } from '../../../../engine/data/samples/sample-split.ts';
import { SplitImages } from '../../../../engine/data/split-images.ts';
import type { PackRows, TrainingData } from '../../../../engine/data/training-data.ts';
import { predictedCategories } from '../../../../engine/metrics/classification.ts';
import { validationSettings } from '../../../../engine/metrics/detection-table.ts';
import { readCandidates, readDetectionPredictions } from '../../../../engine/train/detection-predictions-file.ts';
import { readPredictedMask } from '../../../../engine/train/mask-predictions-file.ts';
import { candidatesIn } from '../../../../engine/train/measure-detections.ts';
import { readPredictions } from '../../../../engine/train/predictions-file.ts';
import { mostTiles, type MosaicTile } from './mosaic.ts';

const boxRow = 6;

/** The first images of the first epoch's `batch`-th step, as chance made them. */
export function trainTiles(data: TrainingData, config: RunConfig, batch: number): MosaicTile[] {
  const { train, categories } = data;
  const order = epochOrder(train.imageIds.length, config.seed, 0);
  const positions = order.subarray(batch * config.batchSize, (batch + 1) * config.batchSize).slice(0, mostTiles);
  if (positions.length === 0) return [];
  const capacity = labelCapacity(data, config);
  const maker = new SampleMaker({ data, split: train, settings: sampleSettings(config), labelCapacity: capacity });
  try {
    const { images, masks, boxes } = maker.make(0, Uint32Array.from(positions));
    const part = <A extends Uint8Array | Float32Array>(all: A, at: number): A => {
      const length = all.length / positions.length;
      return all.subarray(at * length, (at + 1) * length) as A;
    };
    return Array.from(positions, (position, at): MosaicTile => ({
      planes: part(images, at),
      mask: masks && part(masks, at),
      boxes: boxes === null ? [] : boxesIn(part(boxes, at)),
      caption: captionOf(categories, train.labels[position]),
    }));
  } finally {
    maker.close();
  }
}

function boxesIn(rows: Float32Array): MosaicTile['boxes'] {
  return Array.from({ length: rows.length / boxRow }, (_, at) => [...rows.subarray(at * boxRow, (at + 1) * boxRow)])
    .filter(([isObject]) => isObject === 1)
    .map(([, category, x1, y1, x2, y2]) => ({ category: category!, bboxXyxy: [x1!, y1!, x2!, y2!], score: null }));
}

const captionOf = (categories: readonly string[], label: number | undefined): string | null =>
  label === undefined ? null : (categories[label] ?? null);

/** The first images of the evaluation split, with their labels. */
export async function evaluationTiles(data: TrainingData): Promise<MosaicTile[]> {
  const { evaluation, categories } = data;
  const objects = evaluation.objects ? learnedObjects(evaluation.objects) : [];
  const masks = evaluation.masks ? await firstPlanes(data, evaluation.masks) : null;
  return (await firstPlanes(data, evaluation)).map((planes, at) => ({
    planes,
    mask: masks?.[at] ?? null,
    boxes: (objects[at] ?? []).map(({ category, bboxXyxy }) => ({
      category,
      bboxXyxy: toNetwork(placementOf(data, evaluation, at), bboxXyxy),
      score: null,
    })),
    caption: captionOf(categories, evaluation.labels[at]),
  }));
}

/** The same images, with what the network said of them. None before the first evaluation. */
export async function answerTiles(data: TrainingData, task: Task, file: string): Promise<MosaicTile[]> {
  const tiles = await firstPlanes(data, data.evaluation);
  const answers = await answersOf[task](data, file, tiles.length);
  return tiles.map((planes, at) => ({ planes, mask: null, boxes: [], caption: null, ...answers[at] }));
}

type Answer = Partial<Omit<MosaicTile, 'planes'>>;

const answersOf: Readonly<Record<Task, (data: TrainingData, file: string, count: number) => Promise<Answer[]>>> = {
  classification: async ({ categories }, file, count) => {
    const { logits, categoryCount } = await readPredictions(file);
    const predicted = predictedCategories(logits.subarray(0, count * categoryCount), categoryCount);
    return Array.from(predicted, (category) => ({ caption: captionOf(categories, category) }));
  },
  segmentation: (_data, file, count) =>
    Promise.all(
      Array.from({ length: count }, async (_, at) => ({ mask: (await readPredictedMask(file, at)).predicted })),
    ),
  detection: objectAnswers,
  'instance-segmentation': objectAnswers,
  pose: objectAnswers,
};

async function objectAnswers(data: TrainingData, file: string, count: number): Promise<Answer[]> {
  const predictions = await readDetectionPredictions(file);
  const { scoreThreshold, iouThreshold } = usualDetectionSettings;
  const answer = async (at: number): Promise<Answer> => {
    const candidates = candidatesIn((await readCandidates(file, predictions, at, 1)).rows);
    const placement = placementOf(data, data.evaluation, at);
    const kept = nonMaxSuppression(candidates, { ...validationSettings, scoreThreshold, iouThreshold });
    const boxes = Array.from(kept, (index) => {
      const bboxXyxy = toNetwork(placement, bboxAt(candidates.bboxXyxy, 4 * index));
      return { category: candidates.categories[index]!, bboxXyxy, score: candidates.scores[index]! };
    });
    return { boxes };
  };
  return Promise.all(Array.from({ length: count }, (_, at) => answer(at)));
}

/** Images or masks, uint8 [C, H, W] each. Throws FoveaError `bad-input` where their packs are gone. */
async function firstPlanes({ packs }: TrainingData, where: PackRows): Promise<Uint8Array[]> {
  const count = Math.min(mostTiles, where.rows.length);
  if (count === 0) return [];
  const split = await SplitImages.open(where, packs, 0);
  try {
    const { images } = await split.feed(Array.from({ length: count }, (_, at) => at));
    const length = images.length / count;
    return Array.from({ length: count }, (_, at) => images.subarray(at * length, (at + 1) * length));
  } finally {
    await split.close();
  }
}
