/**
 * The bytes that are alive while a runtime runs a graph: nodes in onnxruntime's own order, every value from the node that
 * makes it to the last one that reads it, as onnxruntime keeps them where it does not know their sizes
 * (graph/onnx-model.ts). Knows no operator's work space; see train/memory-estimate.ts for what comes on top.
 */
import { isGraph, sizeOf, type DataType, type Graph, type Node, type Value } from './types.ts';

const bytesPerElement: Readonly<Record<DataType, number>> = {
  float32: 4,
  float16: 2,
  float64: 8,
  int64: 8,
  int32: 4,
  uint64: 8,
  uint32: 4,
  uint8: 1,
  int8: 1,
  bool: 1,
};
export const bytesOf = ({ shape, dataType }: Pick<Value, 'shape' | 'dataType'>): number =>
  sizeOf(shape) * bytesPerElement[dataType];

/** Their result is their input under another name. */
const aliases = new Set(['Reshape', 'Identity', 'Flatten', 'Squeeze', 'Unsqueeze']);
const isAlias = (node: Node): boolean => aliases.has(node.opType) && node.inputs[0] !== null;

/** The name under which a value's memory was first known. `nodes`: in an order in which they can run. */
export function memoryNames(nodes: readonly Node[]): (name: string) => string {
  const rootOf = new Map<string, string>();
  const root = (name: string): string => rootOf.get(name) ?? name;
  for (const node of nodes) if (isAlias(node)) rootOf.set(node.outputs[0]!.name, root(node.inputs[0]!.name));
  return root;
}

/** By a memory's name, the nodes that read it themselves and do not only give it another name. */
export function readersByMemory(nodes: readonly Node[], root: (name: string) => string): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of nodes) {
    if (isAlias(node)) continue;
    for (const name of new Set(readNames(node).map(root))) {
      const known = readers.get(name);
      if (known) known.push(node);
      else readers.set(name, [node]);
    }
  }
  return readers;
}

/**
 * Most bytes alive at once, the graph's inputs and constants left out: they belong to the caller and the session; so does the memory of the
 * results in `elsewhere`. What a Loop carries counts twice, as it comes into a turn and as it leaves it.
 */
export function peakLiveBytes(graph: Graph, elsewhere: ReadonlySet<string> = new Set()): number {
  const order = executionOrder(graph);
  const root = memoryNames(order);
  const lastReader = lastReaders(order, root);
  const kept = new Set(graph.outputs.map(({ name }) => root(name)));
  const alive = new Map<string, number>();
  let bytes = 0;
  let peak = 0;
  order.forEach((node, at) => {
    for (const output of node.outputs) {
      if (root(output.name) !== output.name || elsewhere.has(output.name)) continue;
      alive.set(output.name, bytesOf(output));
      bytes += bytesOf(output);
    }
    peak = Math.max(peak, bytes + insideOf(node));
    for (const name of [...readNames(node), ...node.outputs.map((output) => output.name)]) {
      const owner = root(name);
      const size = alive.get(owner);
      if (size === undefined || kept.has(owner) || (lastReader.get(owner) ?? at) > at) continue;
      alive.delete(owner);
      bytes -= size;
    }
  });
  return peak;
}

/** A Loop's body while a turn runs: what is alive in it, and what the turn before gave. */
function insideOf(node: Node): number {
  const body = node.attributes['body'];
  if (body === undefined || !isGraph(body)) return 0;
  const carried = body.inputs.slice(2).reduce((sum, input) => sum + bytesOf(input), 0);
  return carried + peakLiveBytes(body);
}

function lastReaders(order: readonly Node[], root: (name: string) => string): Map<string, number> {
  const last = new Map<string, number>();
  order.forEach((node, at) => {
    for (const name of readNames(node)) last.set(root(name), at);
  });
  return last;
}

/** What the node and its subgraphs read, names of the subgraphs' own among them. */
export function readNames(node: Node): string[] {
  const own = node.inputs.flatMap((input) => input?.name ?? []);
  const bodies = Object.values(node.attributes).filter((value) => value !== undefined && isGraph(value));
  return [...own, ...bodies.flatMap((body) => body.nodes.flatMap(readNames))];
}

/**
 * The order in which onnxruntime runs the nodes, which is not the one they stand in: a depth-first search backwards from
 * the nodes that nobody reads, the input that stands last in the graph first. Source: onnxruntime,
 * Graph::ReverseDFSFrom with NodeCompare; equal to the order in its profiles.
 */
export function executionOrder(graph: Graph): Node[] {
  const maker = new Map<string, number>();
  graph.nodes.forEach((node, index) => {
    for (const output of node.outputs) maker.set(output.name, index);
  });
  const sources = graph.nodes.map((node) => {
    const indices = readNames(node).flatMap((name) => maker.get(name) ?? []);
    return [...new Set(indices)].sort((a, b) => a - b);
  });
  const isRead = new Set(sources.flat());
  const order: Node[] = [];
  const seen = new Set<number>();
  const stack = graph.nodes.flatMap((_, index) => (isRead.has(index) ? [] : [{ index, isDone: false }]));
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { index, isDone } = entry;
    if (isDone) {
      order.push(graph.nodes[index]!);
      continue;
    }
    if (seen.has(index)) continue;
    seen.add(index);
    stack.push({ index, isDone: true });
    for (const source of sources[index]!) if (!seen.has(source)) stack.push({ index: source, isDone: false });
  }
  return order;
}
