/** Rewriting leaves nodes alone that make an output of their graph, to keep its name. */
import { isGraph, type Graph, type Node, type Value } from '../graph/types.ts';

/** Puts an Identity behind those of them that are to be rewritten, in subgraphs too. */
export function freeOutputs(graph: Graph, isRewritten: (node: Node) => boolean): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const attributes = Object.fromEntries(
      Object.entries(node.attributes).map(([key, value]) => [
        key,
        value !== undefined && isGraph(value) ? freeOutputs(value, isRewritten) : value,
      ]),
    );
    const given = isRewritten(node) ? node.outputs.filter(({ name }) => outputs.has(name)) : [];
    if (given.length === 0) return [{ ...node, attributes }];
    const whole = (value: Value): Value => (given.includes(value) ? { ...value, name: `${value.name} whole` } : value);
    const renaming = given.map((value): Node => ({
      name: `${node.name} ${value.name}`,
      opType: 'Identity',
      domain: '',
      inputs: [whole(value)],
      outputs: [value],
      attributes: {},
    }));
    return [{ ...node, attributes, outputs: node.outputs.map(whole) }, ...renaming];
  });
  return { ...graph, nodes };
}
