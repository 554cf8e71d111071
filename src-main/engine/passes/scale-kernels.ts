/**
 * A gradient that is scaled channel by channel on its way into a convolution's gradients: the kernels are scaled in its place,
 * which are smaller. Behind every batch norm lies such a factor (ops/normalisation.ts).
 *   ConvInputGradient(w, s·u) = ConvInputGradient(s·w, u),   ConvWeightGradient(x, s·u) = s·ConvWeightGradient(x, u)
 */
import type { Builder } from '../graph/builder.ts';
import { isGraph, sizeOf, type Graph, type Node, type Value } from '../graph/types.ts';
import { Makers } from './makers.ts';
import { rewrite } from './rewrite.ts';

export function scaleKernels(graph: Graph): Graph {
  const taking = nodesThatTakeFactors(graph);
  if (taking.size === 0) return graph;
  const makers = new WeakMap<Builder, Makers>();
  return rewrite(graph, (g, node) => {
    if (!taking.has(node.name)) return null;
    const known = makers.get(g) ?? new Makers();
    makers.set(g, known);
    const place = node.inputs.length - 1;
    const [u, slope] = known.of(g, node.inputs[place]!)!.inputs as readonly [Value, Value];
    const { opType, domain, attributes } = node;
    if (opType === 'ConvInputGradient')
      return [g.op(opType, [byChannel(g, node.inputs[0]!, slope), u], attributes, domain)];
    if (opType === 'ConvWeightGradient')
      return [byChannel(g, g.op(opType, [node.inputs[0]!, u], attributes, domain), slope)];
    const phases = g.op(opType, [u], attributes, domain);
    return [g.op('ChannelScale', [phases, g.concat([slope, slope, slope, slope], 0)], {}, 'fovea')];
  });
}

/** A kernel's output channels, each times its factor. */
const byChannel = (g: Builder, w: Value, slope: Value): Value => g.mul(w, g.reshape(slope, [w.shape[0]!, 1, 1, 1]));

/** Names of the nodes that read a scaled image, where all that read it can take the factor in, and their kernels are smaller. */
function nodesThatTakeFactors(graph: Graph): Set<string> {
  const readers = new Map<string, (Node | null)[]>();
  const note = (name: string, reader: Node | null): void =>
    void readers.set(name, [...(readers.get(name) ?? []), reader]);
  const taking = new Set<string>();
  const noteReads = ({ nodes }: Graph, isInside: boolean): void => {
    for (const node of nodes) {
      for (const input of node.inputs) if (input) note(input.name, isInside ? null : node);
      for (const body of bodiesOf(node)) noteReads(body, true);
    }
  };
  noteReads(graph, false);
  for (const { name } of graph.outputs) note(name, null);

  /** Weights that are scaled instead of the image; infinitely many where a reader cannot take the factor. */
  const weightsBehind = (image: Value, found: string[]): number =>
    (readers.get(image.name) ?? []).reduce((sum, node) => {
      if (!node || node.inputs.filter((input) => input?.name === image.name).length > 1) return Infinity;
      found.push(node.name);
      const isGradient = node.inputs[1]?.name === image.name;
      if (node.opType === 'ConvInputGradient' && isGradient) return sum + sizeOf(node.inputs[0]!.shape);
      if (node.opType === 'ConvWeightGradient' && isGradient) return sum + sizeOf(node.outputs[0]!.shape);
      return node.opType === 'ImageToPhases' ? sum + weightsBehind(node.outputs[0]!, found) : Infinity;
    }, 0);
  for (const node of graph.nodes) {
    if (node.opType !== 'ChannelScale') continue;
    const found: string[] = [];
    const [image] = node.outputs as [Value];
    if (weightsBehind(image, found) <= sizeOf(image.shape)) for (const name of found) taking.add(name);
  }
  for (const body of graph.nodes.flatMap(bodiesOf)) for (const name of nodesThatTakeFactors(body)) taking.add(name);
  return taking;
}

const bodiesOf = ({ attributes }: Node): Graph[] =>
  Object.values(attributes).filter((value) => value !== undefined && isGraph(value));
