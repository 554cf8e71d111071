/** Who reads and who makes a value. */
import type { Builder } from '../graph/builder.ts';
import { isGraph, type Graph, type Node, type Value } from '../graph/types.ts';

/** How many nodes, those of subgraphs among them, and outputs of the graph read each value. */
export function readersOf(graph: Graph): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (name: string, times: number): void => void counts.set(name, (counts.get(name) ?? 0) + times);
  for (const { inputs, attributes } of graph.nodes) {
    for (const input of inputs) if (input) add(input.name, 1);
    for (const value of Object.values(attributes))
      if (value !== undefined && isGraph(value)) for (const [name, times] of readersOf(value)) add(name, times);
  }
  for (const { name } of graph.outputs) add(name, 1);
  return counts;
}

/** The node that makes each value of the graph, subgraphs left out. */
export const makersOf = ({ nodes }: Graph): Map<string, Node> =>
  new Map(nodes.flatMap((node) => node.outputs.map(({ name }) => [name, node] as const)));

/** The same for a graph that a builder is making. */
export class Makers {
  private readonly byName = new Map<string, Node>();
  private seen = 0;

  of({ graph: { nodes } }: Builder, { name }: Value): Node | undefined {
    for (; this.seen < nodes.length; this.seen++) {
      for (const output of nodes[this.seen]!.outputs) this.byName.set(output.name, nodes[this.seen]!);
    }
    return this.byName.get(name);
  }
}
