/** Clean-up passes that change no result: equal nodes are computed once, and nodes that nobody reads go. */
import {
  isFloat,
  isGraph,
  isTensor,
  toBytes,
  type Attributes,
  type AttributeValue,
  type Graph,
  type Node,
  type Value,
} from '../graph/types.ts';
import { rewrite } from './rewrite.ts';

/** Common sub-expressions: a node with the same op, inputs and attributes as an earlier one gives that one's outputs. */
export function mergeEqualNodes(graph: Graph): Graph {
  const scopes = new WeakMap<object, Map<string, readonly Value[]>>();
  return rewrite(graph, (g, node) => {
    if (Object.values(node.attributes).some((value) => value !== undefined && isGraph(value))) return null;
    const seen = scopes.get(g) ?? new Map<string, readonly Value[]>();
    scopes.set(g, seen);
    const key = nodeKey(node);
    const known = seen.get(key);
    if (known && known.length >= node.outputs.length) return known;
    const made = g.copy(
      node,
      node.outputs.map(() => null),
    );
    seen.set(key, made);
    return made;
  });
}

function nodeKey(node: Node): string {
  return JSON.stringify([
    node.domain,
    node.opType,
    node.inputs.map((v) => v?.name ?? ''),
    attributeKey(node.attributes),
  ]);
}

function attributeKey(attributes: Attributes): unknown {
  return Object.entries(attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, valueKey(value)]);
}

/** JSON has neither infinities nor NaN, and knows no typed arrays. */
function valueKey(value: AttributeValue | undefined): unknown {
  if (typeof value !== 'object') return value;
  if (isFloat(value)) return `float ${value.float}`;
  return isTensor(value) ? [value.dataType, value.shape, [...toBytes(value.data)]] : value;
}

/** Removes nodes and initializers that no output depends on. Changes the graph's lists, not its nodes. */
export function removeDeadNodes(graph: Graph): Graph {
  const live = liveValues(graph);
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => node.outputs.some((output) => live.has(output.name))).map(cleanSubgraphs),
    initializers: graph.initializers.filter((value) => live.has(value.name)),
  };
}

function cleanSubgraphs(node: Node): Node {
  const entries = Object.entries(node.attributes).map(([key, value]) => [
    key,
    value !== undefined && isGraph(value) ? removeDeadNodes(value) : value,
  ]);
  return { ...node, attributes: Object.fromEntries(entries) as Attributes };
}

/** Names that the outputs depend on, in this graph or, read by a subgraph, in an enclosing one. */
function liveValues(graph: Graph): Set<string> {
  const live = new Set(graph.outputs.map((value) => value.name));
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => live.has(output.name))) continue;
    for (const input of node.inputs) if (input) live.add(input.name);
    for (const value of Object.values(node.attributes)) {
      if (value !== undefined && isGraph(value)) for (const name of liveValues(value)) live.add(name);
    }
  }
  return live;
}
