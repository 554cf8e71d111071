/**
 * Looks into a training step: runs it once more with what its nodes make laid open, in pieces that fit into memory, and
 * tells shape, least, greatest and mean of each, and which is the first that is no number. For the person's error message
 * and for DEBUG_ENGINE=3.
 */
import { invariant } from '../../contract/errors.ts';
import type { Device } from '../../contract/model/run.ts';
import { originOf, originText } from '../graph/layer-of.ts';
import { bytesOf } from '../graph/memory.ts';
import {
  isGraph,
  shapeText,
  tensor,
  type Graph,
  type Node,
  type Tensor,
  type TensorArray,
  type Value,
} from '../graph/types.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { halfToFloat } from '../weights/half-float.ts';
import { openGraph } from './open-graph.ts';

export interface NodeStatistics {
  node: string;
  opType: string;
  output: string;
  shape: readonly number[];
  /** Of the finite elements; NaN where there is none. */
  least: number;
  greatest: number;
  mean: number;
  /** Elements that are NaN or infinite. */
  notFinite: number;
}

interface InspectOptions {
  runtime: Runtime;
  device: Device;
  /** As `buildTrainGraph` gives it, or any graph without a Loop. */
  graph: Graph;
  /** What the graph was fed, with the state from before the step. */
  feeds: Readonly<Record<string, Tensor>>;
  /** Which of the fed steps to look into. */
  step: number;
}

/** What is laid open at a time. */
const pieceBytes = 256e6;
const pieceCount = 1000;

/** Every floating-point result of every node, in the order of the graph, until `visit` says that it is enough. */
async function visitNodes(
  { runtime, device, graph, feeds, step }: InspectOptions,
  visit: (statistics: NodeStatistics) => 'go on' | 'enough',
): Promise<void> {
  const opened = openLoop(graph, feeds, step);
  const made = opened.graph.nodes.flatMap((node) =>
    node.outputs.filter(({ dataType }) => isFloatingPoint(dataType)).map((value) => ({ node, value })),
  );
  for (const piece of inPieces(made)) {
    const outputs = piece.map(({ value }) => value);
    const session = await openGraph(runtime, { ...opened.graph, outputs }, { device, threads: 0, unoptimised: true });
    try {
      const results = await session.run(opened.feeds);
      for (const { node, value } of piece) {
        if (visit(statisticsOf(node, value, results[value.name]!)) === 'enough') return;
      }
    } finally {
      await session.release();
    }
  }
}

/** The first result that holds something other than a finite number, though all that its node read was finite. */
export async function findFirstBadNode(options: InspectOptions): Promise<NodeStatistics | null> {
  let found: NodeStatistics | null = null;
  await visitNodes(options, (statistics) => {
    if (statistics.notFinite === 0) return 'go on';
    found = statistics;
    return 'enough';
  });
  return found;
}

/** "layer "fc1" (MatMul, 12 of 640 values)". */
export function badNodeText({ node, opType, shape, notFinite }: NodeStatistics): string {
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  return `${originText(originOf(node))} (${opType}: ${notFinite} of ${count} values)`;
}

/** One line a node, the first that is no number marked. */
export async function describeNodes(options: InspectOptions, print: (line: string) => void): Promise<void> {
  let isFirstBad = true;
  await visitNodes(options, ({ node, opType, shape, least, greatest, mean, notFinite }) => {
    const numbers = [least, greatest, mean].map((value) => value.toPrecision(4));
    const bad = notFinite === 0 ? '' : ` ${notFinite} not finite${isFirstBad ? ' ← the first' : ''}`;
    if (notFinite > 0) isFirstBad = false;
    print(`${node} ${opType} ${shapeText(shape)} min ${numbers[0]} max ${numbers[1]} mean ${numbers[2]}${bad}`);
    return 'go on';
  });
}

function statisticsOf(node: Node, value: Value, { data }: Tensor): NodeStatistics {
  let least = Infinity;
  let greatest = -Infinity;
  let sum = 0;
  let finite = 0;
  for (const number of value.dataType === 'float16' ? halves(data) : (data as Float32Array)) {
    if (!Number.isFinite(number)) continue;
    least = Math.min(least, number);
    greatest = Math.max(greatest, number);
    sum += number;
    finite++;
  }
  const none = finite === 0;
  return {
    node: node.name,
    opType: node.opType,
    output: value.name,
    shape: value.shape,
    least: none ? NaN : least,
    greatest: none ? NaN : greatest,
    mean: sum / finite,
    notFinite: data.length - finite,
  };
}

const isFloatingPoint = (dataType: Value['dataType']): boolean => dataType === 'float32' || dataType === 'float16';

/** The runtime gives bit patterns where JavaScript has no array of half numbers. */
const halves = (data: TensorArray): Iterable<number> =>
  data instanceof Uint16Array ? Array.from(data, halfToFloat) : (data as Iterable<number>);

/** The Loop's body as a graph of its own, fed with the turn's number and the state as it comes in. */
function openLoop(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  step: number,
): { graph: Graph; feeds: Readonly<Record<string, Tensor>> } {
  const loop = graph.nodes.find(({ opType }) => opType === 'Loop');
  if (!loop) return { graph, feeds };
  const body = loop.attributes['body'];
  invariant(body !== undefined && isGraph(body), `${loop.name}: a Loop without a body`);
  const [iteration, condition, ...carried] = body.inputs;
  const state = loop.inputs.slice(2).map((value, i): [string, Tensor] => {
    const fed = feeds[value!.name];
    invariant(fed, `${loop.name}: carries "${value!.name}", which is not fed`);
    return [carried[i]!.name, fed];
  });
  const before = graph.nodes.slice(0, graph.nodes.indexOf(loop));
  return {
    graph: {
      name: body.name,
      inputs: [...graph.inputs, ...body.inputs],
      initializers: [...graph.initializers, ...body.initializers],
      nodes: [...before, ...body.nodes],
      outputs: [],
    },
    feeds: {
      ...feeds,
      ...Object.fromEntries(state),
      [iteration!.name]: tensor('int64', [], [step]),
      [condition!.name]: tensor('bool', [], [1]),
    },
  };
}

function inPieces<T extends { value: Value }>(items: readonly T[]): T[][] {
  const pieces: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const last = pieces.at(-1);
    const size = bytesOf(item.value);
    if (last === undefined || bytes + size > pieceBytes || last.length >= pieceCount) {
      pieces.push([item]);
      bytes = size;
    } else {
      last.push(item);
      bytes += size;
    }
  }
  return pieces;
}
