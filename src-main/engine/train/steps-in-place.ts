/**
 * Several training steps for a state that is updated in place: the runtime gives the gradient of one step at a time, and the
 * update follows piece by piece (update-pieces.ts). Seen from outside it is a session of the training graph, but for one
 * thing: what it is fed as state is what it writes its results into.
 */
import type { FlatLayout } from '../nn/parameters.ts';
import { letGo } from '../runtime/free-memory.ts';
import type { Session } from '../runtime/runtime.ts';
import { sizeOf, tensor, type Graph, type Tensor } from '../graph/types.ts';
import {
  carriedVectors,
  frozenName,
  groupVector,
  shownGradient,
  type StateLayout,
  type UpdateSettings,
} from './state-layout.ts';
import type { UpdatePieces } from './update-pieces.ts';

export interface StepsInPlaceOptions {
  /** Of `graph`, which `buildGradientGraph` made. */
  session: Session;
  graph: Pick<Graph, 'inputs' | 'outputs'>;
  updates: UpdatePieces;
  layout: StateLayout;
  update: UpdateSettings;
}

type Feeds = Readonly<Record<string, Tensor>>;

export class StepsInPlace implements Session {
  private readonly options: StepsInPlaceOptions;
  private readonly inputs: ReadonlySet<string>;
  private readonly counted: readonly string[];

  constructor(options: StepsInPlaceOptions) {
    this.options = options;
    const { inputs, outputs } = options.graph;
    this.inputs = new Set(inputs.map(({ name }) => name));
    const others = /^(loss|factor|buffersNext|gradient.*)$/;
    this.counted = outputs.flatMap(({ name }) => (others.test(name) ? [] : [name]));
  }

  /**
   * Feeds and results of the training graph (`buildTrainGraph`); the carried vectors among the feeds are written over. The
   * gradient of the last step's update is there if `showGradient` is fed, which is when it is wanted. After a loss that is not finite it stops, without that step's update: there are then fewer losses than steps were asked for.
   */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    const { layout, update } = this.options;
    const state = new Map(carriedVectors(layout, update).map(({ name }) => [name, feeds[name]!.data as Float32Array]));
    const losses: number[] = [];
    const shown: Record<string, Tensor> = {};
    const steps = Number(feeds['steps']!.data[0]);
    const counts = new Map(this.counted.map((name): [string, Tensor[]] => [name, []]));
    for (let turn = 0; turn < steps; turn++) {
      const results = await this.options.session.run(this.feedsOf(feeds, state, turn));
      const loss = Number(results['loss']!.data[0]);
      losses.push(loss);
      for (const [name, values] of counts) values.push(results[name]!);
      if (!Number.isFinite(loss)) break;
      const isShown = turn === steps - 1 && feeds['showGradient'] !== undefined;
      await this.moveOn(feeds, state, results, turn, isShown ? shown : null);
    }
    return {
      ...shown,
      ...Object.fromEntries([...state].map(([name, data]) => [`${name}Next`, vector(data)])),
      losses: tensor('float32', [losses.length], losses),
      ...Object.fromEntries([...counts].map(([name, values]) => [name, stack(values)])),
    };
  }

  readKept(): Promise<Record<string, Tensor>> {
    return Promise.resolve({});
  }

  async release(): Promise<void> {
    await this.options.session.release();
  }

  private feedsOf(feeds: Feeds, state: ReadonlyMap<string, Float32Array>, turn: number): Record<string, Tensor> {
    const { groups, frozen } = this.options.layout;
    const frozenVector = feeds[frozenName]?.data as Float32Array | undefined;
    const all: Feeds = {
      ...feeds,
      ...Object.fromEntries([...state].map(([name, data]) => [name, vector(data)])),
      ...Object.assign(
        {},
        ...groups.map((group) => tensorsOf(state.get(groupVector('parameters', group))!, group.layout)),
      ),
      ...(frozenVector && tensorsOf(frozenVector, frozen)),
      turn: tensor('int64', [], [turn]),
    };
    return Object.fromEntries(Object.entries(all).filter(([name]) => this.inputs.has(name)));
  }

  /** `shown` takes the gradient of the update where the step completes one. */
  private async moveOn(
    feeds: Feeds,
    state: Map<string, Float32Array>,
    results: Feeds,
    turn: number,
    shown: Record<string, Tensor> | null,
  ): Promise<void> {
    const { layout, update, updates } = this.options;
    const gradients = layout.groups.map((group) => floats(results[groupVector('gradient', group)]));
    const buffers = results['buffersNext'];
    if (buffers) state.set('buffers', floats(buffers));
    const completes = !update.accumulates || feeds['completes']!.data[turn] === 1;
    if (completes) {
      const { data, shape } = feeds['numbers']!;
      const count = shape[1]!;
      await updates.apply({
        state,
        frozen: (feeds[frozenName]?.data as Float32Array | undefined) ?? null,
        gradients,
        numbers: (data as Float32Array).slice(turn * count, (turn + 1) * count),
        factor: results['factor'] ? Number(results['factor'].data[0]) : null,
      });
    }
    layout.groups.forEach((group, i) => {
      const gradient = gradients[i]!;
      const kept = shown !== null && completes;
      if (kept)
        shown[`${groupVector(shownGradient, group)}Next`] = vector(update.accumulates ? gradient.slice() : gradient);
      if (!update.accumulates) return kept ? undefined : letGo(gradient);
      const name = groupVector('gradientSum', group);
      letGo(state.get(name)!);
      state.set(name, completes ? gradient.fill(0) : gradient);
    });
  }
}

const vector = (data: Float32Array): Tensor => ({ dataType: 'float32', shape: [data.length], data });
/** Views of a vector's pieces, by name. */
const tensorsOf = (flat: Float32Array, { entries }: FlatLayout): Feeds =>
  Object.fromEntries(
    entries.map(({ name, shape, offset, length }): [string, Tensor] => [
      name,
      { dataType: 'float32', shape, data: flat.subarray(offset, offset + length) },
    ]),
  );
const floats = (value: Tensor | undefined): Float32Array => value!.data as Float32Array;

/** [steps, …shape] */
function stack(values: readonly Tensor[]): Tensor {
  const [first] = values as readonly [Tensor, ...Tensor[]];
  const size = sizeOf(first.shape);
  const data = new Float32Array(values.length * size);
  values.forEach((value, i) => data.set(value.data as Float32Array, i * size));
  return { dataType: 'float32', shape: [values.length, ...first.shape], data };
}
