/**
 * Dynamic loss scaling, in the graph: in half precision small gradients would become 0, so the loss is multiplied by a
 * scale before its gradients are taken and these are divided by it in float32. Where a gradient overflows, the update is left
 * out and the scale is halved; after many good updates it is doubled. Source: Micikevicius et al. 2018; the rule and its
 * numbers are those of PyTorch's GradScaler.
 */
import type { Builder } from '../graph/builder.ts';
import { type Value } from '../graph/types.ts';
import { FlatLayout } from '../nn/parameters.ts';

const growthFactor = 2;
const backoffFactor = 0.5;
/** Good updates in a row after which the scale grows. */
const growthInterval = 2000;
const greatestScale = 2 ** 127;
/** Below this it is not the size of the gradients that overflows. */
const leastUsefulScale = 2 ** -20;
const greatestFloat = 3.402_823_466_385_288_6e38;

/** The carried vector. */
export const lossScaleName = 'lossScale';
/** In the order of its elements; `overflowed` is 1 where a step of the current update has, else 0. */
export const lossScaleLayout = new FlatLayout(
  ['scale', 'goodUpdates', 'overflowed'].map((name) => ({ name, shape: [] })),
);
export const firstLossScale: readonly number[] = [65536, 0, 0];

/** Whether every scale overflows, down to one that helps no longer. */
export const hasLostScale = ([scale = 1]: ArrayLike<number> & Iterable<number>): boolean => scale < leastUsefulScale;

interface Scaling {
  scale: Value;
  goodUpdates: Value;
  overflowed: Value;
}

function read(g: Builder, vector: Value): Scaling {
  const [scale, goodUpdates, overflowed] = [0, 1, 2].map((i) => g.gather(vector, g.int(i))) as [Value, Value, Value];
  return { scale, goodUpdates, overflowed };
}

const write = (g: Builder, { scale, goodUpdates, overflowed }: Scaling): Value =>
  g.concat(
    [scale, goodUpdates, overflowed].map((value) => g.reshape(value, [1])),
    0,
  );

/** What the backward pass begins with, in place of 1. */
export const lossSeed = (g: Builder, vector: Value, loss: Value): Value => g.reshape(read(g, vector).scale, loss.shape);

/**
 * Gradients of one step [P], scaled, as they are without the scale; zeros, all of them, where one is not finite. The vector
 * remembers that until the update.
 */
export function unscale(
  g: Builder,
  vector: Value,
  gradients: readonly Value[],
): { gradients: Value[]; lossScale: Value } {
  const before = read(g, vector);
  const inverse = g.reciprocal(before.scale);
  const unscaled = gradients.map((gradient) => g.mul(gradient, inverse));
  const finite = unscaled.map((gradient) => allFinite(g, gradient)).reduce((a, b) => g.op('Min', [a, b]));
  const isFinite = g.op('Greater', [finite, g.float(0)]);
  return {
    gradients: unscaled.map((gradient) => g.where(isFinite, gradient, g.float(0))),
    lossScale: write(g, { ...before, overflowed: g.op('Max', [before.overflowed, g.sub(g.float(1), finite)]) }),
  };
}

/** bool, element by element. By a comparison that NaN fails, because not every device has a test for NaN. */
export const isFiniteNumber = (g: Builder, x: Value): Value =>
  g.op('LessOrEqual', [g.op('Abs', [x]), g.float(greatestFloat)]);

/** 1 or 0. */
const allFinite = (g: Builder, x: Value): Value =>
  g.op('ReduceMin', [g.cast(isFiniteNumber(g, x), 'float32'), g.ints([0])], { keepdims: 0 });

/** At the end of an update: whether it counts (bool), and the vector for the next. */
export function judgeUpdate(g: Builder, vector: Value): { counts: Value; lossScale: Value } {
  const { scale, goodUpdates, overflowed } = read(g, vector);
  const counts = g.op('Equal', [overflowed, g.float(0)]);
  const good = g.add(goodUpdates, g.float(1));
  const grows = g.op('GreaterOrEqual', [good, g.float(growthInterval)]);
  const grown = g.op('Min', [g.scale(scale, growthFactor), g.float(greatestScale)]);
  const next: Scaling = {
    scale: g.where(counts, g.where(grows, grown, scale), g.scale(scale, backoffFactor)),
    goodUpdates: g.where(g.op('And', [counts, g.op('Not', [grows])]), good, g.float(0)),
    overflowed: g.float(0),
  };
  return { counts, lossScale: write(g, next) };
}
