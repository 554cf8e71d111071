/**
 * The end of a training step, piece by piece and in place: the optimiser moves a stretch of weights at a time, and what comes
 * out is written over what went in. A large state is so in memory once, and not as it came and as it left, in the runtime and here.
 * The same graphs as within a step (update-graph.ts), and so the same bytes.
 */
import type { Device } from '../../contract/model/run.ts';
import { invariant } from '../../contract/errors.ts';
import type { Graph, Tensor, Value } from '../graph/types.ts';
import { FlatLayout } from '../nn/parameters.ts';
import { newGraph } from '../ops/index.ts';
import { optimise } from '../passes/index.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { openGraph } from './open-graph.ts';
import {
  carriedVectors,
  frozenName,
  groupVector,
  type ParameterGroup,
  type StateLayout,
  type UpdateSettings,
} from './state-layout.ts';
import { buildUpdate } from './update-graph.ts';

/** Numbers of one stretch: with all their vectors they fit into a processor's cache. */
const pieceLength = 2 ** 18;
/** Fewer trained numbers than this are moved within the step, many steps at a time. */
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

export interface UpdateInputs {
  /** Carried vectors by name; those of the groups and the averages are written over. */
  state: ReadonlyMap<string, Float32Array>;
  frozen: Float32Array | null;
  /** One for each group, not clipped yet. */
  gradients: readonly Float32Array[];
  /** Of the step, in the order of `numbersOfStep`. */
  numbers: Float32Array;
  /** What clipping multiplies the gradients by; null where they are not clipped. */
  factor: number | null;
}

export class UpdatePieces {
  private readonly layout: StateLayout;
  private readonly update: UpdateSettings;
  private readonly length: number;
  /** By whether the group decays. */
  private readonly sessions: ReadonlyMap<boolean, Session>;
  private readonly averages: Session | null;

  private constructor(
    layout: StateLayout,
    update: UpdateSettings,
    length: number,
    sessions: ReadonlyMap<boolean, Session>,
    averages: Session | null,
  ) {
    this.layout = layout;
    this.update = update;
    this.length = length;
    this.sessions = sessions;
    this.averages = averages;
  }

  /** The caller closes it. */
  static async open(
    runtime: Runtime,
    {
      layout,
      update,
      numberCount,
      threads,
    }: { layout: StateLayout; update: UpdateSettings; numberCount: number; threads: number },
    length = pieceLength,
  ): Promise<UpdatePieces> {
    const open = (graph: Graph, anyLength?: number): Promise<Session> =>
      openGraph(runtime, graph, { device: 'cpu', threads, writesAll: true, ...(anyLength && { anyLength }) });
    const sessions = new Map<boolean, Session>();
    for (const { decays } of layout.groups)
      if (!sessions.has(decays))
        sessions.set(decays, await open(pieceGraph(update, decays, length, numberCount), length));
    const averages = averagesGraph(layout, update, numberCount);
    return new UpdatePieces(layout, update, length, sessions, averages && (await open(averages)));
  }

  async apply(inputs: UpdateInputs): Promise<void> {
    const { state, gradients } = inputs;
    for (const [i, group] of this.layout.groups.entries()) {
      const { length } = group.layout;
      const vectors = rolesOf(this.update).map((role): [string, Float32Array] => [
        role,
        state.get(groupVector(role, group))!,
      ]);
      for (let first = 0; first < length; first += this.length)
        await this.applyPiece(group, vectors, gradients[i]!, first, inputs);
    }
    await this.followOthers(inputs);
  }

  async close(): Promise<void> {
    for (const session of [...this.sessions.values(), this.averages]) await session?.release();
  }

  private async applyPiece(
    { decays }: ParameterGroup,
    vectors: readonly [string, Float32Array][],
    gradient: Float32Array,
    first: number,
    { numbers, factor }: UpdateInputs,
  ): Promise<void> {
    const pieces = vectors.map(([role, whole]): [string, Tensor] => [role, this.pieceOf(whole, first)]);
    await this.sessions.get(decays)!.run(
      {
        ...Object.fromEntries(pieces),
        gradient: this.pieceOf(gradient, first),
        numbers: vector(numbers),
        ...(factor !== null && { factor: scalar(factor) }),
      },
      Object.fromEntries(pieces.map(([role, piece]) => [nextName(role), piece])),
    );
  }

  private pieceOf(whole: Float32Array, first: number): Tensor {
    return vector(whole.subarray(first, first + this.length));
  }

  /** Buffers, and weights that are frozen, have averages too. */
  private async followOthers({ state, frozen, numbers }: UpdateInputs): Promise<void> {
    if (!this.averages) return;
    const others = othersOf(this.layout, this.update).map((name) => [name, vector(state.get(name)!)] as const);
    const averages = others.filter(([name]) => name.startsWith('average'));
    await this.averages.run(
      {
        ...Object.fromEntries(others),
        ...(state.has('averageFrozen') && { [frozenName]: vector(frozen!) }),
        numbers: vector(numbers),
      },
      Object.fromEntries(averages.map(([name, value]) => [nextName(name), value])),
    );
  }
}

const vector = (data: Float32Array): Tensor => ({ dataType: 'float32', shape: [data.length], data });
const scalar = (value: number): Tensor => ({ dataType: 'float32', shape: [], data: Float32Array.of(value) });
const nextName = (name: string): string => `${name}Next`;
const nothing = new FlatLayout([]);

/** A group's vectors that an update changes. */
function rolesOf(update: UpdateSettings): string[] {
  const group: ParameterGroup = { layout: new FlatLayout([{ name: 'piece', shape: [1] }]), decays: true, suffix: '' };
  const alone = { groups: [group], frozen: nothing, buffers: nothing };
  return carriedVectors(alone, withinPiece(update)).map(({ name }) => name);
}

/** What is left to do once gradients are added up and clipped. */
const withinPiece = (update: UpdateSettings): UpdateSettings => ({
  ...update,
  clipNorm: null,
  accumulates: false,
  averages: update.averages === 'nothing' ? 'nothing' : 'trained',
  showsGradient: false,
});

/** Feeds: a group's vectors, gradient [length], numbers [Q], factor [] where gradients are clipped. Results: the vectors with "Next". */
function pieceGraph(update: UpdateSettings, decays: boolean, length: number, numberCount: number): Graph {
  const g = newGraph('update');
  const group: ParameterGroup = { layout: new FlatLayout([{ name: 'piece', shape: [length] }]), decays, suffix: '' };
  const state = new Map(rolesOf(update).map((role) => [role, g.input(role, 'float32', [length])]));
  const gradient = g.input('gradient', 'float32', [length]);
  const numbers = g.input('numbers', 'float32', [numberCount]);
  const clipped = update.clipNorm === null ? gradient : g.mul(gradient, g.input('factor', 'float32', []));
  const next = buildUpdate(g, {
    layout: { groups: [group], frozen: nothing, buffers: nothing },
    update: withinPiece(update),
    state,
    frozen: null,
    gradients: [clipped],
    numbers: Array.from({ length: numberCount }, (_, i) => g.gather(numbers, g.int(i))),
    completes: null,
  });
  for (const role of state.keys()) g.output(next.get(role)!, nextName(role));
  const graph = optimise(g.graph);
  for (const role of state.keys()) mustNotBeReadAfter(graph, role, nextName(role));
  return graph;
}

/** What is written over `input` is made by the last node that reads it, or by one that follows from all that do. */
function mustNotBeReadAfter({ nodes, inputs, outputs }: Graph, input: string, output: string): void {
  const values = new Set<Value>();
  const gather = (value: Value | null | undefined): void => {
    if (!value || values.has(value)) return;
    values.add(value);
    nodes.find((node) => node.outputs.includes(value))?.inputs.forEach(gather);
  };
  gather(outputs.find(({ name }) => name === output));
  const read = inputs.find(({ name }) => name === input)!;
  const late = nodes.find((node) => node.inputs.includes(read) && !node.outputs.some((value) => values.has(value)));
  invariant(!late, `${late?.name} reads ${input} after it was written over`);
}

/** What is carried beside the groups' vectors. */
const othersOf = (layout: StateLayout, update: UpdateSettings): string[] =>
  carriedVectors({ ...layout, groups: [] }, update).map(({ name }) => name);

/** The moving averages of what no optimiser moves; null where there are none. */
function averagesGraph(layout: StateLayout, update: UpdateSettings, numberCount: number): Graph | null {
  const others = carriedVectors({ ...layout, groups: [] }, update);
  const averages = others.filter(({ name }) => name.startsWith('average'));
  if (averages.length === 0) return null;
  const g = newGraph('averages');
  const state = new Map(others.map(({ name, layout: { length } }) => [name, g.input(name, 'float32', [length])]));
  const hasFrozen = state.has('averageFrozen');
  invariant(!hasFrozen || layout.frozen.length > 0, 'averages of frozen weights that are not there');
  const numbers = g.input('numbers', 'float32', [numberCount]);
  const next = buildUpdate(g, {
    layout: { ...layout, groups: [] },
    update: { ...update, clipNorm: null, accumulates: false },
    state,
    frozen: hasFrozen ? g.input(frozenName, 'float32', [layout.frozen.length]) : null,
    gradients: [],
    numbers: Array.from({ length: numberCount }, (_, i) => g.gather(numbers, g.int(i))),
    completes: null,
  });
  for (const { name } of averages) g.output(next.get(name)!, nextName(name));
  const graph = optimise(g.graph);
  for (const { name } of averages) mustNotBeReadAfter(graph, name, nextName(name));
  return graph;
}
