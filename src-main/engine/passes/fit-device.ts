/** Rewrites what a device's provider cannot run although it knows the operator. */
import type { Device } from '../../contract/model/run.ts';
import type { Builder } from '../graph/builder.ts';
import { isGraph, type Graph, type Node, type Value } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { constantNumbers } from '../ops/definition.ts';
import { opRules } from '../ops/index.ts';
import { freeOutputs } from './free-outputs.ts';
import { rewrite } from './rewrite.ts';

/**
 * The most inputs or outputs of one node. WebGPU gives a shader 8 buffers for certain, and onnxruntime's Split and Concat
 * take one for every piece and one for the whole; a network's weights are hundreds of pieces of one vector.
 */
const mostPieces: Readonly<Record<Device, number>> = {
  cpu: Infinity,
  cuda: Infinity,
  webgpu: 7,
  dml: Infinity,
  coreml: Infinity,
};

/** A graph that gives the same numbers and that the device can run. */
export function fitDevice(graph: Graph, device: Device): Graph {
  const most = mostPieces[device];
  if (most === Infinity) return graph;
  const fitted = rewrite(
    freeOutputs(graph, isWide),
    (g, node) => splitInSteps(g, node, most) ?? concatInSteps(g, node, most),
  );
  verify(fitted, opRules);
  return fitted;
}

const isWide = ({ opType }: Node): boolean => opType === 'Split' || opType === 'Concat';

/**
 * As `npm run gpu:check` found onnxruntime 1.30's WebGPU provider: it has no indices of maxima, fails on some powers with
 * broadcasting, and loses two digits in layer norms of far-off means.
 */
const isBadOnWebGpu = ({ opType, outputs }: Node): boolean =>
  opType === 'Pow' || opType === 'LayerNormalization' || (opType === 'MaxPool' && outputs.length > 1);

/** Nodes that the provider takes and then cannot run, or runs badly; the session is told to leave them to the CPU. */
export function nodesForCpu(graph: Graph, device: Device): string[] {
  if (device !== 'webgpu') return [];
  return graph.nodes.flatMap((node) => {
    const bodies = Object.values(node.attributes).filter((value) => value !== undefined && isGraph(value));
    return [...(isBadOnWebGpu(node) ? [node.name] : []), ...bodies.flatMap((body) => nodesForCpu(body, device))];
  });
}

/** A Split with too many outputs as a tree of splits. */
function splitInSteps(g: Builder, node: Node, most: number): Value[] | null {
  if (node.opType !== 'Split' || node.outputs.length <= most) return null;
  const [x, lengths] = node.inputs as [Value, Value];
  const axis = node.attributes['axis'] as number;
  return split(g, x, constantNumbers(node.name, lengths, 'split'), axis, most);
}

function split(g: Builder, x: Value, lengths: readonly number[], axis: number, most: number): Value[] {
  if (lengths.length === 1) return [x];
  if (lengths.length <= most) return g.split(x, lengths, axis);
  const groups = inGroups(lengths, most);
  const wholes = groups.map((group) => group.reduce((sum, length) => sum + length, 0));
  return g.split(x, wholes, axis).flatMap((whole, i) => split(g, whole, groups[i]!, axis, most));
}

/** A Concat with too many inputs as a tree of concats. */
function concatInSteps(g: Builder, node: Node, most: number): Value[] | null {
  if (node.opType !== 'Concat' || node.inputs.length <= most) return null;
  return [concat(g, node.inputs as Value[], node.attributes['axis'] as number, most)];
}

function concat(g: Builder, pieces: readonly Value[], axis: number, most: number): Value {
  if (pieces.length === 1) return pieces[0]!;
  if (pieces.length <= most) return g.concat(pieces, axis);
  return g.concat(
    inGroups(pieces, most).map((group) => concat(g, group, axis, most)),
    axis,
  );
}

/** At most `most` groups of nearly equal size, in order. */
function inGroups<T>(items: readonly T[], most: number): T[][] {
  const size = Math.ceil(items.length / most);
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
