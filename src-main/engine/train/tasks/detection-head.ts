/**
 * What a detector says of each object beside its box, and learns beside the box's loss. A head is one record; the detector
 * knows none by name.
 */
import type { AnchoredCandidates } from '../../../contract/geometry/non-max-suppression.ts';
import type { FoundBox } from '../../../contract/model/image-prediction.ts';
import type { HeadKind } from '../../../contract/model/run-results.ts';
import type { MetricName } from '../../../contract/model/run.ts';
import type { Letterbox } from '../../data/letterbox.ts';
import type { ExampleImages, ImageFeed } from '../../data/split-images.ts';
import type { SplitData } from '../../data/training-data.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Tensor, Value } from '../../graph/types.ts';
import type { Assignment } from '../../nn/losses/detection/assigner.ts';
import type { DetectionLabels } from '../../nn/losses/detection/labels.ts';
import type { ImageSource } from './definition.ts';
import type { DecideOfHead } from './detection-suppression.ts';

/** Outputs of the network before the head's own: the sides' distributions, the scores, the distances. */
export const boxOutputs = 3;

export interface DetectionHead {
  readonly kind: HeadKind;
  /** float32 of an image's label behind its rows of boxes. */
  readonly labelLength: number;
  /** The terms of the loss. */
  readonly lossParts: readonly LossPart[];
  /** Of COCO's measures with what this head is compared by. */
  readonly metrics: Readonly<Record<'precision' | 'recall' | 'ap50' | 'ap75' | 'ap', MetricName>>;
  /** `images` null: nothing of it is kept in memory. */
  openLabels(split: SplitData, source: ImageSource, images: ExampleImages | null): Promise<HeadLabels>;
  /** float32 scalars with their gains in them, by the parts' names. */
  loss(g: Builder, inputs: HeadLossInputs): Readonly<Record<string, Value>>;
  /** What the evaluator's graph gives of a batch beside scores and sides; outputs: this head's. */
  predictions(g: Builder, outputs: readonly Value[]): Readonly<Record<string, Value>>;
  /** As bytes (`HeadSaid`), of the candidate with this index. Candidates are in px of the input. */
  says(results: HeadResults, candidates: AnchoredCandidates, placement: Letterbox): (candidate: number) => Uint8Array;
  readonly exported: HeadExport;
}

export interface LossPart {
  name: string;
  train: MetricName;
  test: MetricName;
}

/** The head's part of the labels of a split. */
export interface HeadLabels {
  /**
   * Into [labelLength], of an image as it lies in its pack. `objects`: which of its objects stands in each row of boxes, by
   * its place among all of the image's.
   */
  write(target: Float32Array, position: number, objects: readonly number[]): Promise<void>;
  /** The same of the feed's `row`, where labels moved with their images. */
  writeMoved(target: Float32Array, feed: ImageFeed, row: number): void;
  /** As bytes (`HeadSaid`), of every object of an image. */
  payloads(position: number): Promise<Uint8Array[]>;
  close(): Promise<void>;
}

export interface HeadLossInputs {
  /** This head's. */
  outputs: readonly Value[];
  /** [N, labelLength] */
  labels: Value;
  objects: DetectionLabels;
  assignment: Assignment;
}

/** Of one image, by the names of `predictions`. */
export type HeadResults = Readonly<Record<string, Tensor>>;

export interface HeadExport {
  /** [N, E, A], behind the scores in "output0". */
  columns(g: Builder, outputs: readonly Value[]): Value;
  /** Beside "output0". */
  more(g: Builder, outputs: readonly Value[]): Readonly<Record<string, Value>>;
  /** From one image's raw results, what belongs to a box beside its sides; columns: [E, A]. */
  found(
    columns: Float32Array,
    more: HeadResults,
    candidates: AnchoredCandidates,
    placement: Letterbox,
  ): (candidate: number) => Partial<FoundBox>;
  /** The output of a model with suppression, a row an object, zeros where there are fewer. */
  readonly decided: DecideOfHead;
  /** Whether a row of that output is what was found, px of the input, but for rounding. */
  isSaid(found: Partial<FoundBox>, decided: HeadResults, row: number): boolean;
}
