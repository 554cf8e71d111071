/**
 * Random graphs over the op table, from a seed: a few inputs, a chain of operators with values used twice, nodes that
 * occur twice and nodes that nobody reads, and a loss in which everything meets: the sum over all values v made of
 * mean(tanh v). Values stay near 1 so that float32 can be compared.
 */
import { Random } from '../../src-main/engine/data/random.ts';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { float, sizeOf, type Graph, type Shape, type Value } from '../../src-main/engine/graph/types.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { floats, type Feeds } from './engine-run.ts';

export interface RandomGraph {
  builder: Builder;
  graph: Graph;
  inputs: Value[];
  loss: Value;
  feeds: Feeds;
}

const steps = 14;
const inputShapes: Shape[] = [[2, 3], [3], [2, 4, 5, 5], [4, 2, 3, 3], [3, 5]];

/** `smooth` leaves out the operators that have kinks, near which slopes cannot be measured. */
export function randomGraph(seed: number, { smooth = false } = {}): RandomGraph {
  const random = Random.derive(seed, 'random graph');
  const g = newGraph(`random ${seed}`);
  const inputs = inputShapes.map((shape, i) => g.input(`input${i}`, 'float32', shape));
  const pool = [...inputs];
  const grower = new Grower(g, random, pool, smooth);
  for (let i = 0; i < steps; i++) grower.grow();
  const loss = pool
    .slice(inputs.length)
    .reduce((sum, value) => g.add(sum, g.scale(total(g, g.op('Tanh', [value])), 1 / sizeOf(value.shape))), g.float(0));
  g.output(loss, 'loss');
  pool.slice(inputs.length).forEach((value, i) => g.output(value, `value${i}`));
  const feeds = Object.fromEntries(
    inputs.map(({ name, shape }) => [
      name,
      floats(
        shape,
        Array.from({ length: sizeOf(shape) }, () => 2 * random.uniform() - 1),
      ),
    ]),
  );
  return { builder: g, graph: g.graph, inputs, loss, feeds };
}

const allAxes = (value: Value): number[] => value.shape.map((_, axis) => axis);
const total = (g: Builder, value: Value): Value => g.reduceSum(value, allAxes(value));

class Grower {
  private readonly g: Builder;
  private readonly random: Random;
  private readonly pool: Value[];
  private readonly smooth: boolean;

  constructor(g: Builder, random: Random, pool: Value[], smooth: boolean) {
    this.g = g;
    this.random = random;
    this.pool = pool;
    this.smooth = smooth;
  }

  /** Adds an operator on values of the pool, and its results to the pool. */
  grow(): void {
    const makers = [this.elementwise, this.activation, this.product, this.move, this.part, this.reduce, this.image];
    const made = makers[this.random.below(makers.length)]!.call(this);
    if (made) this.pool.push(...made);
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)]!;
  }
  /** A value that fits, or null. */
  private any(fits: (value: Value) => boolean = () => true): Value | null {
    const fitting = this.pool.filter((value) => sizeOf(value.shape) <= 400 && fits(value));
    return fitting.length > 0 ? this.pick(fitting) : null;
  }

  private unlessSmooth(...makers: (() => Value[])[]): (() => Value[])[] {
    return this.smooth ? [] : makers;
  }

  private elementwise(): Value[] {
    const { g } = this;
    const a = this.any()!;
    const b = this.any((value) => broadcasts(a.shape, value.shape))!;
    const positive = g.add(g.mul(b, b), g.float(1));
    return this.pick([
      () => [g.add(a, b)],
      () => [g.sub(a, b)],
      () => [g.mul(a, b)],
      () => [g.div(a, positive)],
      () => [g.op('Sum', [a, b, a])],
      () => [g.sqrt(positive), g.reciprocal(positive)],
      () => [g.op('Log', [positive])],
      ...this.unlessSmooth(
        () => [g.op('Max', [a, b])],
        () => [g.op('Min', [a, b])],
        () => [g.where(g.op('Greater', [a, g.float(0.1)]), a, b)],
      ),
    ])();
  }

  private activation(): Value[] {
    const { g } = this;
    const x = this.any((value) => value.shape.length > 0)!;
    const axis = this.random.below(x.shape.length);
    return this.pick([
      () => [g.op('Tanh', [x])],
      () => [g.op('Sigmoid', [x]), g.op('Sigmoid', [x])], // the same node twice
      () => [g.op('Exp', [g.op('Tanh', [x])])],
      () => [g.op('QuickGelu', [x], { alpha: float(1.5) }, 'com.microsoft')],
      () => [g.op('Softmax', [x], { axis })],
      () => [g.op('LogSoftmax', [x], { axis: axis - x.shape.length })],
      () => [g.neg(x), g.op('Identity', [x])],
      ...this.unlessSmooth(
        () => [g.op('Relu', [x])],
        () => [g.op('Abs', [x])],
      ),
    ])();
  }

  private product(): Value[] | null {
    const { g } = this;
    const a = this.any((value) => value.shape.length === 2);
    if (!a) return null;
    const [m, k] = a.shape as [number, number];
    const b =
      this.any((value) => value.shape.length === 2 && value.shape[0] === k) ??
      g.reshape(
        this.any((value) => sizeOf(value.shape) % k === 0)!,
        [k, -1],
      );
    const square = g.scale(g.fusedMatMul(a, a, { transB: true }), 0.3); // [m, m]
    return this.pick([
      () => [g.scale(g.matmul(a, b), 0.5)],
      () => [square],
      () => [g.op('Gemm', [b, a, g.float(0.2, [m])], { transA: 1, transB: 1, alpha: float(0.5) })],
    ])();
  }

  private move(): Value[] | null {
    const { g } = this;
    const x = this.any((value) => value.shape.length > 1);
    if (!x) return null;
    const reversed = allAxes(x).reverse();
    const widths = [...x.shape.map(() => this.random.below(2)), ...x.shape.map(() => this.random.below(2))];
    return this.pick([
      () => [g.transpose(x, reversed)],
      () => [g.reshape(x, [x.shape[0]!, sizeOf(x.shape) / x.shape[0]!])],
      () => [g.pad(x, widths)],
      () => [g.expand(x, [2, ...x.shape])],
      () => [g.concat([x, g.scale(x, 0.5), x], this.random.below(x.shape.length))],
    ])();
  }

  private part(): Value[] | null {
    const { g } = this;
    const axisOf = (value: Value): number => value.shape.findIndex((d) => d > 2);
    const x = this.any((value) => axisOf(value) >= 0);
    if (!x) return null;
    const axis = axisOf(x);
    const size = x.shape[axis]!;
    return this.pick([
      () => g.split(x, [1, size - 1], axis),
      () => [g.split(x, [size - 1, 1], axis)[0]!],
      () => [g.slice(x, [1], [size], [axis])],
      () => [g.op('Slice', [x, g.ints([0]), g.ints([size]), g.ints([axis]), g.ints([2])])],
      () => [g.gather(x, g.ints([size - 1, 0, size - 1]), axis)],
    ])();
  }

  private reduce(): Value[] | null {
    const { g } = this;
    const x = this.any((value) => value.shape.length > 1);
    if (!x) return null;
    const axis = this.random.below(x.shape.length);
    return this.pick([
      () => [g.scale(g.reduceSum(x, [axis], this.random.below(2) === 1), 1 / x.shape[axis]!)],
      () => [g.reduceMean(x, [axis - x.shape.length], true)],
      () => [g.scale(g.op('ChannelSum', [x], {}, 'fovea'), x.shape[1]! / sizeOf(x.shape))],
      () => [g.scale(g.op('ChannelDot', [x, x], {}, 'fovea'), x.shape[1]! / sizeOf(x.shape))],
    ])();
  }

  private image(): Value[] | null {
    const { g } = this;
    const x = this.any((value) => value.shape.length === 4 && value.shape[2]! >= 3 && value.shape[3]! >= 3);
    if (!x) return null;
    const channels = x.shape[1]!;
    const vector = (scale: number): Value =>
      g.constant(
        floats(
          [channels],
          Array.from({ length: channels }, () => scale + 0.2 * this.random.uniform()),
        ),
      );
    const [kernel, stride, pad] = [this.pick([1, 2, 3]), this.pick([1, 2]), this.random.below(2)];
    const sliding = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, 0, 0, pad] };
    const conv = { ...sliding, dilations: [1, 1], group: 1 };
    const norm = (): Value => g.ops('BatchNorm', [x, vector(1), vector(0)], { epsilon: float(0.01) }, 4, 'fovea')[0]!;
    // A kernel out of the pool's own values, so that weight gradients flow too.
    const weight = (shape: Shape): Value => {
      const source = g.reshape(
        this.any((value) => sizeOf(value.shape) > 0)!,
        [-1],
      );
      const repeats = Math.ceil(sizeOf(shape) / source.shape[0]!);
      const long = repeats === 1 ? source : g.concat(new Array<Value>(repeats).fill(source), 0);
      return g.scale(g.reshape(g.slice(long, [0], [sizeOf(shape)], [0]), shape), 0.2);
    };
    return this.pick([
      () => [g.op('Conv', [x, weight([3, channels, kernel, kernel])], conv)],
      () => [g.op('Conv', [x, weight([channels, 1, kernel, kernel]), vector(0)], { ...conv, group: channels })],
      () => [
        g.op('ConvTranspose', [x, weight([channels, 2, 2, 2])], {
          ...conv,
          kernel_shape: [2, 2],
          pads: [0, 0, 0, 0],
          output_padding: [0, 0],
        }),
      ],
      () => [norm()],
      ...this.unlessSmooth(
        () => [g.op('MaxPool', [x], { ...sliding, kernel_shape: [2, 2], pads: [0, 0, 0, 0] })],
        () => [g.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] })],
      ),
    ])();
  }
}

function broadcasts(a: Shape, b: Shape): boolean {
  const rank = Math.min(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => [a.at(-1 - i)!, b.at(-1 - i)!] as const).every(
    ([x, y]) => x === y || x === 1 || y === 1,
  );
}
