/**
 * Makers of nodes for random graphs, every operator of the table among them. Where an operator has kinks or steps, its
 * operands keep away from them; where it has no gradient, they do not depend on a trained value.
 */
import { float, sizeOf, tensor, type Attributes, type Shape, type Value } from '../../src-main/engine/graph/types.ts';
import { floats } from './engine-run.ts';
import type { Supply } from './random-graph.ts';

/** Adds nodes and gives the values that others may read. */
type Maker = (supply: Supply) => Value[];

const allAxes = (value: Value): number[] => value.shape.map((_, axis) => axis);

/** An operator of one operand that is smooth everywhere. */
const smooth =
  (opType: string, attributes: Attributes = {}, domain = ''): Maker =>
  (s) => [s.g.op(opType, [s.value()], attributes, domain)];
/** One that is smooth near these values. */
const smoothNear =
  (opType: string, levels: readonly number[], attributes: Attributes = {}): Maker =>
  (s) => [s.g.op(opType, [s.near(s.value(), levels)], attributes)];
const binary =
  (opType: string): Maker =>
  (s) => {
    const a = s.value();
    return [s.g.op(opType, [a, s.partner(a)])];
  };
/** Of two operands of which now one, now the other is greater. */
const extreme =
  (opType: string, domain = ''): Maker =>
  (s) => {
    const a = s.value();
    return [s.g.op(opType, [s.narrow(a), s.near(s.partner(a), [-1, 1])], {}, domain)];
  };

/** A trained value times one that has no gradient. */
const factor =
  (make: (s: Supply, shape: Shape) => Value): Maker =>
  (s) => {
    const x = s.value();
    return [s.g.mul(x, s.g.cast(make(s, x.shape), 'float32'))];
  };
const stepped = (opType: string): Maker => factor((s, shape) => s.g.op(opType, [s.untrained(shape)]));
const compared = (opType: string): Maker =>
  factor((s, shape) => s.g.op(opType, [s.untrained(shape), s.untrained(shape)]));
const isHigh = (s: Supply, shape: Shape): Value => s.g.op('Greater', [s.untrained(shape), s.g.float(0.2)]);
const logical = (opType: string): Maker => factor((s, shape) => s.g.op(opType, [isHigh(s, shape), isHigh(s, shape)]));
/** Untrained whole numbers in [0, bound). */
const wholeNumbers = (s: Supply, shape: Shape, bound: number): Value =>
  s.g.cast(s.g.scale(s.g.add(s.untrained(shape), s.g.float(1)), (bound - 0.01) / 2), 'int64');
const onIntegers = (opType: string): Maker =>
  factor((s, shape) => {
    const result = s.g.op(opType, [wholeNumbers(s, shape, 9), s.g.int(3)]);
    return s.g.scale(s.g.cast(result, 'float32'), 0.2);
  });

const softmax =
  (opType: string): Maker =>
  (s) => {
    const x = s.array();
    const axis = s.axisOf(x);
    return [s.g.op(opType, [x], { axis: s.pick([axis, axis - x.shape.length]) })];
  };

const elementwise: Maker[] = [
  ...['Add', 'Sub', 'Mul', 'Sum'].map(binary),
  ...['Tanh', 'Sigmoid', 'Identity', 'Neg', 'Erf', 'Sin', 'Cos', 'Atan', 'Softplus'].map((opType) => smooth(opType)),
  smooth('Gelu', {}, 'com.microsoft'),
  smooth('QuickGelu', { alpha: float(1.5) }, 'com.microsoft'),
  ...['Log', 'Sqrt', 'Reciprocal'].map((opType) => smoothNear(opType, [1, 2])),
  smoothNear('Exp', [-0.5, 0.5]),
  smoothNear('Abs', [-1, 1]),
  smoothNear('Relu', [-1, 1]),
  smoothNear('LeakyRelu', [-1, 1], { alpha: float(0.1) }),
  smoothNear('Elu', [-1, 1], { alpha: float(0.7) }),
  smoothNear('HardSwish', [-4, -2, 0, 2, 4]),
  smoothNear('HardSigmoid', [-4, 0, 4], { alpha: float(1 / 6), beta: float(0.5) }),
  (s) => [s.g.op('Clip', [s.near(s.value(), [-2, 0, 2]), s.g.float(-1), s.pick([s.g.float(1), null])])],
  (s) => [s.g.op('HardTanh', [s.near(s.value(), [-1, 3, 7])], { low: float(0), high: float(6) }, 'fovea')],
  (s) => {
    const a = s.value();
    return [s.g.div(a, s.near(s.partner(a), [-1, 1.5]))];
  },
  (s) => {
    const a = s.value();
    return [s.g.op('Pow', [s.near(a, [1, 1.5]), s.pick([s.g.float(2), s.g.float(-0.5), s.partner(a)])])];
  },
  ...['Max', 'Min'].map((opType) => extreme(opType)),
  extreme('FirstMax', 'fovea'),
  (s) => {
    const a = s.value();
    return [s.g.where(isHigh(s, a.shape), a, s.partner(a))];
  },
  ...['Floor', 'Ceil', 'Round', 'Sign'].map(stepped),
  ...['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Equal'].map(compared),
  ...['And', 'Or'].map(logical),
  factor((s, shape) => s.g.op('Not', [isHigh(s, shape)])),
  factor((s, shape) => s.g.op('StopGradient', [s.untrained(shape)], {}, 'fovea')),
  ...['BitwiseAnd', 'BitwiseXor', 'Mod'].map(onIntegers),
  ...['Softmax', 'LogSoftmax'].map(softmax),
  // The same node twice.
  (s) => {
    const x = s.value();
    return [s.g.op('Sigmoid', [x]), s.g.op('Sigmoid', [x])];
  },
  // A node that nobody reads.
  (s) => {
    s.g.op('Exp', [s.narrow(s.value())]);
    return [];
  },
];

const transpositions = [0, 1];
const products: Maker[] = [
  (s) => {
    const a = s.matrix();
    return [s.g.matmul(a, s.shaped([a.shape[1]!, s.between(1, 4)]))];
  },
  (s) => {
    const a = s.value(({ shape }) => shape.length > 1);
    const batch = a.shape.length === 2 ? [2] : a.shape.slice(0, -2).map((d) => s.pick([d, 1]));
    return [s.g.matmul(a, s.shaped([...batch, a.shape.at(-1)!, 3]))];
  },
  (s) => {
    const a = s.matrix();
    const [transA, transB] = [s.pick(transpositions), s.pick(transpositions)];
    const inner = a.shape[transA ? 0 : 1]!;
    const b = s.shaped(transB ? [3, inner] : [inner, 3]);
    const bias = s.shaped(s.pick([[3], [1, 3], []]));
    return [s.g.op('Gemm', [a, b, bias], { transA, transB, alpha: float(0.5), beta: float(-0.8) })];
  },
  (s) => {
    const a = s.value(({ shape }) => shape.length > 1);
    const [transA, transB] = [s.pick(transpositions), s.pick(transpositions)];
    const inner = a.shape.at(transA ? -2 : -1)!;
    const b = s.shaped(transB ? [2, inner] : [inner, 2]);
    return [s.g.fusedMatMul(a, b, { transA: transA === 1, transB: transB === 1 })];
  },
];

const reduced =
  (opType: string, prepare: (s: Supply, x: Value, axis: number) => Value, scale: (size: number) => number): Maker =>
  (s) => {
    const x = s.array();
    const axis = s.axisOf(x);
    const axes = s.g.ints([s.pick([axis, axis - x.shape.length])]);
    const y = s.g.op(opType, [prepare(s, x, axis), axes], { keepdims: s.pick([0, 1]) });
    return [s.g.scale(y, scale(x.shape[axis]!))];
  };
const asItIs = (_: Supply, x: Value): Value => x;
const ranked = (s: Supply, x: Value, axis: number): Value => s.ranked(x, axis);
const channelMeans =
  (opType: string, count: number): Maker =>
  (s) => {
    const x = s.value(({ shape }) => shape.length > 1);
    const y = s.g.op(opType, new Array<Value>(count).fill(x), {}, 'fovea');
    return [s.g.scale(y, x.shape[1]! / sizeOf(x.shape))];
  };

const reductions: Maker[] = [
  reduced('ReduceSum', asItIs, (size) => 1 / size),
  reduced('ReduceMean', asItIs, () => 1),
  reduced('ReduceMax', ranked, (size) => 1 / size),
  reduced('ReduceMin', ranked, () => 1),
  reduced(
    'ReduceProd',
    (s, x) => s.near(x, [-1, 1]),
    () => 1,
  ),
  (s) => {
    const x = s.array();
    const axis = s.axisOf(x);
    const options = { exclusive: s.pick([0, 1]), reverse: s.pick([0, 1]) };
    return [s.g.scale(s.g.op('CumSum', [x, s.g.int(axis)], options), 1 / x.shape[axis]!)];
  },
  (s) => {
    const x = s.value(({ shape }) => shape.length > 1);
    return [s.g.op('ChannelScale', [x, s.shaped([x.shape[1]!])], {}, 'fovea')];
  },
  channelMeans('ChannelSum', 1),
  channelMeans('ChannelDot', 2),
  (s) => {
    const x = s.array();
    const axis = s.axisOf(x);
    const vector = (): Value => s.shaped(x.shape.slice(axis));
    const inputs = [x, s.g.add(vector(), s.g.float(1)), s.pick([vector(), null])];
    return s.g.ops('LayerNormalization', inputs, { axis, epsilon: float(0.1) }, s.pick([1, 3])).slice(0, 1);
  },
  ...['ArgMax', 'ArgMin'].map((opType) =>
    factor((s, shape) => {
      const place = s.g.op(opType, [s.untrained([...shape, 3])], { axis: -1, keepdims: 0 });
      return s.g.scale(s.g.cast(place, 'float32'), 0.5);
    }),
  ),
  factor((s, shape) => {
    const count = s.g.cast(s.g.op('Size', [s.untrained(shape)]), 'float32');
    return s.g.mul(s.untrained(shape), s.g.reciprocal(count));
  }),
];

const views: Maker[] = [
  (s) => {
    const x = s.array();
    return [s.g.transpose(x, allAxes(x).reverse())];
  },
  (s) => {
    const x = s.array();
    return [s.g.op('Reshape', [x, s.g.ints([0, -1])])];
  },
  (s) => {
    const x = s.array();
    return [s.g.op('Unsqueeze', [x, s.g.ints([0, -1])])].filter(({ shape }) => shape.length <= 5);
  },
  (s) => {
    const x = s.array();
    return [s.g.op('Squeeze', [s.g.reshape(x, [1, ...x.shape, 1]), s.pick([s.g.ints([0, -1]), s.g.ints([-1])])])];
  },
  (s) => {
    const x = s.array();
    return [s.g.op('Tile', [x, s.g.ints(x.shape.map(() => s.between(1, 2)))])];
  },
  (s) => {
    const x = s.array();
    return [s.g.expand(s.g.reshape(x, [1, ...x.shape]), [2, ...x.shape])];
  },
  (s) => {
    const x = s.array();
    return [
      s.g.pad(
        x,
        [...x.shape, ...x.shape].map(() => s.between(0, 1)),
      ),
    ];
  },
  (s) => {
    const x = s.value(({ shape }) => shape.length > 0 && shape.every((d) => d > 1));
    const widths = [...x.shape, ...x.shape].map(() => s.between(0, 1));
    return [s.g.op('Pad', [x, s.g.ints(widths)], { mode: s.pick(['edge', 'reflect']) })];
  },
  (s) => {
    const x = s.array();
    return [s.g.concat([x, s.shaped(x.shape), x], s.axisOf(x))];
  },
  (s) => {
    const { x, axis, size } = long(s);
    return s.pick([s.g.split(x, [1, size - 1], axis), s.g.split(x, [size - 1, 1], axis).slice(0, 1)]);
  },
  (s) => {
    const { x, axis, size } = long(s);
    return [s.g.op('Slice', [x, s.g.ints([1]), s.g.ints([size]), s.g.ints([axis]), s.g.ints([s.between(1, 2)])])];
  },
  (s) => [s.g.cast(s.g.cast(s.value(), 'float64'), 'float32')],
];

/** A value with an axis of three elements or more. */
function long(s: Supply): { x: Value; axis: number; size: number } {
  const x = s.value(({ shape }) => shape.some((d) => d > 2));
  const axis = x.shape.findIndex((d) => d > 2);
  return { x, axis, size: x.shape[axis]! };
}

/** The places of an axis in an order that comes out when the graph runs, as many as asked for; no place twice. */
function places(s: Supply, x: Value, axis: number, count: number): Value {
  return s.g.ops('TopK', [s.untrained(x.shape), s.g.ints([count])], { axis, largest: 1, sorted: 1 }, 2)[1]!;
}

const selections: Maker[] = [
  (s) => {
    const { x, axis, size } = long(s);
    return [s.g.gather(x, s.pick([s.g.ints([size - 1, 0, size - 1]), wholeNumbers(s, [2], size)]), axis)];
  },
  (s) => {
    const { x, axis, size } = long(s);
    const indices = s.pick([places(s, x, axis, size - 1), wholeNumbers(s, x.shape, size)]);
    return [s.g.op('GatherElements', [x, indices], { axis })];
  },
  (s) => {
    const { x, axis, size } = long(s);
    const updates = x.shape.map((d, i) => (i === axis ? size - 1 : d));
    const indices = places(s, x, axis, size - 1);
    return [s.g.op('ScatterElements', [x, indices, s.shaped(updates)], { axis, reduction: 'none' })];
  },
  (s) => {
    const { x, axis, size } = long(s);
    const indices = wholeNumbers(s, x.shape, size);
    return [s.g.op('ScatterElements', [x, indices, s.shaped(x.shape)], { axis, reduction: 'add' })];
  },
  (s) => {
    const { x, axis, size } = long(s);
    const options = { axis, largest: s.pick([0, 1]), sorted: 1 };
    const [values] = s.g.ops('TopK', [s.ranked(x, axis), s.g.ints([s.between(1, size)])], options, 2);
    return [s.g.scale(values!, 1 / size)];
  },
  (s) => {
    const x = s.matrix();
    const depth = x.shape[1]!;
    const levels = s.g.constant(floats([2], [0.2, 1]));
    const hot = s.g.op('OneHot', [wholeNumbers(s, [x.shape[0]!], depth), s.g.int(depth), levels], { axis: -1 });
    return [s.g.mul(x, hot)];
  },
  (s) => {
    const x = s.array();
    return [s.g.add(s.g.op('ConstantOfShape', [s.g.ints(x.shape)]), x)];
  },
  factor((s, shape) => {
    const body = s.g.subgraph('body');
    body.input('iteration', 'int64', []);
    const condition = body.input('condition', 'bool', []);
    const carried = body.input('carried', 'float32', shape);
    body.output(condition, 'goOn');
    body.output(body.op('Sin', [body.add(carried, body.float(1))]), 'next');
    const always = s.g.constant(tensor('bool', [], [1]));
    return s.g.op('Loop', [s.g.int(3), always, s.untrained(shape)], { body: body.graph });
  }),
];

const windows = (s: Supply): { kernel_shape: number[]; strides: number[]; pads: number[] } => ({
  kernel_shape: [s.between(1, 3), s.between(1, 3)],
  strides: [s.between(1, 3), s.between(1, 2)],
  pads: [0, 0, 0, 0],
});
/** Pads of at most one less than the kernel, as pools want them. */
const padded = <A extends { kernel_shape: number[] }>(s: Supply, a: A): A & { pads: number[] } => ({
  ...a,
  pads: [0, 1, 0, 1].map((axis) => Math.min(s.between(0, 1), a.kernel_shape[axis]! - 1)),
});
/** An image whose windows of up to 3×3 hold elements of different rank: 0 to 8 in random order, repeated. */
function rankedImage(s: Supply, x: Value): Value {
  const order = s.g.constant(
    floats(
      [3, 3],
      Array.from({ length: 9 }, (_, i) => (i * 5) % 9),
    ),
  );
  const [h, w] = [x.shape[2]!, x.shape[3]!];
  const [down, across] = [Math.ceil(h / 3), Math.ceil(w / 3)];
  const tiled = s.g.op('Tile', [order, s.g.ints([down, across])]);
  return s.g.add(s.narrow(x), s.g.slice(tiled, [0, 0], [h, w], [0, 1]));
}

const convolution =
  (grouping: (channels: number) => { group: number; out: number }): Maker =>
  (s) => {
    const x = s.image(3);
    const { group, out } = grouping(x.shape[1]!);
    const a = { ...padded(s, windows(s)), dilations: [s.between(1, 2), 1], group };
    // A dilated kernel of two reaches over three rows, one of three over five.
    if (a.kernel_shape[0] === 3 && x.shape[2]! < 5) a.dilations = [1, 1];
    const w = s.shaped([out, x.shape[1]! / group, ...a.kernel_shape]);
    return [s.g.op('Conv', [x, w, s.pick([s.shaped([out]), null])], a)];
  };

const images: Maker[] = [
  convolution(() => ({ group: 1, out: 3 })),
  convolution((channels) => ({ group: channels, out: channels })),
  convolution((channels) => ({ group: channels, out: 2 * channels })),
  convolution((channels) => (channels % 2 === 0 ? { group: 2, out: 4 } : { group: 1, out: 2 })),
  // As many channels as onnxruntime's blocked convolutions have side by side.
  (s) => {
    const a = { ...padded(s, windows(s)), dilations: [1, 1], group: s.pick([1, 16]) };
    const w = s.shaped([16, 16 / a.group, ...a.kernel_shape], 0.1);
    return [s.g.op('Conv', [s.shaped([1, 16, 4, 4]), w, s.pick([s.shaped([16]), null])], a)];
  },
  (s) => {
    const [channels, h, w] = [s.pick([1, 2, 16]), s.between(1, 2), s.between(1, 2)];
    return [s.g.op('PhasesToImage', [s.shaped([1, 4 * channels, h + 1, w + 1], 1)], {}, 'fovea')];
  },
  (s) => {
    const [channels, h, w] = [s.pick([1, 2, 16]), s.between(1, 2), s.between(1, 2)];
    return [s.g.op('ImageToPhases', [s.shaped([1, channels, 2 * h, 2 * w], 1)], {}, 'fovea')];
  },
  (s) => {
    const x = s.image();
    const strides = [s.between(1, 2), s.between(1, 3)];
    const a = { kernel_shape: [2, 3], strides, pads: [0, 1, 1, 0], dilations: [1, 1], group: 1 };
    const output_padding = strides.map((stride) => s.between(0, stride - 1));
    const w = s.shaped([x.shape[1]!, 2, ...a.kernel_shape]);
    return [s.g.op('ConvTranspose', [x, w, s.shaped([2])], { ...a, output_padding })];
  },
  (s) => {
    const x = s.value(({ shape }) => shape.length > 1 && sizeOf(shape) / shape[1]! > 1);
    const vector = (): Value => s.shaped([x.shape[1]!]);
    const gamma = s.g.add(vector(), s.g.float(1));
    return s.g.ops('BatchNorm', [x, gamma, vector()], { epsilon: float(0.1) }, 4, 'fovea').slice(0, 1);
  },
  (s) => {
    const a = padded(s, windows(s));
    return [s.g.scale(s.g.op('MaxPool', [rankedImage(s, s.image(3))], a), 1 / 9)];
  },
  (s) => [s.g.op('AveragePool', [s.image(3)], { ...padded(s, windows(s)), count_include_pad: s.pick([0, 1]) })],
  (s) => {
    const x = s.image(2);
    const kernel = [x.shape[2]! % 2 === 0 ? 2 : 1, x.shape[3]! % 2 === 0 ? 2 : 1];
    return [
      s.g.op('AveragePool', [x], { kernel_shape: kernel, strides: kernel, pads: [0, 0, 0, 0], count_include_pad: 0 }),
    ];
  },
  (s) => [s.g.op('GlobalAveragePool', [s.image()])],
  (s) => [s.g.op('AdaptiveAveragePool', [s.image()], { output_size: [s.between(1, 3), s.between(1, 3)] }, 'fovea')],
  (s) => {
    const x = s.image();
    const how = s.pick(['nearest', 'linear', 'linear, corners aligned'] as const);
    const size = s.pick([[2 * x.shape[2]!, 2 * x.shape[3]!] as const, [s.between(1, 6), s.between(1, 6)] as const]);
    return [s.g.resize(x, size, how)];
  },
  (s) => {
    const a = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };
    const shape = [1, 2, 4, 4];
    const [values, indices] = s.g.ops('MaxPool', [s.untrained(shape)], a, 2);
    return [s.g.mul(s.shaped(shape), s.g.op('MaxUnpool', [values!, indices!, s.g.ints(shape)], a))];
  },
];

export const makers: readonly Maker[] = [
  ...elementwise,
  ...products,
  ...reductions,
  ...views,
  ...selections,
  ...images,
];
