/**
 * The one way to rewrite a graph: every node is visited in order and either copied or replaced by what `replace`
 * builds. Graph inputs and outputs keep their names; subgraphs are rewritten too.
 */
import { Builder } from '../graph/builder.ts';
import { isGraph, type Attributes, type AttributeValue, type Graph, type Node, type Value } from '../graph/types.ts';
import { opRules } from '../ops/index.ts';

/** Gets a node with its inputs in the new graph. Returns its outputs there, or null to have it copied. */
export type Replace = (g: Builder, node: Node) => readonly Value[] | null;

export function rewrite(graph: Graph, replace: Replace): Graph {
  const builder = new Builder(graph.name, opRules);
  rewriteInto(builder, graph, new Map(), replace);
  return builder.graph;
}

function rewriteInto(g: Builder, graph: Graph, outer: ReadonlyMap<string, Value>, replace: Replace): void {
  const renamed = new Map(outer);
  g.reserve(graph.outputs.map((value) => value.name));
  for (const value of graph.inputs) renamed.set(value.name, g.input(value.name, value.dataType, value.shape));
  for (const value of graph.initializers) renamed.set(value.name, g.constant(value.constant!));
  const outputNames = new Set(graph.outputs.map((value) => value.name));
  const current = (value: Value | null): Value | null => value && renamed.get(value.name)!;

  for (const node of graph.nodes) {
    const moved: Node = {
      ...node,
      inputs: node.inputs.map(current),
      attributes: rewriteSubgraphs(g, node.attributes, renamed, replace),
    };
    const keepsName = node.outputs.some((output) => outputNames.has(output.name));
    g.scope(scopeOf(node), () => {
      const made =
        (keepsName ? null : replace(g, moved)) ??
        g.copy(
          moved,
          node.outputs.map(({ name }) => (outputNames.has(name) ? name : null)),
        );
      node.outputs.forEach((output, i) => renamed.set(output.name, made[i]!));
    });
  }
  g.graph.outputs.push(...graph.outputs.map((value) => renamed.get(value.name)!));
}

/** The layer path in front of the node's own name. */
const scopeOf = (node: Node): string => node.name.split('/').slice(0, -1).join('/');

function rewriteSubgraphs(
  g: Builder,
  attributes: Attributes,
  outer: ReadonlyMap<string, Value>,
  replace: Replace,
): Attributes {
  const entries = Object.entries(attributes).map(([key, value]): [string, AttributeValue | undefined] => {
    if (value === undefined || !isGraph(value)) return [key, value];
    const body = g.subgraph(value.name);
    rewriteInto(body, value, outer, replace);
    return [key, body.graph];
  });
  return Object.fromEntries(entries);
}
