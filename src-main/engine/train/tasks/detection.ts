/**
 * Boxes with a category each. The network reads images of one size; objects, predictions and measures are in px of the
 * upright originals, between which and the network's input `placementOf` converts.
 */
import { FoveaError, invariant } from '../../../contract/errors.ts';
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import type { ImageFeed } from '../../data/split-images.ts';
import { placementOf, toImage, toNetwork, type Letterbox } from '../../data/letterbox.ts';
import { objectColumns, type ObjectLabels, type SplitData } from '../../data/training-data.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Tensor, TensorArray, Value } from '../../graph/types.ts';
import { cocoMeasures } from '../../metrics/average-precision.ts';
import { confidenceCurves } from '../../metrics/detection-curves.ts';
import { DetectionTable, groundTruthTable, validationSettings } from '../../metrics/detection-table.ts';
import { candidatesOf, type BoxCandidates } from '../../../contract/geometry/non-max-suppression.ts';
import { detectionLoss, type DetectionOutputs } from '../../nn/losses/detection/detection-loss.ts';
import { detectionLabels, labelWidth } from '../../nn/losses/detection/labels.ts';
import { detectionPredictions } from '../../nn/losses/detection/predictions.ts';
import { candidateColumns, DetectionPredictionsWriter } from '../detection-predictions-file.ts';
import { exportedDetections } from './detection-export.ts';
import type {
  Evaluation,
  EvaluationOptions,
  ImageSource,
  MeasuredBatch,
  Measures,
  SplitLabels,
  Task,
  TaskFacts,
} from './definition.ts';

const objectWidth = objectColumns.length;
const candidateWidth = candidateColumns.length;
/** A score so low that it adds nothing to the loss. */
const noScore = -60;
const parts = ['box', 'category', 'distribution'] as const;

export function detection({ config, categoryCount, imageShape, labelCapacity = 1 }: TaskFacts): Task {
  const { loss: gains } = config;
  if (gains.kind !== 'detection')
    throw new FoveaError('invalid-request', `The loss "${gains.kind}" is not one of detection. Use: detection.`);
  const [, height, width] = imageShape as [number, number, number];
  const size = [height, width] as const;
  const lossOf = (g: Builder, outputs: DetectionOutputs, labels: Value) =>
    detectionLoss(g, outputs, detectionLabels(g, labels), size, gains);
  return {
    outputCount: categoryCount,
    label: { dataType: 'float32', shape: [labelCapacity, labelWidth] },
    deciding: 'test/ap',
    openLabels: (split, source, images) =>
      Promise.resolve(new ObjectRows(split, source, labelCapacity, images.residentBytes !== null)),
    moveLabels: (labels, motion) => motion.applyToObjects(labels),
    // As the field has it: the images of an update add up.
    gradientFactor: config.batchSize * config.accumulation,
    loss: (g, outputs, labels) => lossOf(g, named(outputs), labels).total,
    counts: (g, outputs, labels) => {
      const loss = lossOf(g, named(outputs), labels);
      return Object.fromEntries(parts.map((part) => [part, g.scale(loss[part], labels.shape[0]!)]));
    },
    trainMeasures: (counts, images) => ({
      'train/boxLoss': counts['box']![0]! / images,
      'train/categoryLoss': counts['category']![0]! / images,
      'train/distributionLoss': counts['distribution']![0]! / images,
    }),
    evaluationResults: (g, outputs, inputs) => {
      const { boxes, scores, distances } = named(outputs);
      const isImage = inputs.isImage();
      const present = g.reshape(isImage, [scores.shape[0]!, 1, 1]);
      const labels = g.mul(inputs.labels(), g.cast(present, 'float32'));
      const counted = g.where(present, scores, g.float(noScore));
      const loss = g.scope('loss', () => lossOf(g, { boxes, scores: counted, distances }, labels));
      const predictions = g.scope('predictions', () => detectionPredictions(g, { scores, distances }, size));
      return { box: loss.box, category: loss.category, distribution: loss.distribution, ...predictions };
    },
    startEvaluation: (options) => DetectionEvaluation.start(options, categoryCount),
    exported: exportedDetections(size),
  };
}

function named(outputs: readonly Value[]): DetectionOutputs {
  const [boxes, scores, distances] = outputs as [Value, Value, Value];
  return { boxes, scores, distances };
}

function objectsOf({ objects }: SplitData): ObjectLabels {
  if (!objects)
    throw new FoveaError('bad-input', 'The images have no boxes, so detection cannot be learned from them.');
  return objects;
}

/** Rows of `labelWidth` numbers an object, as the loss reads them; crowds are not learned. */
class ObjectRows implements SplitLabels {
  private readonly split: SplitData;
  private readonly source: ImageSource;
  private readonly objects: ObjectLabels;
  private readonly capacity: number;
  /** Place of each image's first object. */
  private readonly firsts: Uint32Array;
  /** [images, capacity, labelWidth] where the images are in memory too. */
  private readonly resident: Float32Array | null;

  constructor(split: SplitData, source: ImageSource, capacity: number, resident: boolean) {
    this.split = split;
    this.source = source;
    this.objects = objectsOf(split);
    this.capacity = capacity;
    const { counts } = this.objects;
    let sum = 0;
    this.firsts = Uint32Array.from(counts, (count) => (sum += count) - count);
    this.resident = resident ? this.gather([...counts.keys()], counts.length) : null;
  }

  feed(positions: ArrayLike<number>, asked: number, images: ImageFeed): Promise<TensorArray> {
    return Promise.resolve(images.boxes ?? this.resident ?? this.gather(positions, asked));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private gather(positions: ArrayLike<number>, asked: number): Float32Array {
    const gathered = new Float32Array(asked * this.capacity * labelWidth);
    for (let row = 0; row < positions.length; row++) this.writeImage(gathered, row, positions[row]!);
    return gathered;
  }

  private writeImage(target: Float32Array, row: number, image: number): void {
    const { counts, rows } = this.objects;
    const placement = placementOf(this.source, this.split, image);
    const first = this.firsts[image]!;
    let place = 0;
    for (let object = first; object < first + counts[image]!; object++) {
      const [category, x1, y1, x2, y2, , iscrowd] = rows.slice(object * objectWidth, (object + 1) * objectWidth);
      if (iscrowd === 1) continue;
      invariant(place < this.capacity, `image ${image} has more than ${this.capacity} objects`);
      const box = toNetwork(placement, [x1!, y1!, x2!, y2!]);
      target.set([1, category!, ...box], (row * this.capacity + place++) * labelWidth);
    }
  }
}

/** Sorts out overlapping boxes image by image and measures them at the end; writes what the network said as it comes. */
class DetectionEvaluation implements Evaluation {
  private readonly options: EvaluationOptions;
  private readonly writer: DetectionPredictionsWriter;
  private readonly categoryCount: number;
  private readonly table = new DetectionTable();
  private readonly lossSums = { box: 0, category: 0, distribution: 0 };
  private imageCount = 0;

  private constructor(options: EvaluationOptions, writer: DetectionPredictionsWriter, categoryCount: number) {
    this.options = options;
    this.writer = writer;
    this.categoryCount = categoryCount;
  }

  static async start(options: EvaluationOptions, categoryCount: number): Promise<DetectionEvaluation> {
    const { file, epoch, split } = options;
    const head = { epoch, categoryCount, imageIds: split.imageIds, objects: objectsOf(split) };
    return new DetectionEvaluation(options, await DetectionPredictionsWriter.create(file, head), categoryCount);
  }

  async add({ results, first, count }: MeasuredBatch): Promise<void> {
    const { source, split } = this.options;
    for (const part of parts) this.lossSums[part] += Number(results[part]!.data[0]) * count;
    this.imageCount += count;
    for (let row = 0; row < count; row++) {
      const placement = placementOf(source, split, first + row);
      const raw = candidatesOf(
        ofImage(results['scores']!, row),
        ofImage(results['sides']!, row),
        validationSettings.scoreThreshold,
      );
      const candidates = inImagePx(raw, placement);
      this.table.add(first + row, candidates, validationSettings, placement.image);
      await this.writer.addImage(candidateRows(candidates));
    }
  }

  /** The losses are means over the batches in which the split was measured. */
  measures(): Measures {
    const { counts, rows } = objectsOf(this.options.split);
    const groundTruths = groundTruthTable(counts, rows);
    const detections = this.table.detections();
    const { ap, ap50, ap75, ar100 } = cocoMeasures(groundTruths, detections, this.categoryCount).all;
    const { best } = confidenceCurves(groundTruths, detections, this.categoryCount, {
      iouThreshold: 0.5,
      maxDetections: validationSettings.maxDetections,
    });
    const mean = (sum: number): number => sum / this.imageCount;
    const { box, category, distribution } = this.lossSums;
    return definedOnly({
      'test/loss': mean(box + category + distribution),
      'test/boxLoss': mean(box),
      'test/categoryLoss': mean(category),
      'test/distributionLoss': mean(distribution),
      'test/precision': best?.precision ?? null,
      'test/recall': best?.recall ?? null,
      'test/ap50': ap50,
      'test/ap75': ap75,
      'test/ap': ap,
      'test/ar': ar100,
    });
  }

  writePredictions(): Promise<void> {
    return this.writer.commit();
  }

  discard(): Promise<void> {
    return this.writer.discard();
  }
}

/** One image's part of [B, D, A]. */
function ofImage({ data, shape }: Tensor, row: number): Float32Array {
  const length = shape[1]! * shape[2]!;
  return (data as Float32Array).subarray(row * length, (row + 1) * length);
}

function inImagePx({ bboxXyxy, ...rest }: BoxCandidates, placement: Letterbox): BoxCandidates {
  const moved = new Float32Array(bboxXyxy.length);
  for (let i = 0; i < moved.length; i += 4)
    moved.set(toImage(placement, bboxXyxy.subarray(i, i + 4) as unknown as BboxXyxy), i);
  return { ...rest, bboxXyxy: moved };
}

/** [candidates, 6], the best first; of equal ones the one listed first. */
function candidateRows({ bboxXyxy, scores, categories }: BoxCandidates): Float32Array {
  const order = Int32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const rows = new Float32Array(order.length * candidateWidth);
  order.forEach((index, row) => {
    rows.set(bboxXyxy.subarray(4 * index, 4 * index + 4), row * candidateWidth);
    rows.set([scores[index]!, categories[index]!], row * candidateWidth + 4);
  });
  return rows;
}

function definedOnly(measures: { [K in keyof Measures]: number | null }): Measures {
  return Object.fromEntries(Object.entries(measures).filter(([, value]) => value !== null));
}
