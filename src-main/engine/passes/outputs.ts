/**
 * Graph outputs get their names from the nodes that make them. Builders put an Identity behind every output; onnxruntime keeps
 * those of a Loop's body, where each is a copy on one thread.
 */
import { isGraph, type Attributes, type Graph, type Node, type Value } from '../graph/types.ts';

/** Changes names only. An output keeps its Identity where its value is an input, a constant, an outer value or an output twice. */
export function nameOutputs(graph: Graph): Graph {
  const renamed = new Map<string, Value>();
  const dropped = new Set<Node>();
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output.name, node] as const)));
  const outputNames = new Set(graph.outputs.map(({ name }) => name));
  for (const output of graph.outputs) {
    const identity = makers.get(output.name);
    const source = identity?.opType === 'Identity' ? identity.inputs[0]! : null;
    if (!source || !makers.has(source.name) || renamed.has(source.name) || outputNames.has(source.name)) continue;
    renamed.set(source.name, output);
    dropped.add(identity!);
  }
  const nodes = graph.nodes.filter((node) => !dropped.has(node)).map((node) => renameIn(node, renamed));
  return { ...graph, nodes };
}

const current = (value: Value, renamed: ReadonlyMap<string, Value>): Value => renamed.get(value.name) ?? value;

/** Values of this graph are read by subgraphs too. */
function renameIn(node: Node, renamed: ReadonlyMap<string, Value>): Node {
  const attributes = Object.entries(node.attributes).map(([key, value]) => [
    key,
    value !== undefined && isGraph(value) ? nameOutputs(renameReads(value, renamed)) : value,
  ]);
  return {
    ...node,
    inputs: node.inputs.map((input) => input && current(input, renamed)),
    outputs: node.outputs.map((output) => current(output, renamed)),
    attributes: Object.fromEntries(attributes) as Attributes,
  };
}

function renameReads(graph: Graph, renamed: ReadonlyMap<string, Value>): Graph {
  if (renamed.size === 0) return graph;
  return { ...graph, nodes: graph.nodes.map((node) => renameIn(node, renamed)) };
}
