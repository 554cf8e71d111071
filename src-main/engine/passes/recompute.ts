/**
 * Trades a little time for memory: what the forward pass makes by cheap, element-wise operators and only the backward pass
 * still reads is not kept in between but made again where it is read. Of a convolution, batch norm and activation that
 * leaves one map of three. Numbers stay as they are, bit by bit, because the same operators run on the same numbers.
 */
import { bytesOf } from '../graph/memory.ts';
import { isGraph, type Attributes, type Graph, type Node, type Value } from '../graph/types.ts';

/** What making a value again costs, in passes over memory. Others are made once. */
const costs: Readonly<Record<string, number>> = {
  Add: 1,
  Clip: 1,
  Concat: 1,
  // Of a channel with itself only: ops/normalisation.ts.
  FusedConv: 1,
  HardSigmoid: 1,
  HardSwish: 1,
  LeakyRelu: 1,
  Mul: 1,
  QuickGelu: 1,
  Relu: 1,
  ReorderInput: 1,
  Reshape: 0,
  Sigmoid: 1,
  Slice: 1,
  Sub: 1,
  Tanh: 1,
};
/** The most passes for one value: batch norm's slope and offset, an activation, and one more. */
const most = 4;
/** Smaller values are not worth a node. */
const leastBytes = 2 ** 19;
/** Nor is a graph that does not keep as much as this. */
const leastSaved = 2 ** 25;

const isGradient = ({ name }: Node): boolean => name.startsWith('gradient/');

/** The result's gradient nodes read copies of forward nodes, which stand right behind the originals and depend on nothing else. */
export function recompute(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    const entries = Object.entries(node.attributes).map(([key, value]) => [
      key,
      value !== undefined && isGraph(value) ? recompute(value) : value,
    ]);
    return { ...node, attributes: Object.fromEntries(entries) as Attributes };
  });
  const again = valuesToMakeAgain({ ...graph, nodes });
  if (again.size === 0) return { ...graph, nodes };
  const copyOf = (value: Value): Value => (again.has(value.name) ? { ...value, name: `${value.name} again` } : value);
  return {
    ...graph,
    nodes: nodes.flatMap((node): Node[] => {
      const inputs = node.inputs.map((input) => input && copyOf(input));
      if (isGradient(node)) return [{ ...node, inputs }];
      if (!again.has(node.outputs[0]!.name)) return [node];
      return [node, { ...node, name: `${node.name} again`, inputs, outputs: node.outputs.map(copyOf) }];
    }),
  };
}

/** Names of forward values that are large, cheap, and read by the backward pass, with those that it takes to make them. */
function valuesToMakeAgain(graph: Graph): Set<string> {
  const readByGradient = new Set<string>();
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    if (isGradient(node)) for (const input of node.inputs) if (input) readByGradient.add(input.name);
  }
  const makers = new Map<string, Node>();
  /** Passes to make it again from what is there anyway; 0 for what is kept or made again for others. */
  const costOf = new Map<string, number>();
  const isLarge = (value: Value): boolean => bytesOf(value) >= leastBytes;
  let saved = 0;
  const wanted: string[] = [];
  for (const node of graph.nodes) {
    if (isGradient(node)) continue;
    const [output] = node.outputs;
    const own = Object.hasOwn(costs, node.opType) && node.outputs.length === 1 ? costs[node.opType]! : Infinity;
    const large = node.inputs.filter((input): input is Value => input !== null && isLarge(input));
    const sum = large.reduce((total, { name }) => total + (costOf.get(name) ?? 0), own);
    const isRead = readByGradient.has(output!.name);
    const canBeMade = isLarge(output!) && large.length > 0 && sum <= most && !outputs.has(output!.name);
    if (canBeMade) makers.set(output!.name, node);
    const isWanted = canBeMade && isRead && own > 0;
    for (const { name } of node.outputs) costOf.set(name, canBeMade && !isWanted ? sum : isRead ? 0 : Infinity);
    if (!isWanted) continue;
    wanted.push(output!.name);
    saved += bytesOf(output!);
  }
  const again = new Set<string>();
  if (saved < leastSaved) return again;
  const add = (name: string): void => {
    const maker = makers.get(name);
    if (!maker || again.has(name)) return;
    again.add(name);
    for (const input of maker.inputs) if (input) add(input.name);
  };
  for (const name of wanted) add(name);
  for (const [name, { opType }] of makers) if (opType === 'Reshape' && readByGradient.has(name)) add(name);
  return again;
}
