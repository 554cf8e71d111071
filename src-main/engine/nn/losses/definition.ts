/**
 * What a loss over logits and labels is: one record that appends its graph. Logits are [N, C] or [N, C, H, W], labels
 * [N] or [N, H, W] with a category each. With one logit (C = 1) the categories are 0 and 1 and the logit is that of 1.
 * A label that is none of the categories is ignored: it adds nothing to the loss and to no count.
 */
import type { PixelLoss } from '../../../contract/model/loss.ts';
import type { Builder } from '../../graph/builder.ts';
import { sizeOf, tensor, type DataType, type Value } from '../../graph/types.ts';

/** float32 unless it says otherwise; [N, C, …] is the logits' shape. */
export interface LossInputs {
  g: Builder;
  logits: Value;
  /** 1 where the label is the category, else 0: [N, C, …]. */
  targets: Value;
  /** 1 where the label counts, else 0: [N, 1, …]. */
  valid: Value;
}

export interface LossDefinition<C> {
  /** A scalar. 0 where no label counts. */
  build(inputs: LossInputs, config: C): Value;
}

export type ConfigOf<K extends PixelLoss['kind']> = Extract<PixelLoss, { kind: K }>;

/** labels: int64 or int32. */
export function lossInputs(g: Builder, logits: Value, labels: Value): LossInputs {
  const channels = logits.shape[1]!;
  const oneHot = labelIs(g, labels, channels === 1 ? [1] : ordinals(channels));
  const known = channels === 1 ? labelIs(g, labels, [0, 1]) : oneHot;
  return { g, logits, targets: oneHot, valid: g.reduceSum(known, [1], true) };
}

export const ordinals = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** 1 where the label is the category, else 0. labels: [N, …]; categories: C of them; result: [N, C, …]. */
export function labelIs(g: Builder, labels: Value, categories: readonly number[]): Value {
  const [n, ...space] = labels.shape as [number, ...number[]];
  const wanted = tensor(labels.dataType, [1, categories.length, ...space.map(() => 1)], categories);
  return g.cast(g.op('Equal', [g.reshape(labels, [n, 1, ...space]), g.constant(wanted)]), 'float32');
}

/** What the network says of each category, in (0, 1): softmax, or the sigmoid of a single logit. */
export function probabilities({ g, logits }: LossInputs): Value {
  return isBinary(logits) ? g.op('Sigmoid', [logits]) : g.op('Softmax', [logits], { axis: 1 });
}

export const isBinary = (logits: Value): boolean => logits.shape[1] === 1;

/** Σ over all axes; a scalar. */
export const total = (g: Builder, x: Value): Value => g.reduceSum(x, ordinals(x.shape.length));

/** Σ of each category, [C]. */
export const perCategory = (g: Builder, x: Value): Value => g.op('ChannelSum', [x], {}, 'fovea');
/** Σ a·b of each category, [C]. */
export const dotPerCategory = (g: Builder, a: Value, b: Value): Value => g.op('ChannelDot', [a, b], {}, 'fovea');

/** Keeps a denominator from being 0. */
export const atLeast = (g: Builder, x: Value, bound: number): Value => g.op('Max', [x, g.float(bound)]);

/** Mean over the labels that count of a [N, C, …] map that is 0 where none counts. */
export const meanOverLabels = ({ g, valid }: LossInputs, map: Value): Value =>
  g.div(total(g, map), atLeast(g, total(g, valid), 1));

/** [C] as [1, C, 1, …], to broadcast against a map. */
export function asCategories(
  g: Builder,
  values: readonly number[],
  { shape }: Value,
  dataType: DataType = 'float32',
): Value {
  return g.constant(tensor(dataType, [1, values.length, ...shape.slice(2).map(() => 1)], values));
}

export const pixelsOf = ({ shape }: Value): number => sizeOf(shape) / shape[1]!;
