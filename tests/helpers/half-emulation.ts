/**
 * Half precision in float32 arithmetic. onnxruntime on a CPU converts to float32 around most operators and takes conversions
 * out that undo each other, and their rounding with them; a device that computes in half rounds every result.
 */
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import type { Graph, Value } from '../../src-main/engine/graph/types.ts';
import { rewrite } from '../../src-main/engine/passes/rewrite.ts';

/** The graph with every float16 value as a float32 one that is rounded to half's eleven digits. Range is not emulated. */
export function emulateHalf(graph: Graph): Graph {
  const halves = new Set(
    allNodes(graph)
      .flatMap(({ outputs }) => outputs.filter(({ dataType }) => dataType === 'float16'))
      .map(({ name }) => name),
  );
  const types = new Map(allNodes(graph).map(({ name, inputs, outputs }) => [name, { inputs, outputs }]));
  return rewrite(graph, (g, node) => {
    const { inputs, outputs } = types.get(node.name)!;
    if (node.opType === 'Cast' && halves.has(inputs[0]!.name)) return [node.inputs[0]!];
    if (!outputs.some(({ name }) => halves.has(name))) return null;
    if (node.opType === 'Cast') return [rounded(g, g.cast(node.inputs[0]!, 'float32'))];
    const made = g.ops(node.opType, node.inputs, node.attributes, outputs.length, node.domain);
    return made.map((value) => (value.dataType === 'float32' ? rounded(g, value) : value));
  });
}

/** x − (x − c) with c = (2¹³ + 1)·x, to the nearest even. Source: Dekker 1971, the splitting of a number. */
function rounded(g: Builder, x: Value): Value {
  const scaled = g.mul(x, g.float(2 ** 13 + 1));
  return g.sub(scaled, g.sub(scaled, x));
}

const allNodes = (graph: Graph): Graph['nodes'] =>
  graph.nodes.flatMap((node) => {
    const { body } = node.attributes;
    return node.opType === 'Loop' ? [node, ...allNodes(body as Graph)] : [node];
  });
