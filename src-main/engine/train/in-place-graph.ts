/**
 * The end of a step whose state is updated in place: the optimiser stands behind the gradients in one graph, and the runtime writes
 * what comes out over what went in. A large state is so in memory once, and of its gradient only what the optimiser has not read yet.
 */
import type { Device } from '../../contract/model/run.ts';
import type { Builder } from '../graph/builder.ts';
import { tensor, type Graph, type Value } from '../graph/types.ts';
import { optimise, type PassOptions } from '../passes/index.ts';
import { writeAfterReads } from '../passes/write-after-reads.ts';
import { isFiniteNumber } from './loss-scaling.ts';
import { carriedVectors, groupVector, shownGradient, type StateLayout, type UpdateSettings } from './state-layout.ts';
import { accumulate, applyUpdate, type UpdateInputs } from './update-graph.ts';

/** Fewer trained numbers than this are moved many steps at a time. */
const leastInPlace = 2 ** 21;

/** Whether a state is large enough to be updated in place; elsewhere than on a CPU it stays on the device. */
export function updatesInPlace(
  device: Device,
  { groups }: StateLayout,
  { scalesLoss }: UpdateSettings,
  least = leastInPlace,
): boolean {
  return device === 'cpu' && !scalesLoss && groups.reduce((sum, { layout }) => sum + layout.length, 0) >= least;
}

/** The output that is 1 where the loss is finite. Where it is not, the run fails before anything is written. */
export const goesOn = 'goesOn';
export const nextName = (vector: string): string => `${vector}Next`;

/** Names of the carried vectors that a step changes: all, where it completes an update, else the sums of gradients and the buffers. */
const changedBy = (layout: StateLayout, update: UpdateSettings, completes: boolean): string[] =>
  carriedVectors(layout, update)
    .map(({ name }) => name)
    .filter((name) => completes || /^(gradientSum|buffers$)/.test(name));

/** Inputs for the carried vectors that a step reads. */
export function stateInputs(
  g: Builder,
  layout: StateLayout,
  update: UpdateSettings,
  completes: boolean,
): Map<string, Value> {
  const changed = new Set(changedBy(layout, update, completes));
  const read = carriedVectors(layout, update).filter(
    ({ name }) => changed.has(name) && !name.startsWith(shownGradient),
  );
  return new Map(read.map(({ name, layout: { length } }) => [name, g.input(name, 'float32', [length])]));
}

/** Outputs of a step: its loss, and the carried vectors that it changes, with "Next" behind. */
export function endInPlace(
  g: Builder,
  { loss, completes, ...inputs }: Omit<UpdateInputs, 'completes'> & { loss: Value; completes: boolean },
): void {
  const { layout, update } = inputs;
  g.output(loss, 'loss');
  // There is one such number; at any other place the runtime stops.
  const isBad = g.op('Not', [isFiniteNumber(g, g.reshape(loss, []))]);
  g.output(g.gather(g.constant(tensor('float32', [1], [1])), g.cast(isBad, 'int64')), goesOn);
  const next = g.scope('optimiser', () => {
    if (!update.accumulates) return applyUpdate(g, inputs);
    const summed = accumulate(g, inputs);
    return completes ? applyUpdate(g, summed) : summed.state;
  });
  for (const name of changedBy(layout, update, completes)) g.output(next.get(name)!, nextName(name));
}

/** Passes, and whatever reads a vector or a parameter, which lies within one, before it is written over. */
export function optimiseInPlace(graph: Graph, layout: StateLayout, passes?: PassOptions): Graph {
  const optimised = optimise(graph, passes);
  const inputs = new Set(optimised.inputs.map(({ name }) => name));
  const within = new Map(
    layout.groups.map((group): [string, string[]] => [
      groupVector('parameters', group),
      group.layout.entries.map(({ name }) => name),
    ]),
  );
  const written = optimised.outputs.flatMap(({ name }): [string, string[]][] => {
    const vector = name.endsWith(nextName('')) ? name.slice(0, -nextName('').length) : null;
    // Buffers are short, and come out beside what went in.
    if (vector === null || vector === 'buffers' || !inputs.has(vector)) return [];
    return [[name, [vector, ...(within.get(vector) ?? [])]]];
  });
  return writeAfterReads(optimised, new Map(written), goesOn);
}
