/**
 * Chains of operators that onnxruntime has one kernel for become that one, where nobody else reads what lies in between.
 * What is left over of a chain is dead; removeDeadNodes takes it away.
 */
import {
  float,
  isFloat,
  isGraph,
  sameShape,
  type Attributes,
  type Graph,
  type Node,
  type Value,
} from '../graph/types.ts';
import { makersOf, readersOf } from './makers.ts';

type Fused = Pick<Node, 'opType' | 'domain' | 'inputs' | 'attributes'>;
/** The node that made a value, where only the chain reads it. */
type Before = (value: Value | null | undefined) => Node | undefined;
type Fuse = (node: Node, before: Before) => Fused | null;

function scalarOf(value: Value): number | null {
  return value.constant && value.shape.length === 0 ? Number(value.constant.data[0]) : null;
}

/** Each operand of a node that has two, with the other one. */
const bothWays = ({ inputs: [a, b] }: Node): [Value, Value][] => [
  [a!, b!],
  [b!, a!],
];

/** x·σ(αx) */
const quickGelu: Fuse = (node, before) => {
  for (const [x, gate] of bothWays(node)) {
    const sigmoid = before(gate);
    if (sigmoid?.opType !== 'Sigmoid') continue;
    const [argument] = sigmoid.inputs as [Value];
    const scaled = before(argument);
    const factors = scaled?.opType === 'Mul' ? bothWays(scaled).filter(([y]) => y.name === x.name) : [];
    const alpha = argument.name === x.name ? 1 : factors.map(([, factor]) => scalarOf(factor))[0];
    if (typeof alpha !== 'number') continue;
    return { opType: 'QuickGelu', domain: 'com.microsoft', inputs: [x], attributes: { alpha: float(alpha) } };
  }
  return null;
};

const isAbout = (attribute: Attributes[string], wanted: number): boolean =>
  attribute !== undefined && isFloat(attribute) && Math.fround(attribute.float) === Math.fround(wanted);

/** x·clip(x/6 + ½, 0, 1) */
const hardSwish: Fuse = (node, before) => {
  for (const [x, gate] of bothWays(node)) {
    const maker = before(gate);
    if (maker?.opType !== 'HardSigmoid' || maker.inputs[0]!.name !== x.name) continue;
    const { alpha, beta } = maker.attributes;
    if (isAbout(alpha, 1 / 6) && (beta === undefined || isAbout(beta, 0.5)))
      return { opType: 'HardSwish', domain: '', inputs: [x], attributes: {} };
  }
  return null;
};

/** Whether a node turns the matrices of the last two axes around and nothing else. */
function turnsMatrices({ opType, attributes }: Node): boolean {
  if (opType !== 'Transpose') return false;
  const perm = attributes['perm'] as readonly number[];
  const last = perm.length - 1;
  const turned = perm.map((_, i) => (i === last ? last - 1 : i === last - 1 ? last : i));
  return last > 0 && perm.every((axis, i) => axis === turned[i]);
}

/** A product of matrices that were turned around first. */
const turnedProduct: Fuse = ({ inputs, attributes }, before) => {
  const sources = inputs.map((input) => {
    const maker = before(input);
    return maker && turnsMatrices(maker) ? maker.inputs[0]! : null;
  });
  if (sources.every((source) => source === null)) return null;
  const turns = (key: string, i: number): number => ((attributes[key] === 1) === (sources[i] === null) ? 1 : 0);
  return {
    opType: 'FusedMatMul',
    domain: 'com.microsoft',
    inputs: inputs.map((input, i) => sources[i] ?? input),
    attributes: { transA: turns('transA', 0), transB: turns('transB', 1) },
  };
};

/** Whether a node is a convolution that could still do something to its result. */
const isOpen = (node: Node | undefined): node is Node =>
  node?.opType === 'FusedConv' && node.attributes['activation'] === undefined;

/** A convolution with an image added. */
const convolutionAndSum: Fuse = (node, before) => {
  for (const [y, image] of bothWays(node)) {
    const conv = before(y);
    if (!isOpen(conv) || conv.inputs.length > 3 || !sameShape(image.shape, y.shape)) continue;
    const [x, w, bias = null] = conv.inputs;
    return { opType: conv.opType, domain: conv.domain, inputs: [x!, w!, bias, image], attributes: conv.attributes };
  }
  return null;
};

/** A convolution cut off at 0. */
const convolutionAndRelu: Fuse = ({ inputs: [y] }, before) => {
  const conv = before(y);
  if (!isOpen(conv)) return null;
  const { opType, domain, inputs, attributes } = conv;
  return { opType, domain, inputs, attributes: { ...attributes, activation: 'Relu' } };
};

/** A convolution cut off at both ends. */
const convolutionAndClip: Fuse = ({ inputs: [y, low, high] }, before) => {
  const conv = before(y);
  const bounds = [low, high].map((bound) => bound && scalarOf(bound));
  if (!isOpen(conv) || !bounds.every((bound) => typeof bound === 'number')) return null;
  const { opType, domain, inputs, attributes } = conv;
  const activation_params = { floats: bounds };
  return { opType, domain, inputs, attributes: { ...attributes, activation: 'Clip', activation_params } };
};

const rules: Readonly<Record<string, readonly Fuse[]>> = {
  Add: [convolutionAndSum],
  Clip: [convolutionAndClip],
  FusedMatMul: [turnedProduct],
  MatMul: [turnedProduct],
  Mul: [quickGelu, hardSwish],
  Relu: [convolutionAndRelu],
};

export function fuseChains(graph: Graph): Graph {
  const makers = makersOf(graph);
  const readers = readersOf(graph);
  const before: Before = (value) => (value && readers.get(value.name) === 1 ? makers.get(value.name) : undefined);
  const nodes = graph.nodes.map((node): Node => {
    const attributes = Object.fromEntries(
      Object.entries(node.attributes).map(([key, value]) => [
        key,
        value !== undefined && isGraph(value) ? fuseChains(value) : value,
      ]),
    );
    for (const fuse of Object.hasOwn(rules, node.opType) ? rules[node.opType]! : []) {
      const fused = fuse(node, before);
      if (!fused) continue;
      const made = { ...node, ...fused };
      makers.set(node.outputs[0]!.name, made); // it may be a link of a longer chain
      return made;
    }
    return { ...node, attributes };
  });
  return { ...graph, nodes };
}
