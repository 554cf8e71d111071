/**
 * What a run learns, as far as the trainer, its graphs and its evaluator must know: the form of a label, how outputs and
 * labels give the loss and what is counted, how a split is measured, and what is kept of the predictions. They know no
 * task by name.
 */
import type { Seen, SeenMasks } from '../../../contract/model/image-prediction.ts';
import type { MetricName, RunConfig } from '../../../contract/model/run.ts';
import type { ExampleImages, ImageFeed } from '../../data/split-images.ts';
import type { SplitData, TrainingData } from '../../data/training-data.ts';
import type { Letterbox } from '../../data/letterbox.ts';
import type { Builder } from '../../graph/builder.ts';
import type { DataType, Graph, Shape, Tensor, TensorArray, Value } from '../../graph/types.ts';
import type { Motion } from '../../nn/augmentation.ts';

/** What a task is made for. */
export interface TaskFacts {
  config: Pick<RunConfig, 'task' | 'model' | 'loss' | 'batchSize' | 'accumulation'>;
  categoryCount: number;
  /** [C, H, W] */
  imageShape: Shape;
  /** Most objects of one image, where labels are lists of objects. 1 where absent. */
  labelCapacity?: number;
}

/** What says where a split's images lie, and how they were made to fit. */
export type ImageSource = Pick<TrainingData, 'packs' | 'fit'>;

/** Results by series. */
export type Measures = Partial<Record<MetricName, number>>;

/** Sums over the steps of an epoch, by name; vectors of a fixed length. */
export type Counts = Readonly<Record<string, readonly number[]>>;

/** The labels of a split, in the form in which a graph reads them. */
export interface SplitLabels {
  /**
   * Rows of labels that belong, one to one, to the rows that the images' own feed gave for the same arguments; labels that
   * moved with their images are in it. Throws FoveaError `bad-input` for labels that cannot be used.
   */
  feed(positions: ArrayLike<number>, asked: number, images: ImageFeed): Promise<TensorArray>;
  close(): Promise<void>;
}

/** One batch of a split that is measured. */
export interface MeasuredBatch {
  /** By the names of `evaluationResults`; only the first `count` rows belong to images of the split. */
  results: Readonly<Record<string, Tensor>>;
  /** Place of the first image in the split. */
  first: number;
  count: number;
  /** What the labels' feed gave, and which of its rows belong to the images. */
  labels: TensorArray;
  rows: ArrayLike<number>;
}

/** Measures a split batch by batch. Ends with `writePredictions` or `discard`, one of them always. */
export interface Evaluation {
  add(batch: MeasuredBatch): Promise<void>;
  measures(): Measures;
  /** What was predicted becomes the run's predictions. Throws FoveaError `io`. */
  writePredictions(): Promise<void>;
  discard(): Promise<void>;
}

export interface EvaluationOptions {
  split: SplitData;
  source: ImageSource;
  /** Epochs done. */
  epoch: number;
  /** Where the predictions go. */
  file: string;
}

export interface EvaluationInputs {
  /** [B, …label shape]; the graph reads labels only where this is asked for. */
  labels(): Value;
  /** bool [B]: whether the row is an image of the split, and not there to fill up the batch. */
  isImage(): Value;
}

export interface Task {
  /** Categories or channels that the network's last layer is made for. */
  readonly outputCount: number;
  /** Of one image's label. */
  readonly label: { readonly dataType: DataType; readonly shape: Shape };
  /** Which checkpoint is kept as the best: the one of the epoch in which this was. */
  readonly deciding: MetricName;
  openLabels(split: SplitData, source: ImageSource, images: ExampleImages): Promise<SplitLabels>;
  /** Labels that lie on the image, after the image has moved. */
  moveLabels?(g: Builder, labels: Value, motion: Motion): Value;
  /** What the gradient of the loss is multiplied by: 1 where absent. Some recipes add up over images where others average. */
  readonly gradientFactor?: number;
  /** A scalar. outputs: the network's; labels: [B, …label shape]. */
  loss(g: Builder, outputs: readonly Value[], labels: Value): Value;
  /** What is added up over the steps of an epoch: float32 scalars and vectors. */
  counts(g: Builder, outputs: readonly Value[], labels: Value): Readonly<Record<string, Value>>;
  /** Beside the loss. `images`: how many were counted. */
  trainMeasures(counts: Counts, images: number): Measures;
  /** What the evaluator's graph gives of a batch. */
  evaluationResults(g: Builder, outputs: readonly Value[], inputs: EvaluationInputs): Readonly<Record<string, Value>>;
  startEvaluation(options: EvaluationOptions): Promise<Evaluation>;
  readonly exported: ExportedResults;
}

/** What the network gives outside of this app, of float32 images [N, C, H, W] from 0 to 1. */
export interface ExportedResults {
  /** What it says of an image. */
  raw(g: Builder, outputs: readonly Value[]): Readonly<Record<string, Value>>;
  /** What follows from it, beside or instead of the raw results. For one image at a time where `raw` is. */
  decided(g: Builder, outputs: readonly Value[]): Readonly<Record<string, Value>>;
  /** The last nodes of a decided graph, where there are any that have no fixed shape. */
  complete?(graph: Graph): Graph;
  /** How many decisions there are of these raw results, worked out by other code, and how many of them the model made otherwise. */
  compare(raw: Results, decided: Results): DecisionCounts;
  /** What the raw results of one image say, in px of the original. Boxes with lower scores are left out. */
  say(raw: Results, placement: Letterbox, scoreThreshold: number): Seen;
  /** Where a large image may be looked at in tiles. */
  readonly tiles?: TileResults;
}

/** What overlapping tiles say of a pixel is averaged before it is decided. */
export interface TileResults {
  readonly shareCount: number;
  /** Of the raw results of one tile: [shareCount, H, W] in [0, 1]. */
  shares(raw: Results): Float32Array;
  /** Of mean shares, [shareCount, pixels]; the confidence is that of the category, 255 for 1. */
  decide(means: Float32Array): Pick<SeenMasks, 'predicted' | 'confidence'>;
}

export type Results = Readonly<Record<string, Tensor>>;

export interface DecisionCounts {
  decisions: number;
  different: number;
}

/** Of whole numbers, in their order. */
export function compareWholeNumbers(wanted: ArrayLike<number>, got: TensorArray): DecisionCounts {
  let different = 0;
  for (let i = 0; i < wanted.length; i++) different += Number(wanted[i] !== Number(got[i]));
  return { decisions: wanted.length, different };
}
