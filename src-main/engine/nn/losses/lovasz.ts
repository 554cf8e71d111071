/**
 * Lovász-softmax, and the Lovász hinge for a single logit: the convex extension of 1 − IoU over the batch. The pixels'
 * errors are sorted, and each counts by how much it changes the IoU when the pixels before it are wrong already.
 * Source: Berman, Rannen Triki & Blaschko 2018.
 */
import type { Builder } from '../../graph/builder.ts';
import type { Value } from '../../graph/types.ts';
import {
  atLeast,
  isBinary,
  pixelsOf,
  probabilities,
  type ConfigOf,
  type LossDefinition,
  type LossInputs,
} from './definition.ts';

/** Of a probability's error as a whole number, by which sorting is quicker; finer than float32 is near 1. */
const errorUnits = 2 ** 30;

export const lovasz: LossDefinition<ConfigOf<'lovasz'>> = {
  build: (inputs) => {
    const { g, logits, targets, valid } = inputs;
    const known = rows(g, valid); // [1, P]
    const shown = rows(g, targets); // [C, P]
    const all = g.reduceSum(shown, [1], true); // [C, 1]
    const binary = isBinary(logits);
    // Where an error is not above 0 or its pixel not known, it is 0: its place in the order does not matter, for it adds
    // nothing, and no gradient flows through it.
    const errors = g.mul(binary ? g.op('Relu', [rows(g, hingeErrors(inputs))]) : rows(g, softmaxErrors(inputs)), known);
    const occurs = g.cast(g.op('Greater', [all, g.float(0)]), 'float32');
    // The order is where it is; as in the paper, no gradient flows through it.
    const order = sortedPlaces(g, g.op('StopGradient', [errors], {}, 'fovea'), binary ? null : occurs);
    const losses = g.reduceSum(g.mul(errors, steps(g, order, shown, all)), [1], true); // [C, 1]
    if (binary) return g.reshape(losses, []);
    return g.div(g.reduceSum(g.mul(losses, occurs), [0, 1]), atLeast(g, g.reduceSum(occurs, [0, 1]), 1));
  },
};

/** |t − p| */
const softmaxErrors = (inputs: LossInputs): Value =>
  inputs.g.op('Abs', [inputs.g.sub(inputs.targets, probabilities(inputs))]);

/** 1 − x·(2t − 1) */
const hingeErrors = ({ g, logits, targets }: LossInputs): Value =>
  g.sub(g.float(1), g.mul(logits, g.sub(g.scale(targets, 2), g.float(1))));

/** [N, C, …] as [C, N · …]. */
function rows(g: Builder, map: Value): Value {
  const channels = map.shape[1]!;
  const pixels = pixelsOf(map);
  const perImage = pixels / map.shape[0]!;
  return g.reshape(g.transpose(g.reshape(map, [map.shape[0]!, channels, perImage]), [1, 0, 2]), [channels, pixels]);
}

/**
 * int64 [C, P]: of each category the pixels' places, the largest error first. With `occurs` the errors are within [0, 1],
 * and the pixels of a category that does not occur are all alike, which sorts in a quarter of the time.
 */
function sortedPlaces(g: Builder, errors: Value, occurs: Value | null): Value {
  const keys = occurs ? g.cast(g.mul(errors, g.scale(occurs, errorUnits)), 'int32') : errors;
  const pixels = g.ints([errors.shape[1]!]);
  return g.ops('TopK', [keys, pixels], { axis: 1, largest: 1, sorted: 1 }, 2)[1]!;
}

/**
 * What each pixel's error adds to 1 − IoU, at the pixel's place. order, shown: [C, P]; all: [C, 1], G below. In the sorted
 * order, with U = G + those before or here that do not show the category, I = G − those before or here that do: a pixel
 * that shows it takes one from the intersection, which is 1/U; another adds one to the union, which is I / (U·(U − 1)).
 */
function steps(g: Builder, order: Value, shown: Value, all: Value): Value {
  const [categories, pixels] = shown.shape as [number, number];
  const sorted = g.op('GatherElements', [shown, order], { axis: 1 });
  const soFar = (x: Value): Value => g.op('CumSum', [x, g.int(1)], {});
  const shownSoFar = soFar(sorted);
  const place = soFar(g.expand(g.float(1, [1, 1]), [1, pixels])); // 1, 2, …
  const union = g.sub(g.add(all, place), shownSoFar);
  // Where the category does not occur, the first pixel takes the IoU from 1 to 0.
  const nothing = g.cast(g.op('Equal', [g.add(all, place), g.float(1)]), 'float32');
  const left = g.div(g.add(g.sub(all, shownSoFar), nothing), atLeast(g, g.sub(union, g.float(1)), 1));
  const isShown = g.op('Greater', [sorted, g.float(0)]);
  const step = g.div(g.where(isShown, g.float(1), left), union);
  const places = g.op('ConstantOfShape', [g.ints([categories, pixels])]);
  return g.op('ScatterElements', [places, order, step], { axis: 1, reduction: 'none' });
}
