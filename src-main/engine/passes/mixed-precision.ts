/**
 * Half precision where it is safe: convolutions, matrix products and the element-wise chains between them compute in
 * float16; sums, statistics, the loss and the optimiser stay in float32, as do the weights, of which a half copy is made
 * once a step. Works on lowered graphs. Source: Micikevicius et al. 2018, "Mixed Precision Training".
 */
import type { Builder } from '../graph/builder.ts';
import { isGraph, type Graph, type Node, type Value } from '../graph/types.ts';
import type { OpType } from '../ops/index.ts';
import { rewrite } from './rewrite.ts';
import { removeDeadNodes } from './simplify.ts';

/** 'always' in half; 'with its input': where one of its inputs is half; 'if all are': where all of them are. */
type Treatment = 'always' | 'with its input' | 'if all are';

/** Operators that are in none of these rows compute in float32. */
const rows: readonly { treatment: Treatment; reason: string; ops: readonly OpType[] }[] = [
  {
    treatment: 'always',
    reason: 'What half precision is for: devices have units for them, and most of them add up in float32.',
    ops: ['Conv', 'ConvTranspose', 'FusedMatMul', 'Gemm', 'MatMul'],
  },
  {
    treatment: 'with its input',
    reason: 'They only move or select numbers, so nothing is lost; half as many bytes are.',
    ops: [
      'Concat',
      'Expand',
      'Gather',
      'Identity',
      'Max',
      'MaxPool',
      'Min',
      'Pad',
      'Relu',
      'Reshape',
      'Slice',
      'Split',
      'Squeeze',
      'Tile',
      'Transpose',
      'Unsqueeze',
      'Where',
    ],
  },
  {
    treatment: 'with its input',
    reason: 'One rounding a number, of the size of that which its input already has.',
    ops: ['Abs', 'Add', 'AveragePool', 'Mul', 'Neg', 'Resize', 'Sub', 'Sum'],
  },
  {
    treatment: 'with its input',
    reason: 'Activations: they do not leave the range of their input.',
    ops: ['Clip', 'Elu', 'Gelu', 'HardSigmoid', 'HardSwish', 'LeakyRelu', 'QuickGelu', 'Sigmoid', 'Tanh'],
  },
  {
    treatment: 'if all are',
    reason: 'Numbers are told apart as finely as they were computed: a maximum must equal what it was chosen from.',
    ops: ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'],
  },
];
const treatments = new Map(rows.flatMap(({ ops, treatment }) => ops.map((op) => [op as string, treatment] as const)));

/** What the engine builds under these scopes (see Builder.scope) is delicate throughout, and so are its gradients. */
const singleScopes: ReadonlySet<string> = new Set(['augmentation', 'counts', 'loss', 'optimiser']);

const sums: ReadonlySet<string> = new Set(['ReduceMean', 'ReduceSum'] satisfies OpType[]);

/** The least that half precision has with all its digits, and the most that it has at all. */
const [smallestHalf, greatestHalf] = [2 ** -14, 65504];

/** Inputs, outputs and state keep their types. */
export function mixedPrecision(graph: Graph): Graph {
  const half = halfNodes(graph);
  const copies = new WeakMap<Builder, HalfCopies>();
  const rewritten = rewrite(graph, (g, node) => {
    if (!half.has(node.name)) return null;
    const known = copies.get(g) ?? new HalfCopies(g);
    copies.set(g, known);
    const inputs = node.inputs.map((input) => input && (input.dataType === 'float32' ? known.of(input) : input));
    const made = g.ops(node.opType, inputs, node.attributes, node.outputs.length, node.domain);
    return made.map((value) => (value.dataType === 'float16' ? known.widened(value) : value));
  });
  // Each value was widened at once; what nobody reads so goes.
  return removeDeadNodes(rewritten);
}

/** Half copies of one graph's float32 values, each made once. */
class HalfCopies {
  private readonly g: Builder;
  private readonly known = new Map<string, Value>();
  private readonly makers = new Map<string, Node>();
  private seen = 0;

  constructor(g: Builder) {
    this.g = g;
  }

  widened(half: Value): Value {
    const single = this.g.cast(half, 'float32');
    this.known.set(single.name, half);
    return single;
  }

  /** Weights are cut out of one vector: that is cast, and not each of them. */
  of(single: Value): Value {
    const known = this.known.get(single.name);
    if (known) return known;
    const maker = this.makerOf(single);
    const [source] = maker?.inputs ?? [];
    if (source && (maker?.opType === 'Reshape' || maker?.opType === 'Split')) {
      const inputs = [this.of(source), ...maker.inputs.slice(1)];
      const made = this.g.ops(maker.opType, inputs, maker.attributes, maker.outputs.length);
      maker.outputs.forEach(({ name }, i) => this.known.set(name, made[i]!));
    } else {
      // From what was no float32 number before, straight to half.
      const start = source && maker?.opType === 'Cast' ? source : single;
      this.known.set(single.name, this.g.cast(start, 'float16'));
    }
    return this.known.get(single.name)!;
  }

  private makerOf({ name }: Value): Node | undefined {
    const { nodes } = this.g.graph;
    for (; this.seen < nodes.length; this.seen++) {
      const node = nodes[this.seen]!;
      for (const output of node.outputs) this.makers.set(output.name, node);
    }
    return this.makers.get(name);
  }
}

/** Names of the nodes that compute in half. */
function halfNodes(graph: Graph): Set<string> {
  const nodes = new Set<string>();
  const values = new Set<string>();
  const visit = ({ nodes: all, outputs }: Graph): void => {
    const onlySummed = productsOfSums(all, new Set(outputs.map(({ name }) => name)));
    for (const node of all) {
      for (const value of Object.values(node.attributes)) if (value !== undefined && isGraph(value)) visit(value);
      if (!isHalf(node, values) || onlySummed.has(node.name)) continue;
      nodes.add(node.name);
      for (const { name, dataType } of node.outputs) if (dataType === 'float32') values.add(name);
    }
  };
  visit(graph);
  return nodes;
}

/** `values`: what is made in half so far. */
function isHalf(node: Node, values: ReadonlySet<string>): boolean {
  const treatment = treatments.get(node.opType);
  const read = node.inputs.filter((input) => input?.dataType === 'float32') as Value[];
  const given = read.filter(({ constant }) => !constant);
  if (!treatment || given.length === 0 || isInSingleScope(node) || !read.every(fitsHalf)) return false;
  if (treatment === 'always') return !isDotProduct(node);
  // Vectors and numbers are statistics and state: all weights, all gradients, a sum of each channel.
  if (node.outputs[0]!.shape.length <= 1) return false;
  const isMade = ({ name }: Value): boolean => values.has(name);
  return treatment === 'if all are' ? given.every(isMade) : given.some(isMade);
}

function isInSingleScope({ name }: Node): boolean {
  const [scope] = name.replace(/^gradient\//, '').split('/', 1);
  return singleScopes.has(scope!);
}

/** Whether its elements, where they are known, are half numbers to three digits. */
const fitsHalf = ({ constant }: Value): boolean =>
  !constant ||
  (constant.data as Float32Array).every((x) => {
    const size = Math.abs(x);
    return size === 0 || size === Infinity || (size >= smallestHalf && size <= greatestHalf);
  });

/** Rows times columns, one each, is how batch norm sums up over an image; such a sum leaves half's range. */
const isDotProduct = ({ opType, outputs }: Node): boolean =>
  opType.endsWith('MatMul') && outputs[0]!.shape.slice(-2).every((size) => size === 1);

/** Products that only sums read: squares above all, which leave half's range, and are part of the sum. */
function productsOfSums(nodes: readonly Node[], outputs: ReadonlySet<string>): Set<string> {
  const summed = new Set<string>();
  const readOtherwise = new Set(outputs);
  for (const node of nodes) {
    const list = sums.has(node.opType) ? summed : readOtherwise;
    for (const input of node.inputs) if (input) list.add(input.name);
    for (const value of Object.values(node.attributes)) {
      if (value !== undefined && isGraph(value)) addReads(value, readOtherwise);
    }
  }
  const isOnlySummed = ({ name }: Value): boolean => summed.has(name) && !readOtherwise.has(name);
  return new Set(
    nodes.filter((node) => node.opType === 'Mul' && isOnlySummed(node.outputs[0]!)).map(({ name }) => name),
  );
}

function addReads({ nodes }: Graph, names: Set<string>): void {
  for (const { inputs, attributes } of nodes) {
    for (const input of inputs) if (input) names.add(input.name);
    for (const value of Object.values(attributes)) if (value !== undefined && isGraph(value)) addReads(value, names);
  }
}
