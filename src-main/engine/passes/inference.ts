/**
 * For graphs without a backward pass: batch norm by running statistics goes into the convolution before it, and blocked
 * layouts (ops/blocked.ts) are kept from one convolution to the next.
 */
import type { Builder } from '../graph/builder.ts';
import { sameShape, type Graph, type Node, type Value } from '../graph/types.ts';
import { reorderOutput } from '../ops/blocked.ts';
import { rewrite } from './rewrite.ts';

/** How many nodes, and outputs of the graph, read each value. */
function readersOf(graph: Graph): Map<string, number> {
  const counts = new Map<string, number>();
  const count = ({ name }: Value): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const node of graph.nodes) for (const input of node.inputs) if (input) count(input);
  graph.outputs.forEach(count);
  return counts;
}

/** Who made a value of the graph that a builder is making. */
class Makers {
  private readonly byName = new Map<string, Node>();
  private seen = 0;

  of({ graph: { nodes } }: Builder, { name }: Value): Node | undefined {
    for (; this.seen < nodes.length; this.seen++) {
      for (const output of nodes[this.seen]!.outputs) this.byName.set(output.name, nodes[this.seen]!);
    }
    return this.byName.get(name);
  }
}

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
