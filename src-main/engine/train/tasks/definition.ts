/**
 * What a run learns, as far as the trainer, its graphs and its evaluator must know: the form of a label, how outputs and
 * labels give the loss and what is counted, how a split is measured, and what is kept of the predictions. They know no
 * task by name.
 */
import type { MetricName, RunConfig } from '../../../contract/model/run.ts';
import type { SplitImages } from '../../data/split-images.ts';
import type { ImagePack, SplitData } from '../../data/training-data.ts';
import type { Builder } from '../../graph/builder.ts';
import type { DataType, Shape, Tensor, TensorArray, Value } from '../../graph/types.ts';
import type { Motion } from '../../nn/augmentation.ts';

/** What a task is made for. */
export interface TaskFacts {
  config: Pick<RunConfig, 'task' | 'model' | 'loss'>;
  categoryCount: number;
  /** [C, H, W] */
  imageShape: Shape;
}

/** Results by series. */
export type Measures = Partial<Record<MetricName, number>>;

/** Sums over the steps of an epoch, by name; vectors of a fixed length. */
export type Counts = Readonly<Record<string, readonly number[]>>;

/** The labels of a split, in the form in which a graph reads them. */
export interface SplitLabels {
  /**
   * Rows of labels that belong, one to one, to the rows that the images' own feed gives for the same arguments. Throws
   * FoveaError `bad-input` for labels that cannot be used.
   */
  feed(positions: ArrayLike<number>, asked: number): Promise<TensorArray>;
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
  openLabels(split: SplitData, packs: readonly ImagePack[], images: SplitImages): Promise<SplitLabels>;
  /** Labels that lie on the image, after the image has moved. */
  moveLabels?(labels: Value, motion: Motion): Value;
  /** A scalar. outputs: the network's; labels: [B, …label shape]. */
  loss(g: Builder, outputs: readonly Value[], labels: Value): Value;
  /** What is added up over the steps of an epoch: float32 scalars and vectors. */
  counts(g: Builder, outputs: readonly Value[], labels: Value): Readonly<Record<string, Value>>;
  /** Beside the loss. `images`: how many were counted. */
  trainMeasures(counts: Counts, images: number): Measures;
  /** What the evaluator's graph gives of a batch. */
  evaluationResults(g: Builder, outputs: readonly Value[], inputs: EvaluationInputs): Readonly<Record<string, Value>>;
  startEvaluation(options: EvaluationOptions): Promise<Evaluation>;
}
