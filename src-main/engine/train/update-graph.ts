/**
 * The end of a training step as a graph: from gradients to new weights. In this order: the loss's scale is taken out of the
 * gradients where there is one, those of several steps are averaged, the gradient is clipped, the optimiser moves the weights, the moving average follows them.
 */
import type { Builder } from '../graph/builder.ts';
import type { Value } from '../graph/types.ts';
import { optimiserFor } from '../nn/optimisers/index.ts';
import { judgeUpdate, lossScaleName, unscale } from './loss-scaling.ts';
import {
  carriedVectors,
  groupVector,
  shownGradient,
  type ParameterGroup,
  type StateLayout,
  type UpdateSettings,
} from './state-layout.ts';

/** What the numbers of one step follow from. */
export interface StepNumbers {
  learningRate: number;
  /** Counts from 1 since the optimiser began; of several steps that make one update, each has its number. */
  update: number;
  /** The share of this step's images in those of its update. */
  weight: number;
  /** 1 − d: how far the moving average goes towards the weights. */
  averagePace: number;
}

/** The numbers that a step is fed: the optimiser's, then the weight and the pace where they are needed. */
export function numbersOfStep(
  { optimiser, accumulates, averages }: UpdateSettings,
  { learningRate, update, weight, averagePace }: StepNumbers,
): number[] {
  return [
    ...optimiserFor(optimiser).stepNumbers(optimiser, learningRate, update),
    ...(accumulates ? [weight] : []),
    ...(averages === 'nothing' ? [] : [averagePace]),
  ];
}

export interface UpdateInputs {
  layout: StateLayout;
  update: UpdateSettings;
  /** Carried vectors by name; of the buffers, what the step has made of them. */
  state: ReadonlyMap<string, Value>;
  /** The network's frozen parameters; null where there are none. */
  frozen: Value | null;
  /** One for each group, [P]; with the loss's scale in them, where it has one. */
  gradients: readonly Value[];
  /** Scalars in the order of `numbersOfStep`. */
  numbers: readonly Value[];
  /** bool scalar: whether this step completes an update. Null where each does. */
  completes: Value | null;
}

/** The carried vectors as they are after the step. */
export function buildUpdate(g: Builder, inputs: UpdateInputs): Map<string, Value> {
  if (!inputs.update.scalesLoss) return accumulateAndUpdate(g, inputs);
  const { state, gradients } = inputs;
  const unscaled = unscale(g, state.get(lossScaleName)!, gradients);
  const withScale = new Map(state).set(lossScaleName, unscaled.lossScale);
  return accumulateAndUpdate(g, { ...inputs, state: withScale, gradients: unscaled.gradients });
}

function accumulateAndUpdate(g: Builder, inputs: UpdateInputs): Map<string, Value> {
  const { layout, update, completes } = inputs;
  if (!completes) return applyUpdate(g, inputs);
  const names = carriedVectors(layout, update).map(({ name }) => name);
  return onlyIf(g, completes, accumulate(g, inputs).state, names, (body, before) =>
    applyUpdate(body, { ...inputs, ...sumsIn(layout, before) }),
  );
}

/** The step's gradients join the sums, which are what an update then sees. */
export function accumulate<T extends Omit<UpdateInputs, 'completes'>>(g: Builder, inputs: T): T {
  const { layout, update, state, gradients, numbers } = inputs;
  const weight = weightAmong(numbers, update);
  const summed = new Map(state);
  layout.groups.forEach((group, i) => {
    const name = groupVector('gradientSum', group);
    summed.set(name, g.add(state.get(name)!, g.mul(gradients[i]!, weight)));
  });
  return { ...inputs, ...sumsIn(layout, summed) };
}

const sumsIn = (
  { groups }: StateLayout,
  state: ReadonlyMap<string, Value>,
): Pick<UpdateInputs, 'state' | 'gradients'> => ({
  state,
  gradients: groups.map((group) => state.get(groupVector('gradientSum', group))!),
});

/** `change` where `condition` holds, else the values as they are: a Loop of at most one turn. */
function onlyIf(
  g: Builder,
  condition: Value,
  values: ReadonlyMap<string, Value>,
  names: readonly string[],
  change: (body: Builder, before: ReadonlyMap<string, Value>) => ReadonlyMap<string, Value>,
): Map<string, Value> {
  const body = g.subgraph('update');
  body.input('updateTurn', 'int64', []);
  const due = body.input('updateDue', 'bool', []);
  const before = new Map(
    names.map((name) => {
      const { dataType, shape } = values.get(name)!;
      return [name, body.input(`${name}Before`, dataType, shape)];
    }),
  );
  const after = change(body, before);
  body.output(due, 'updateAgain');
  for (const name of names) body.output(after.get(name)!, `${name}After`);
  const results = g.ops(
    'Loop',
    [g.int(1), condition, ...names.map((name) => values.get(name)!)],
    { body: body.graph },
    names.length,
  );
  return new Map(names.map((name, i) => [name, results[i]!]));
}

/** The update that follows from these gradients, or sums of them, which begin again at 0. */
export function applyUpdate(
  g: Builder,
  { layout, update, state, frozen, gradients, numbers }: Omit<UpdateInputs, 'completes'>,
): Map<string, Value> {
  const { optimiser, clipNorm, averages } = update;
  const clipped = clipNorm === null ? gradients : clip(g, gradients, clipNorm);
  const definition = optimiserFor(optimiser);
  const slotNames = definition.slots(optimiser);
  const next = new Map(state);
  const verdict = update.scalesLoss ? judgeUpdate(g, state.get(lossScaleName)!) : null;
  if (verdict) next.set(lossScaleName, verdict.lossScale);
  /**
   * The value from before where the update does not count.
   * NOTE (differs from PyTorch): Adam's bias correction counts it all the same, because its numbers are fed.
   */
  const unlessSkipped = (after: Value, before: Value): Value =>
    verdict ? g.where(verdict.counts, after, before) : after;
  layout.groups.forEach((group, i) => {
    const now = (role: string): Value => state.get(groupVector(role, group))!;
    const config = group.decays ? optimiser : { ...optimiser, weightDecay: 0 };
    const moved = definition.update(config, {
      g,
      parameter: now('parameters'),
      gradient: clipped[i]!,
      slots: slotNames.map(now),
      numbers,
    });
    next.set(groupVector('parameters', group), unlessSkipped(moved.parameter, now('parameters')));
    slotNames.forEach((slot, at) => next.set(groupVector(slot, group), unlessSkipped(moved.slots[at]!, now(slot))));
  });
  if (update.showsGradient)
    layout.groups.forEach((group, i) => next.set(groupVector(shownGradient, group), gradients[i]!));
  // +0 whatever the sign was, as in a run that begins here.
  if (update.accumulates)
    layout.groups.forEach((group, i) =>
      next.set(groupVector('gradientSum', group), g.sub(gradients[i]!, gradients[i]!)),
    );
  if (averages !== 'nothing') followWeights(g, layout.groups, next, frozen, numbers.at(-1)!);
  return next;
}

/** g ← g · min(1, c / (‖g‖ + 10⁻⁶)) with the norm over all groups, as PyTorch's clip_grad_norm_. */
function clip(g: Builder, gradients: readonly Value[], clipNorm: number): Value[] {
  const factor = clipFactor(g, gradients, clipNorm);
  return gradients.map((gradient) => g.mul(gradient, factor));
}

/** A scalar: what clipping multiplies the gradient by. */
function clipFactor(g: Builder, gradients: readonly Value[], clipNorm: number): Value {
  const squares = gradients.map((gradient) => g.reduceSum(g.mul(gradient, gradient), [0]));
  const norm = g.sqrt(squares.reduce((sum, square) => g.add(sum, square)));
  return g.op('Min', [g.float(1), g.div(g.float(clipNorm), g.add(norm, g.float(1e-6)))]);
}

/** The share of a step's images in those of its update, among the numbers of a step that accumulates. */
const weightAmong = (numbers: readonly Value[], { averages }: UpdateSettings): Value =>
  numbers.at(averages === 'nothing' ? -1 : -2)!;

/** average ← average + (1 − d)·(value − average): d·average + (1 − d)·value, but exact where both are equal. */
function followWeights(
  g: Builder,
  groups: readonly ParameterGroup[],
  state: Map<string, Value>,
  frozen: Value | null,
  pace: Value,
): void {
  const follow = (averageName: string, value: Value | null | undefined): void => {
    const average = state.get(averageName);
    if (average && value) state.set(averageName, g.add(average, g.mul(g.sub(value, average), pace)));
  };
  for (const group of groups) follow(groupVector('average', group), state.get(groupVector('parameters', group)));
  follow('averageBuffers', state.get('buffers'));
  follow('averageFrozen', frozen);
}
