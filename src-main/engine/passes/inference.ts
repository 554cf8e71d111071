/**
 * For graphs without a backward pass: batch norm by running statistics goes into the convolution before it, and blocked
 * layouts (ops/blocked.ts) are kept from one convolution to the next.
 */
import { sameShape, type Graph, type Value } from '../graph/types.ts';
import { reorderOutput } from '../ops/blocked.ts';
import { Makers, readersOf } from './makers.ts';
import { rewrite } from './rewrite.ts';

/**
 * (x ∗ w + b)·s = x ∗ (w·s) + b·s, and what is added to a convolution for each channel is its bias. Where only the
 * product or the sum reads the convolution; numbers move by rounding.
 */
export function foldIntoConvolutions(graph: Graph): Graph {
  const readers = readersOf(graph);
  const makers = new Makers();
  const makerBefore = new Map(graph.nodes.map((node) => [node.outputs[0]!.name, node]));
  /** A product or sum of a convolution that nobody else reads, by name; a sum may follow a product. */
  const folded = new Set<string>();
  for (const node of graph.nodes) {
    if (node.opType !== 'Mul' && node.opType !== 'Add') continue;
    const [a, b] = node.inputs as [Value, Value];
    const maker = makerBefore.get(a.name);
    const isConv = maker?.opType === 'Conv' && maker.domain === '';
    const isScaled = node.opType === 'Add' && maker?.opType === 'Mul' && folded.has(maker.name);
    if ((isConv || isScaled) && readers.get(a.name) === 1 && isPerChannel(b, a)) folded.add(node.name);
  }
  if (folded.size === 0) return graph;
  return rewrite(graph, (g, node) => {
    if (!folded.has(node.name)) return null;
    const [y, vector] = node.inputs as [Value, Value];
    const conv = makers.of(g, y)!;
    const [x, w, bias = null] = conv.inputs as readonly [Value, Value, (Value | null)?];
    const channels = y.shape[1]!;
    const flat = g.reshape(vector, [channels]);
    if (node.opType === 'Add') return [g.op('Conv', [x, w, bias ? g.add(bias, flat) : flat], conv.attributes)];
    const scaled = g.mul(w, g.reshape(vector, [channels, 1, 1, 1]));
    return [g.op('Conv', bias ? [x, scaled, g.mul(bias, flat)] : [x, scaled], conv.attributes)];
  });
}

const isPerChannel = ({ shape }: Value, y: Value): boolean => sameShape(shape, [1, y.shape[1]!, 1, 1]);

/** Give each element for itself, wherever it lies. */
const elementWise: ReadonlySet<string> = new Set([
  'Add',
  'Clip',
  'HardSigmoid',
  'HardSwish',
  'LeakyRelu',
  'Mul',
  'QuickGelu',
  'Relu',
  'Sigmoid',
]);

/** f(plain(z)) = plain(f(z)): the way back to the plain layout moves behind what does not mind, until another way in meets it. */
export function keepBlocks(graph: Graph): Graph {
  const makers = new Makers();
  return rewrite(graph, (g, node) => {
    const { opType, domain, attributes, inputs } = node;
    const isConcat = opType === 'Concat' && attributes['axis'] === 1;
    if (!elementWise.has(opType) && !isConcat) return null;
    const [first] = node.outputs as [Value];
    const blocked = inputs.map((input) => {
      if (!input || input.shape.length === 0) return input;
      const maker = makers.of(g, input);
      const isWhole = isConcat || sameShape(input.shape, first.shape);
      return maker?.opType === 'ReorderOutput' && isWhole ? maker.inputs[0]! : undefined;
    });
    if (!blocked.every((value) => value !== undefined) || blocked.every((value, i) => value === inputs[i])) return null;
    return [reorderOutput(g, g.op(opType, blocked, attributes, domain))];
  });
}

/**
 * Blocked convolutions add an image to what they give, and cut it off at 0, before they write it: f(x ∗ w + z) in one node.
 * Where nobody else reads the convolution.
 */
export function fuseIntoBlocked(graph: Graph): Graph {
  const readers = readersOf(graph);
  const makerBefore = new Map(graph.nodes.map((node) => [node.outputs[0]!.name, node]));
  /** By name; the operand that is a convolution, or becomes one. */
  const fused = new Map<string, number>();
  /** Whose sum or cut is free still. */
  const isOpen = (value: Value, opType: string): boolean => {
    const maker = makerBefore.get(value.name);
    if (!maker || readers.get(value.name) !== 1) return false;
    if (maker.opType === 'Conv') return maker.domain === 'com.microsoft.nchwc';
    return opType === 'Relu' && maker.opType === 'Add' && fused.has(maker.name);
  };
  for (const { name, opType, inputs, outputs } of graph.nodes) {
    if (opType !== 'Relu' && opType !== 'Add') continue;
    const isWhole = inputs.every((input) => input && sameShape(input.shape, outputs[0]!.shape));
    const at = isWhole ? inputs.findIndex((input) => isOpen(input!, opType)) : -1;
    if (at >= 0) fused.set(name, at);
  }
  if (fused.size === 0) return graph;
  const makers = new Makers();
  return rewrite(graph, (g, node) => {
    const at = fused.get(node.name);
    if (at === undefined) return null;
    const { inputs, attributes, domain } = makers.of(g, node.inputs[at]!)!;
    if (node.opType === 'Relu') return [g.op('Conv', inputs, { ...attributes, activation: 'Relu' }, domain)];
    const [x, w, bias = null] = inputs as readonly [Value, Value, (Value | null)?];
    return [g.op('Conv', [x, w, bias, node.inputs[1 - at]!], attributes, domain)];
  });
}
