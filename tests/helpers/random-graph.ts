/**
 * Random graphs over the op table, from a seed: a few inputs, a chain of operators with values used twice, nodes that
 * occur twice and nodes that nobody reads, and a loss in which everything meets: the sum over all values v made of
 * mean(tanh v). Values stay near 1 so that float32 can be compared, and away from kinks so that slopes can be measured.
 */
import { permutation, Random } from '../../src-main/engine/data/random.ts';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { sizeOf, type Graph, type Shape, type Value } from '../../src-main/engine/graph/types.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { floats, type Feeds } from './engine-run.ts';
import { makers } from './random-ops.ts';

export interface RandomGraph {
  builder: Builder;
  graph: Graph;
  /** The inputs to differentiate by; there is one more, which the graph also reads. */
  inputs: Value[];
  loss: Value;
  feeds: Feeds;
}

const steps = 14;
const inputShapes: Shape[] = [[2, 3], [3], [2, 4, 5, 5], [4, 2, 3, 3], [3, 5]];
/** Enough for three numbers an element of the largest value. */
const noiseLength = 1200;
/** The largest value that goes on growing; larger ones only go into the loss. */
const mostElements = 400;

export function randomGraph(seed: number): RandomGraph {
  const random = Random.derive(seed, 'random graph');
  const g = newGraph(`random ${seed}`);
  const inputs = inputShapes.map((shape, i) => g.input(`input${i}`, 'float32', shape));
  const noise = g.input('noise', 'float32', [noiseLength]);
  const made: Value[] = [];
  const supply = new Supply(g, random, noise, [...inputs]);
  for (let i = 0; i < steps; i++) {
    const values = supply.pick(makers)(supply);
    made.push(...values);
    supply.pool.push(...values);
  }
  const loss = made.reduce(
    (sum, value) => g.add(sum, g.scale(total(g, g.op('Tanh', [value])), 1 / sizeOf(value.shape))),
    g.float(0),
  );
  g.output(loss, 'loss');
  made.forEach((value, i) => g.output(value, `value${i}`));
  const numbers = (shape: Shape): Feeds[string] =>
    floats(
      shape,
      Array.from({ length: sizeOf(shape) }, () => 2 * random.uniform() - 1),
    );
  const feeds = Object.fromEntries([...inputs, noise].map(({ name, shape }) => [name, numbers(shape)]));
  return { builder: g, graph: g.graph, inputs, loss, feeds };
}

const total = (g: Builder, value: Value): Value =>
  g.reduceSum(
    value,
    value.shape.map((_, axis) => axis),
  );

/** What a maker of nodes draws from: chance, the values made so far, and values that no gradient is wanted of. */
export class Supply {
  readonly g: Builder;
  readonly random: Random;
  readonly pool: Value[];
  private readonly noise: Value;

  constructor(g: Builder, random: Random, noise: Value, pool: Value[]) {
    this.g = g;
    this.random = random;
    this.noise = noise;
    this.pool = pool;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)]!;
  }
  /** A whole number in [least, most]. */
  between(least: number, most: number): number {
    return least + this.random.below(most - least + 1);
  }

  /** A value of the pool that fits; there must be one. */
  value(fits: (value: Value) => boolean = () => true): Value {
    return this.pick(this.pool.filter((value) => sizeOf(value.shape) <= mostElements && fits(value)));
  }
  /** One that has axes. */
  array(): Value {
    return this.value(({ shape }) => shape.length > 0);
  }
  matrix(): Value {
    return this.value(({ shape }) => shape.length === 2);
  }
  image(least = 1): Value {
    return this.value(({ shape }) => shape.length === 4 && shape[2]! >= least && shape[3]! >= least);
  }
  /** One that broadcasts against `a`. */
  partner(a: Value): Value {
    return this.value(({ shape }) => broadcasts(a.shape, shape));
  }
  axisOf(value: Value): number {
    return this.random.below(value.shape.length);
  }

  /** A trained value brought into a shape: what the pool holds, repeated or cut. */
  shaped(shape: Shape, scale = 0.3): Value {
    const { g } = this;
    const flat = g.reshape(this.value(), [-1]);
    const repeats = Math.ceil(sizeOf(shape) / flat.shape[0]!);
    const long = repeats === 1 ? flat : g.concat(new Array<Value>(repeats).fill(flat), 0);
    return g.scale(g.reshape(g.slice(long, [0], [sizeOf(shape)], [0]), shape), scale);
  }

  /** Numbers in [−1, 1) that do not depend on a trained value. */
  untrained(shape: Shape): Value {
    const size = sizeOf(shape);
    const start = this.random.below(noiseLength - size + 1);
    return this.g.reshape(this.g.slice(this.noise, [start], [start + size], [0]), shape);
  }

  /** 0.4·tanh(x), which lies in (−0.4, 0.4). */
  narrow(x: Value): Value {
    return this.g.scale(this.g.op('Tanh', [x]), 0.4);
  }
  /** Each element near one of `levels` by chance, never further away than 0.4. */
  near(x: Value, levels: readonly number[]): Value {
    const centres = Array.from({ length: sizeOf(x.shape) }, () => this.pick(levels));
    return this.g.add(this.narrow(x), this.g.constant(floats(x.shape, centres)));
  }
  /** Elements that keep their order: each line along the axis is near 0, 1, 2, … in random order. */
  ranked(x: Value, axis: number): Value {
    const size = x.shape[axis]!;
    const inner = sizeOf(x.shape.slice(axis + 1));
    const centres = new Float32Array(sizeOf(x.shape));
    for (let line = 0; line < centres.length / size; line++) {
      const start = Math.floor(line / inner) * size * inner + (line % inner);
      permutation(size, this.random).forEach((rank, i) => (centres[start + i * inner] = rank));
    }
    return this.g.add(this.narrow(x), this.g.constant(floats(x.shape, centres)));
  }
}

function broadcasts(a: Shape, b: Shape): boolean {
  const rank = Math.min(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => [a.at(-1 - i)!, b.at(-1 - i)!] as const).every(
    ([x, y]) => x === y || x === 1 || y === 1,
  );
}
