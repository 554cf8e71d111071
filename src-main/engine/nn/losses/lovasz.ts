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

/** Behind every error that counts; none of them is negative once those that do not matter are cut off. */
const ignored = -1e9;

export const lovasz: LossDefinition<ConfigOf<'lovasz'>> = {
  build: (inputs) => {
    const { g, logits, targets, valid } = inputs;
    const known = rows(g, valid); // [1, P]
    const shown = rows(g, targets); // [C, P]
    const errors = rows(g, isBinary(logits) ? hingeErrors(inputs) : softmaxErrors(inputs));
    const sortable = g.where(g.op('Greater', [known, g.float(0)]), errors, g.float(ignored));
    // The order is where it is; as in the paper, no gradient flows through it.
    const weights = steps(g, g.op('StopGradient', [sortable], {}, 'fovea'), shown); // [C, P]
    const losses = g.reduceSum(g.mul(g.op('Relu', [sortable]), weights), [1]); // [C]
    const occurs = g.cast(g.op('Greater', [g.reduceSum(shown, [1]), g.float(0)]), 'float32');
    if (isBinary(logits)) return g.reshape(losses, []);
    return g.div(g.reduceSum(g.mul(losses, occurs), [0]), atLeast(g, g.reduceSum(occurs, [0]), 1));
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
 * What each pixel's error adds to 1 − IoU, at the pixel's place. errors, shown: [C, P]. In the sorted order, with G pixels
 * that show the category, U = G + those before or here that do not, I = G − those before or here that do: a pixel that
 * shows it takes one from the intersection, which is 1/U; another adds one to the union, which is I / (U·(U − 1)).
 */
function steps(g: Builder, errors: Value, shown: Value): Value {
  const pixels = errors.shape[1]!;
  const [, order] = g.ops('TopK', [errors, g.ints([pixels])], { axis: 1, largest: 1, sorted: 1 }, 2) as [Value, Value];
  const sorted = g.op('GatherElements', [shown, order], { axis: 1 });
  const others = g.sub(g.float(1), sorted);
  const soFar = (x: Value): Value => g.op('CumSum', [x, g.int(1)], {});
  const all = g.reduceSum(shown, [1], true); // G, [C, 1]
  const union = g.add(all, soFar(others));
  const intersection = g.sub(all, soFar(sorted));
  // Where the category does not occur, the first pixel takes the IoU from 1 to 0.
  const smallest = atLeast(g, g.mul(union, g.sub(union, g.float(1))), 1);
  const isFirst = g.cast(g.op('Equal', [g.add(union, all), g.float(1)]), 'float32');
  const step = g.add(g.div(sorted, union), g.mul(others, g.add(g.div(intersection, smallest), isFirst)));
  const places = g.op('ConstantOfShape', [g.ints(errors.shape)]);
  return g.op('ScatterElements', [places, order, step], { axis: 1, reduction: 'none' });
}
