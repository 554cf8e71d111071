/**
 * Results that are written over what a graph was fed. The runtime knows nothing of it and orders nodes by what they read, so whatever
 * reads an input must be what the node that writes over it waits for: a number that this node, or one before it, takes is
 * given by way of the size of what the readers make, times 0. Numbers stay as they are, bit by bit.
 */
import { invariant } from '../../contract/errors.ts';
import { Builder } from '../graph/builder.ts';
import { executionOrder, memoryNames, readersByMemory, readNames } from '../graph/memory.ts';
import { sameShape, type Graph, type Node, type Value } from '../graph/types.ts';
import { opRules } from '../ops/index.ts';

/** By the result's name, the inputs whose memory it takes: of one and the same memory there may be several. */
export type Writes = ReadonlyMap<string, readonly string[]>;

/**
 * The graph with every write behind all reads, and behind the node that makes `first`, a float32 scalar which is 1 wherever the graph runs
 * on. Throws where a result depends on no number that could wait.
 */
export function writeAfterReads(graph: Graph, writes: Writes, first: string): Graph {
  const readers = readersByMemory(graph.nodes, memoryNames(graph.nodes));
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map(({ name }) => [name, node] as const)));
  const sources: Sources = new Map(
    graph.nodes.map((node) => [node, readNames(node).flatMap((name) => makers.get(name) ?? [])]),
  );
  const waiting = new Map<Node, Wait[]>();
  for (const [result, inputs] of writes) {
    const writer = makers.get(result);
    invariant(writer, `${result}: no node makes it`);
    const before = ancestorsOf([writer], sources);
    const reading = new Set(inputs.flatMap((input) => readers.get(input) ?? []));
    const late = [...reading].filter((node) => !before.has(node));
    const needed = ancestorsOf(late, sources);
    const place = placeToWait(writer, before, needed);
    invariant(place, `${result}: nothing in ${writer.name} can wait for ${late.map(({ name }) => name).join(', ')}`);
    waiting.set(place.node, [...(waiting.get(place.node) ?? []), { operand: place.operand, late }]);
  }
  const result = withWaits(
    graph,
    waiting,
    makers.get(first)!.outputs.find(({ name }) => name === first)!,
  );
  checkOrder(result, writes);
  return result;
}

interface Wait {
  /** Which of the node's inputs. */
  operand: number;
  late: readonly Node[];
}

/** The nodes that make what a node reads. */
type Sources = ReadonlyMap<Node, readonly Node[]>;

/** The nodes and all that they depend on, the nearest first. */
function ancestorsOf(nodes: readonly Node[], sources: Sources): Set<Node> {
  const found = new Set(nodes);
  for (const next of found) for (const source of sources.get(next)!) found.add(source);
  return found;
}

const elementwise = new Set(['Add', 'Div', 'Mul', 'Sub']);

/** The nearest node to the writer that takes a number beside a value of the result's size, and on which no reader depends. */
function placeToWait(
  writer: Node,
  before: ReadonlySet<Node>,
  needed: ReadonlySet<Node>,
): { node: Node; operand: number } | null {
  const [result] = writer.outputs as [Value];
  for (const node of before) {
    const [output] = node.outputs as [Value];
    if (!elementwise.has(node.opType) || needed.has(node) || !sameShape(output.shape, result.shape)) continue;
    const operand = node.inputs.findIndex((input) => input?.shape.length === 0 && input.dataType === 'float32');
    if (operand >= 0) return { node, operand };
  }
  return null;
}

/** New nodes stand right before those that wait. */
function withWaits(graph: Graph, waiting: ReadonlyMap<Node, Wait[]>, first: Value): Graph {
  const g = new Builder(graph.name, opRules);
  g.reserve([...graph.inputs, ...graph.initializers].map(({ name }) => name));
  g.reserve(graph.nodes.flatMap((node) => [node.name, ...node.outputs.map(({ name }) => name)]));
  const made = g.graph.nodes;
  let taken = 0;
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const inputs = [...node.inputs];
    for (const { operand, late } of waiting.get(node) ?? [])
      g.scope('optimiser', () => {
        inputs[operand] = g.mul(late.length > 0 ? delayed(g, inputs[operand]!, late) : inputs[operand]!, first);
      });
    const added = made.slice(taken);
    taken = made.length;
    return [...added, { ...node, inputs }];
  });
  return { ...graph, nodes, initializers: [...graph.initializers, ...g.graph.initializers] };
}

/** The number plus 0 times the sizes of what these nodes make. */
function delayed(g: Builder, number: Value, late: readonly Node[]): Value {
  const sizes = late.map(({ outputs: [made] }) => g.op('Size', [made!]));
  const sum = sizes.reduce((total, size) => g.add(total, size));
  return g.add(number, g.mul(g.cast(sum, 'float32'), g.float(0)));
}

/** As the runtime will run them. */
function checkOrder(graph: Graph, writes: Writes): void {
  const order = executionOrder(graph);
  const readers = readersByMemory(order, memoryNames(order));
  const places = new Map(order.map((node, at) => [node, at]));
  const makers = new Map(order.flatMap((node) => node.outputs.map(({ name }) => [name, node] as const)));
  for (const [result, inputs] of writes) {
    const writer = makers.get(result)!;
    for (const input of inputs)
      for (const reader of readers.get(input) ?? [])
        invariant(places.get(reader)! <= places.get(writer)!, `${reader.name} would read ${input} after ${result}`);
  }
}
