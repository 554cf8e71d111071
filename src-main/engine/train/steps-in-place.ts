/**
 * Several training steps for a state that is updated in place: the runtime does one step at a time and writes its results over
 * what it was fed (in-place-graph.ts). Seen from outside it is a session of the training graph, but for one thing: what it is fed
 * as state is what it writes its results into.
 */
import type { FlatLayout } from '../nn/parameters.ts';
import type { Session } from '../runtime/runtime.ts';
import { allocate, sizeOf, tensor, type Graph, type Tensor } from '../graph/types.ts';
import { goesOn, nextName } from './in-place-graph.ts';
import { carriedVectors, frozenName, groupVector, type StateLayout, type UpdateSettings } from './state-layout.ts';

/** Of a graph that `buildStepInPlace` made. */
export interface OpenStep {
  session: Session;
  graph: Pick<Graph, 'inputs' | 'outputs'>;
}

export interface StepsInPlaceOptions {
  /** Completes an update. */
  completing: OpenStep;
  /** Adds its gradient to those before it; null where each step completes an update. */
  adding: OpenStep | null;
  layout: StateLayout;
  update: UpdateSettings;
}

type Feeds = Readonly<Record<string, Tensor>>;

export class StepsInPlace implements Session {
  private readonly options: StepsInPlaceOptions;
  private readonly carried: readonly string[];

  constructor(options: StepsInPlaceOptions) {
    this.options = options;
    this.carried = carriedVectors(options.layout, options.update).map(({ name }) => name);
  }

  /**
   * Feeds and results of the training graph (`buildTrainGraph`); the carried vectors among the feeds are written over. After a
   * loss that is not finite it stops, without that step's update: there are then fewer losses than steps were asked for.
   */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    const state = new Map(this.carried.map((name) => [name, feeds[name]!]));
    const fixed = { ...feeds, ...this.parametersIn(feeds) };
    const losses: number[] = [];
    const counts = new Map<string, Tensor[]>();
    const steps = Number(feeds['steps']!.data[0]);
    for (let turn = 0; turn < steps; turn++) {
      const results = await this.step({ ...fixed, ...Object.fromEntries(state) }, turn);
      const loss = lossIn(results);
      losses.push(loss);
      for (const [name, value] of Object.entries(results)) {
        if (isCount(name)) counts.set(name, [...(counts.get(name) ?? []), value]);
      }
      if (!Number.isFinite(loss)) break;
      const buffers = results[nextName('buffers')];
      if (buffers) state.set('buffers', buffers);
    }
    return {
      ...Object.fromEntries([...state].map(([name, value]) => [nextName(name), value])),
      losses: tensor('float32', [losses.length], losses),
      ...Object.fromEntries([...counts].map(([name, values]) => [name, stack(values)])),
    };
  }

  readKept(): Promise<Record<string, Tensor>> {
    return Promise.resolve({});
  }

  async release(): Promise<void> {
    const { completing, adding } = this.options;
    for (const step of [completing, adding]) await step?.session.release();
  }

  private async step(feeds: Feeds, turn: number): Promise<Feeds> {
    const { completing, adding } = this.options;
    const { session, graph } = adding && feeds['completes']!.data[turn] === 0 ? adding : completing;
    const all: Feeds = { ...feeds, turn: tensor('int64', [], [turn]) };
    const fed = Object.fromEntries(graph.inputs.map(({ name }) => [name, all[name]!]));
    const results = Object.fromEntries(
      graph.outputs.map(({ name, dataType, shape }): [string, Tensor] => {
        const over = name === nextName('buffers') || !name.endsWith(nextName('')) ? null : feeds[vectorOf(name)]!;
        return [name, over ?? { dataType, shape, data: allocate(dataType, sizeOf(shape)) }];
      }),
    );
    try {
      await session.run(fed, results);
    } catch (error) {
      // Stopped by a loss that is not finite, which was there before.
      if (Number.isFinite(lossIn(results))) throw error;
    }
    return results;
  }

  /** Views of the vectors, by the parameters' names. */
  private parametersIn(feeds: Feeds): Feeds {
    const { groups, frozen } = this.options.layout;
    const vectors: [Tensor | undefined, FlatLayout][] = [
      ...groups.map((group): [Tensor, FlatLayout] => [feeds[groupVector('parameters', group)]!, group.layout]),
      [feeds[frozenName], frozen],
    ];
    return Object.fromEntries(
      vectors.flatMap(([whole, { entries }]) =>
        entries.map(({ name, shape, offset, length }): [string, Tensor] => [
          name,
          { dataType: 'float32', shape, data: (whole!.data as Float32Array).subarray(offset, offset + length) },
        ]),
      ),
    );
  }
}

const vectorOf = (next: string): string => next.slice(0, -nextName('').length);
const isCount = (name: string): boolean => name !== 'loss' && name !== goesOn && !name.endsWith(nextName(''));
const lossIn = (results: Feeds): number => Number(results['loss']!.data[0]);

/** [steps, …shape] */
function stack(values: readonly Tensor[]): Tensor {
  const [first] = values as readonly [Tensor, ...Tensor[]];
  const size = sizeOf(first.shape);
  const data = new Float32Array(values.length * size);
  values.forEach((value, i) => data.set(value.data as Float32Array, i * size));
  return { dataType: 'float32', shape: [values.length, ...first.shape], data };
}
