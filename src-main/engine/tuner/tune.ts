/**
 * Times the formulations of a graph's operators, each alone with its shapes, and opened as graphs that train are. A candidate
 * must give what the reference gives (the most general formulation, the last in its record), or it cannot be chosen.
 */
import { FoveaError } from '../../contract/errors.ts';
import { Random } from '../data/random.ts';
import { debugLevel, debugLog } from '../graph/debug.ts';
import { writeModel } from '../graph/onnx-model.ts';
import { sizeOf, type Graph, type Node, type Tensor, type Value } from '../graph/types.ts';
import { definitionOf, newGraph } from '../ops/index.ts';
import { optimise } from '../passes/index.ts';
import { lower } from '../passes/lower.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { nodeKey, type Choices, type Place } from './tuning.ts';

export interface TuneOptions {
  runtime: Runtime;
  place: Place;
  /** What is known already is not timed again. */
  known?: Choices;
  signal?: AbortSignal;
  progress?: (done: number, total: number) => void;
}

export interface TuneOutcome {
  choices: Map<string, string>;
  /** What the rules take, of those that were timed now. */
  byRule: Map<string, string>;
  /** False where it was cancelled; what was found until then is right all the same. */
  finished: boolean;
}

/** Largest difference to the reference, over the reference's largest value. */
const tolerance = 1e-4;
/** Turns of each formulation; fewer where they are slow. */
const mostRuns = 15;
const enoughMs = 60;
/** What takes so many times the fastest one's time is not run again. */
const hopeless = 3;
/** Another way must be this much faster than the one that the rules take: less is chance. */
const gain = 0.95;

/** A formulation while it is timed. */
interface Contender {
  name: string;
  session: Session;
  outputs: Record<string, Tensor>;
  ms: number;
}

interface Candidate {
  node: Node;
  /** In the order of the rules' preference. */
  applicable: readonly string[];
}

export async function tune(graph: Graph, options: TuneOptions): Promise<TuneOutcome> {
  const choices = new Map(options.known);
  const byRule = new Map<string, string>();
  const candidates = candidatesOf(graph, options.place.channelBlock, choices);
  let done = 0;
  for (const candidate of candidates) {
    if (options.signal?.aborted) return { choices, byRule, finished: false };
    const key = nodeKey(candidate.node);
    byRule.set(key, candidate.applicable[0]!);
    choices.set(key, await fastest(candidate, options));
    options.progress?.(++done, candidates.length);
  }
  return { choices, byRule, finished: true };
}

/** Operators that can be written in several ways, one of each kind and shape. */
function candidatesOf(graph: Graph, channelBlock: number | null, known: Choices): Candidate[] {
  const found = new Map<string, Candidate>();
  const note = (node: Node, applicable: readonly string[]): string => {
    const key = nodeKey(node);
    const isFloat = node.inputs.every((input) => input === null || input.dataType === 'float32');
    if (applicable.length > 1 && isFloat && !known.has(key)) found.set(key, { node, applicable });
    return applicable[0]!;
  };
  lower(graph, { choose: note, channelBlock });
  return [...found.values()];
}

async function fastest({ node, applicable }: Candidate, options: TuneOptions): Promise<string> {
  const feeds = feedsFor(node);
  const inOrder = Object.keys(definitionOf(node.opType, node.domain, node.name).formulations!);
  const reference = inOrder.findLast((name) => applicable.includes(name))!;
  const contenders: Contender[] = [];
  try {
    const first = await open(node, reference, feeds, options);
    if (!first) return applicable[0]!;
    contenders.push(first);
    for (const name of applicable) {
      if (name === reference) continue;
      const other = await open(node, name, feeds, options);
      if (!other) continue;
      if (agrees(other.outputs, first.outputs)) {
        contenders.push(other);
        continue;
      }
      await other.session.release();
      if (debugLevel() >= 1)
        debugLog(`tuner: ${nodeKey(node)}: "${name}" does not give what "${reference}" gives and is left out`);
    }
    await race(contenders, feeds);
    return winner(node, applicable, new Map(contenders.map(({ name, ms }) => [name, ms])));
  } finally {
    for (const { session } of contenders) await session.release();
  }
}

/** Turn by turn, so that a moment in which the machine is busy hits all alike; `ms` becomes the least of each one's times. */
async function race(contenders: readonly Contender[], feeds: Feeds): Promise<void> {
  const started = performance.now();
  let running = contenders;
  for (let i = 0; i < mostRuns && running.length > 1; i++) {
    for (const contender of running) {
      const begun = performance.now();
      await contender.session.run(feeds);
      contender.ms = Math.min(contender.ms, performance.now() - begun);
    }
    const best = Math.min(...contenders.map(({ ms }) => ms));
    running = running.filter(({ ms }) => ms < hopeless * best);
    if (performance.now() - started > enoughMs * contenders.length) return;
  }
}

function winner(node: Node, applicable: readonly string[], times: ReadonlyMap<string, number>): string {
  const first = applicable.find((name) => times.has(name))!;
  const [best, ms] = [...times].reduce((a, b) => (b[1] < a[1] ? b : a));
  const chosen = ms < gain * times.get(first)! ? best : first;
  if (debugLevel() >= 1) {
    const all = [...times].map(([name, time]) => `${name} ${time.toFixed(2)} ms`).join(', ');
    debugLog(`tuner: ${nodeKey(node)}: ${chosen} (${all})`);
  }
  return chosen;
}

type Feeds = Readonly<Record<string, Tensor>>;

const inputName = (index: number): string => `input${index}`;

function feedsFor({ inputs }: Node): Feeds {
  const random = Random.derive(0, 'tuner');
  const fed = inputs.flatMap((input, i) => {
    if (!input || input.constant) return [];
    const data = Float32Array.from({ length: sizeOf(input.shape) }, () => random.uniform() - 0.5);
    return [[inputName(i), { dataType: 'float32', shape: input.shape, data }] as const];
  });
  return Object.fromEntries(fed);
}

/** The node alone, in one formulation. */
function graphOf(node: Node, formulation: string, channelBlock: number | null): Graph {
  const g = newGraph('candidate');
  const inputs = node.inputs.map((input, i): Value | null => {
    if (!input) return null;
    return input.constant ? g.constant(input.constant) : g.input(inputName(i), input.dataType, input.shape);
  });
  const outputs = g.ops(node.opType, inputs, node.attributes, node.outputs.length, node.domain);
  outputs.forEach((output, i) => g.output(output, `output${i}`));
  const key = nodeKey(node);
  const choose = (other: Node, applicable: readonly string[]): string =>
    nodeKey(other) === key && applicable.includes(formulation) ? formulation : applicable[0]!;
  return optimise(g.graph, { choose, channelBlock });
}

/** A formulation's session, which the caller releases, with what it gave once; null where the runtime refuses it. */
async function open(
  node: Node,
  name: string,
  feeds: Feeds,
  { runtime, place }: TuneOptions,
): Promise<Contender | null> {
  try {
    const model = writeModel(graphOf(node, name, place.channelBlock));
    const { device, threads } = place;
    const session = await runtime.createSession(model, { device, threads, unoptimised: device === 'cpu' });
    try {
      return { name, session, outputs: await session.run(feeds), ms: Infinity };
    } catch (error) {
      await session.release();
      throw error;
    }
  } catch (error) {
    if (error instanceof FoveaError) return null;
    throw error;
  }
}

function agrees(outputs: Readonly<Record<string, Tensor>>, expected: Readonly<Record<string, Tensor>>): boolean {
  return Object.entries(expected).every(([name, { data }]) => {
    const [actual, wanted] = [outputs[name]!.data as Float32Array, data as Float32Array];
    let [difference, scale] = [0, 0];
    for (let i = 0; i < wanted.length; i++) {
      // A NaN fails every comparison, so it must be looked for.
      if (Number.isNaN(actual[i]!) && !Number.isNaN(wanted[i]!)) return false;
      difference = Math.max(difference, Math.abs(actual[i]! - wanted[i]!));
      scale = Math.max(scale, Math.abs(wanted[i]!));
    }
    return difference <= tolerance * scale;
  });
}
