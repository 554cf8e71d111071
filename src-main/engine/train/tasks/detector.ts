/**
 * Boxes with a category each, and what a head says beside them. The network reads images of one size; objects, predictions
 * and measures are in px of the upright originals, between which and the network's input `placementOf` converts.
 */
import { FoveaError, invariant } from '../../../contract/errors.ts';
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import { candidatesOf, type AnchoredCandidates } from '../../../contract/geometry/non-max-suppression.ts';
import { joinPayloads } from '../../../contract/model/run-results.ts';
import type { MetricName } from '../../../contract/model/run.ts';
import { placementOf, toImage, toNetwork, type Letterbox } from '../../data/letterbox.ts';
import type { ExampleImages, ImageFeed } from '../../data/split-images.ts';
import { objectColumns, type ObjectLabels, type SplitData } from '../../data/training-data.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Tensor, TensorArray, Value } from '../../graph/types.ts';
import { cocoMeasures } from '../../metrics/average-precision.ts';
import { confidenceCurves } from '../../metrics/detection-curves.ts';
import { boxComparison, type Comparison, type Detections, type GroundTruths } from '../../metrics/detection-pairs.ts';
import { DetectionTable, groundTruthTable, validationSettings } from '../../metrics/detection-table.ts';
import { headComparisons } from '../../metrics/head-comparisons.ts';
import { detectionLoss, type DetectionGains, type DetectionOutputs } from '../../nn/losses/detection/detection-loss.ts';
import { detectionLabels, labelWidth } from '../../nn/losses/detection/labels.ts';
import { detectionPredictions } from '../../nn/losses/detection/predictions.ts';
import { candidateColumns, DetectionPredictionsWriter, mostCandidates } from '../detection-predictions-file.ts';
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
import { exportedDetections } from './detection-export.ts';
import { boxOutputs, type DetectionHead, type HeadLabels, type HeadResults, type LossPart } from './detection-head.ts';

const objectWidth = objectColumns.length;
const candidateWidth = candidateColumns.length;
/** A score so low that it adds nothing to the loss. */
const noScore = -60;
const boxParts: readonly LossPart[] = [
  { name: 'box', train: 'train/boxLoss', test: 'test/boxLoss' },
  { name: 'category', train: 'train/categoryLoss', test: 'test/categoryLoss' },
  { name: 'distribution', train: 'train/distributionLoss', test: 'test/distributionLoss' },
];
const boxMetrics = {
  precision: 'test/precision',
  recall: 'test/recall',
  ap50: 'test/ap50',
  ap75: 'test/ap75',
  ap: 'test/ap',
  ar: 'test/ar',
} as const;

export function detector(
  { config, categoryCount, imageShape, labelCapacity = 1 }: TaskFacts,
  gains: DetectionGains,
  head: DetectionHead | null,
): Task {
  const [, height, width] = imageShape as [number, number, number];
  const size = [height, width] as const;
  const parts = [...boxParts, ...(head?.lossParts ?? [])];
  const form: LabelForm = { capacity: labelCapacity, length: labelCapacity * labelWidth + (head?.labelLength ?? 0) };
  const lossesOf = (g: Builder, outputs: readonly Value[], labels: Value): Record<string, Value> => {
    const { rows, further } = piecesOf(g, labels, form);
    const objects = detectionLabels(g, rows);
    const { box, category, distribution, assignment } = detectionLoss(g, named(outputs), objects, size, gains);
    const ofHead = head && further && { outputs: outputs.slice(boxOutputs), labels: further, objects, assignment };
    return { box, category, distribution, ...(ofHead && g.scope(head.kind, () => head.loss(g, ofHead))) };
  };
  return {
    outputCount: categoryCount,
    label: { dataType: 'float32', shape: [form.length] },
    deciding: head?.metrics.ap ?? 'test/ap',
    openLabels: (split, source, images) => ObjectRows.open({ split, source, images, form, head }),
    // Where there is a head images are made anew, so that its graph has nothing to move.
    ...(head === null && {
      moveLabels: (g, labels, motion) => g.reshape(motion.applyToObjects(piecesOf(g, labels, form).rows), labels.shape),
    }),
    // As the field has it: the images of an update add up.
    gradientFactor: config.batchSize * config.accumulation,
    loss: (g, outputs, labels) => Object.values(lossesOf(g, outputs, labels)).reduce((sum, part) => g.add(sum, part)),
    counts: (g, outputs, labels) => {
      const losses = lossesOf(g, outputs, labels);
      return Object.fromEntries(parts.map(({ name }) => [name, g.scale(losses[name]!, labels.shape[0]!)]));
    },
    trainMeasures: (counts, images) =>
      Object.fromEntries(parts.map(({ name, train }) => [train, counts[name]![0]! / images])),
    evaluationResults: (g, outputs, inputs) => {
      const { scores, distances } = named(outputs);
      const present = g.reshape(inputs.isImage(), [scores.shape[0]!, 1, 1]);
      const labels = g.mul(inputs.labels(), g.cast(g.reshape(present, [scores.shape[0]!, 1]), 'float32'));
      const counted = outputs.map((output) =>
        output === scores ? g.where(present, scores, g.float(noScore)) : output,
      );
      const losses = g.scope('loss', () => lossesOf(g, counted, labels));
      const predictions = g.scope('predictions', () => detectionPredictions(g, { scores, distances }, size));
      return { ...losses, ...predictions, ...head?.predictions(g, outputs.slice(boxOutputs)) };
    },
    startEvaluation: (options) => DetectionEvaluation.start(options, { categoryCount, parts, head }),
    exported: exportedDetections(size, categoryCount, head?.exported ?? null),
  };
}

function named(outputs: readonly Value[]): DetectionOutputs {
  const [boxes, scores, distances] = outputs as [Value, Value, Value];
  return { boxes, scores, distances };
}

/** An image's label is one row of numbers: `capacity` rows of boxes, and what the head has behind them. */
interface LabelForm {
  capacity: number;
  length: number;
}

/** labels: [N, length]. rows: [N, capacity, 6]; further: [N, the rest], null where there is none. */
function piecesOf(g: Builder, labels: Value, { capacity, length }: LabelForm): { rows: Value; further: Value | null } {
  const n = labels.shape[0]!;
  const boxes = capacity * labelWidth;
  const [rows, further = null] = g.split(labels, boxes === length ? [boxes] : [boxes, length - boxes], 1);
  return { rows: g.reshape(rows!, [n, capacity, labelWidth]), further };
}

function objectsOf({ objects }: SplitData): ObjectLabels {
  if (!objects)
    throw new FoveaError('bad-input', 'The images have no boxes, so detection cannot be learned from them.');
  return objects;
}

interface LabelSources {
  split: SplitData;
  source: ImageSource;
  images: ExampleImages;
  form: LabelForm;
  head: DetectionHead | null;
}

/** Rows of `labelWidth` numbers an object, as the loss reads them, and the head's part; crowds are not learned. */
class ObjectRows implements SplitLabels {
  private readonly sources: LabelSources;
  private readonly objects: ObjectLabels;
  private readonly head: HeadLabels | null;
  /** Place of each image's first object. */
  private readonly firsts: Uint32Array;
  /** [images, length] where the images are in memory too. */
  private resident: Float32Array | null = null;

  private constructor(sources: LabelSources, head: HeadLabels | null) {
    this.sources = sources;
    this.head = head;
    this.objects = objectsOf(sources.split);
    let sum = 0;
    this.firsts = Uint32Array.from(this.objects.counts, (count) => (sum += count) - count);
  }

  static async open(sources: LabelSources): Promise<ObjectRows> {
    const { split, source, images, head } = sources;
    const labels = new ObjectRows(sources, head && (await head.openLabels(split, source, images)));
    try {
      const all = [...split.imageIds.keys()];
      if (images.residentBytes !== null) labels.resident = await labels.gather(all, all.length);
      return labels;
    } catch (error) {
      await labels.close();
      throw error;
    }
  }

  async feed(positions: ArrayLike<number>, asked: number, images: ImageFeed): Promise<TensorArray> {
    if (images.boxes) return this.head ? this.joined(this.head, images, positions.length, asked) : images.boxes;
    return this.resident ?? this.gather(positions, asked);
  }

  async close(): Promise<void> {
    await this.head?.close();
  }

  /** Labels that moved with their images. */
  private joined(head: HeadLabels, feed: ImageFeed, count: number, asked: number): Float32Array {
    const { capacity, length } = this.sources.form;
    const boxes = capacity * labelWidth;
    const all = new Float32Array(asked * length);
    for (let row = 0; row < count; row++) {
      all.set(feed.boxes!.subarray(row * boxes, (row + 1) * boxes), row * length);
      head.writeMoved(all.subarray(row * length + boxes, (row + 1) * length), feed, row);
    }
    return all;
  }

  private async gather(positions: ArrayLike<number>, asked: number): Promise<Float32Array> {
    const { capacity, length } = this.sources.form;
    const gathered = new Float32Array(asked * length);
    for (let row = 0; row < positions.length; row++) {
      const target = gathered.subarray(row * length, (row + 1) * length);
      const objects = this.writeBoxes(target, positions[row]!);
      await this.head?.write(target.subarray(capacity * labelWidth), positions[row]!, objects);
    }
    return gathered;
  }

  /** Which of the image's objects stands in each row. */
  private writeBoxes(target: Float32Array, image: number): number[] {
    const { split, source, form } = this.sources;
    const { counts, rows } = this.objects;
    const placement = placementOf(source, split, image);
    const first = this.firsts[image]!;
    const written: number[] = [];
    for (let object = first; object < first + counts[image]!; object++) {
      const [category, x1, y1, x2, y2, , iscrowd] = rows.slice(object * objectWidth, (object + 1) * objectWidth);
      if (iscrowd === 1) continue;
      invariant(written.length < form.capacity, `image ${image} has more than ${form.capacity} objects`);
      const box = toNetwork(placement, [x1!, y1!, x2!, y2!]);
      target.set([1, category!, ...box], written.length * labelWidth);
      written.push(object - first);
    }
    return written;
  }
}

interface MeasuredFacts {
  categoryCount: number;
  parts: readonly LossPart[];
  head: DetectionHead | null;
}

/** What the head knows of the objects and said of the detections, as bytes, a row of the tables each. */
interface HeadRecord {
  head: DetectionHead;
  groundTruths: readonly Uint8Array[];
  detections: Uint8Array[];
}

/** Sorts out overlapping boxes image by image and measures them at the end; writes what the network said as it comes. */
class DetectionEvaluation implements Evaluation {
  private readonly options: EvaluationOptions;
  private readonly writer: DetectionPredictionsWriter;
  private readonly facts: MeasuredFacts;
  private readonly headRecord: HeadRecord | null;
  private readonly table = new DetectionTable();
  private readonly lossSums = new Map<string, number>();
  private imageCount = 0;

  private constructor(
    options: EvaluationOptions,
    writer: DetectionPredictionsWriter,
    facts: MeasuredFacts,
    headRecord: HeadRecord | null,
  ) {
    this.options = options;
    this.writer = writer;
    this.facts = facts;
    this.headRecord = headRecord;
  }

  static async start(options: EvaluationOptions, facts: MeasuredFacts): Promise<DetectionEvaluation> {
    const { file, epoch, split } = options;
    const { categoryCount, head } = facts;
    const record = head && { head, groundTruths: await objectPayloads(head, options), detections: [] };
    const kept = record && { kind: record.head.kind, objects: joinPayloads(record.groundTruths) };
    const start = { epoch, categoryCount, imageIds: split.imageIds, objects: objectsOf(split), head: kept };
    return new DetectionEvaluation(options, await DetectionPredictionsWriter.create(file, start), facts, record);
  }

  async add({ results, first, count }: MeasuredBatch): Promise<void> {
    const { source, split } = this.options;
    for (const { name } of this.facts.parts)
      this.lossSums.set(name, (this.lossSums.get(name) ?? 0) + Number(results[name]!.data[0]) * count);
    this.imageCount += count;
    for (let row = 0; row < count; row++) {
      const placement = placementOf(source, split, first + row);
      const raw = bestFirst(
        candidatesOf(
          ofImage(results['scores']!, row).data as Float32Array,
          ofImage(results['sides']!, row).data as Float32Array,
          validationSettings.scoreThreshold,
        ),
      );
      const candidates = inImagePx(raw, placement);
      const staying = this.table.add(first + row, candidates, validationSettings, placement.image);
      await this.writer.addImage(candidateRows(candidates), this.payloads(results, row, raw, staying, placement));
    }
  }

  /** Of the candidates that the file keeps; what is measured is kept beside them. */
  private payloads(
    results: Readonly<Record<string, Tensor>>,
    row: number,
    raw: AnchoredCandidates,
    staying: Int32Array,
    placement: Letterbox,
  ): Uint8Array[] {
    if (this.headRecord === null) return [];
    const ofRow: HeadResults = Object.fromEntries(
      Object.entries(results).flatMap(([name, value]) => (value.shape.length > 0 ? [[name, ofImage(value, row)]] : [])),
    );
    const says = this.headRecord.head.says(ofRow, raw, placement);
    for (const index of staying) this.headRecord.detections.push(says(index));
    return Array.from({ length: Math.min(raw.scores.length, mostCandidates) }, (_, index) => says(index));
  }

  /** The losses are means over the batches in which the split was measured. */
  measures(): Measures {
    const { counts, rows } = objectsOf(this.options.split);
    const { categoryCount, parts } = this.facts;
    const tables = { groundTruths: groundTruthTable(counts, rows), detections: this.table.detections() };
    const losses = parts.map(({ name, test }) => [test, this.lossSums.get(name)! / this.imageCount] as const);
    const record = this.headRecord;
    return {
      'test/loss': losses.reduce((sum, [, value]) => sum + value, 0),
      ...Object.fromEntries(losses),
      ...comparedBy(tables, categoryCount, boxMetrics, boxComparison(tables.groundTruths, tables.detections)),
      ...(record &&
        comparedBy(
          tables,
          categoryCount,
          record.head.metrics,
          headComparisons[record.head.kind](tables.groundTruths, tables.detections, record),
        )),
    };
  }

  writePredictions(): Promise<void> {
    return this.writer.commit();
  }

  discard(): Promise<void> {
    return this.writer.discard();
  }
}

async function objectPayloads(head: DetectionHead, { split, source }: EvaluationOptions): Promise<Uint8Array[]> {
  const labels = await head.openLabels(split, source, null);
  try {
    const all: Uint8Array[] = [];
    for (const position of split.imageIds.keys()) all.push(...(await labels.payloads(position)));
    return all;
  } finally {
    await labels.close();
  }
}

type MetricNames = DetectionHead['metrics'] & { ar?: MetricName };

function comparedBy(
  { groundTruths, detections }: { groundTruths: GroundTruths; detections: Detections },
  categoryCount: number,
  names: MetricNames,
  comparison: Comparison,
): Measures {
  const { ap, ap50, ap75, ar100 } = cocoMeasures(groundTruths, detections, categoryCount, comparison).all;
  const settings = { threshold: 0.5, maxDetections: validationSettings.maxDetections };
  const { best } = confidenceCurves(groundTruths, detections, categoryCount, settings, comparison);
  return definedOnly({
    [names.precision]: best?.precision ?? null,
    [names.recall]: best?.recall ?? null,
    [names.ap50]: ap50,
    [names.ap75]: ap75,
    [names.ap]: ap,
    ...(names.ar && { [names.ar]: ar100 }),
  });
}

/** One image's part of [B, …]. */
function ofImage({ dataType, data, shape }: Tensor, row: number): Tensor {
  const length = data.length / shape[0]!;
  return { dataType, shape: shape.slice(1), data: (data as Float32Array).subarray(row * length, (row + 1) * length) };
}

/** By falling score; of equal ones the one listed first. */
function bestFirst({ bboxXyxy, scores, categories, anchors }: AnchoredCandidates): AnchoredCandidates {
  const order = Int32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return {
    bboxXyxy: Float32Array.from({ length: bboxXyxy.length }, (_, i) => bboxXyxy[4 * order[i >> 2]! + (i & 3)]!),
    scores: Float32Array.from(order, (index) => scores[index]!),
    categories: order.map((index) => categories[index]!),
    anchors: order.map((index) => anchors[index]!),
  };
}

function inImagePx(candidates: AnchoredCandidates, placement: Letterbox): AnchoredCandidates {
  const { bboxXyxy } = candidates;
  const moved = new Float32Array(bboxXyxy.length);
  for (let i = 0; i < moved.length; i += 4)
    moved.set(toImage(placement, bboxXyxy.subarray(i, i + 4) as unknown as BboxXyxy), i);
  return { ...candidates, bboxXyxy: moved };
}

/** [candidates, 6] */
function candidateRows({ bboxXyxy, scores, categories }: AnchoredCandidates): Float32Array {
  const rows = new Float32Array(scores.length * candidateWidth);
  scores.forEach((score, row) => {
    rows.set(bboxXyxy.subarray(4 * row, 4 * row + 4), row * candidateWidth);
    rows.set([score, categories[row]!], row * candidateWidth + 4);
  });
  return rows;
}

function definedOnly(measures: { [K in keyof Measures]: number | null }): Measures {
  return Object.fromEntries(Object.entries(measures).filter(([, value]) => value !== null));
}
