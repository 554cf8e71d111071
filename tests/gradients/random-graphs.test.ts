/**
 * Random graphs over the whole op table: shapes are onnxruntime's, passes change no value, and gradients are the slopes of
 * the loss. A failing seed prints itself.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { Random } from '../../src-main/engine/data/random.ts';
import { toNumbers, type Graph, type Tensor, type Value } from '../../src-main/engine/graph/types.ts';
import type { Session } from '../../src-main/engine/runtime/runtime.ts';
import { verify } from '../../src-main/engine/graph/verify.ts';
import { opRules, opTypes } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { lower, type ChooseFormulation } from '../../src-main/engine/passes/lower.ts';
import {
  floats,
  numbersOf,
  relativeError,
  runGraph,
  runtime,
  withSession,
  type Feeds,
  type Results,
} from '../helpers/engine-run.ts';
import { findChannelBlock } from '../helpers/channel-block.ts';
import { randomGraph } from '../helpers/random-graph.ts';

const channelBlock = await findChannelBlock();
const seeds = Array.from({ length: 200 }, (_, i) => i + 1);
/** Distance of the values that a slope is measured from; their own error then lies below float32's rounding. */
const h = 1 / 64;
/** Float32 gives the loss to about 1e-7; divided by h that is about 1e-5 at worst. */
const relativeTolerance = 5e-5;
const seenOps = new Set<string>();

/** The graph with its gradients by every input as further outputs. */
function withGradients(seed: number): { graph: Graph; inputs: Value[]; feeds: Feeds } {
  const { builder, graph, inputs, loss, feeds } = randomGraph(seed);
  gradients(builder, loss, inputs).forEach((gradient, i) =>
    builder.output(gradient ?? builder.float(0, inputs[i]!.shape), gradientName(inputs[i]!)),
  );
  return { graph, inputs, feeds };
}
const gradientName = ({ name }: Value): string => `gradient of ${name}`;

/** The same graph with every value that a node makes as an output. */
function withAllOutputs(graph: Graph): Graph {
  const named = new Set(graph.outputs.map(({ name }) => name));
  const inner = graph.nodes.flatMap(({ outputs }) => outputs).filter(({ name }) => !named.has(name));
  return { ...graph, outputs: [...graph.outputs, ...inner] };
}

describe('random graphs', () => {
  test.each(seeds)("seed %i: shapes are onnxruntime's, passes change no value, gradients are slopes", async (seed) => {
    const { graph, inputs, feeds } = withGradients(seed);
    const reference = await checkShapes(graph, feeds, seed);
    const random = Random.derive(seed, 'formulations');
    const choose: ChooseFormulation = (_, applicable) => applicable[random.below(applicable.length)]!;
    const byChance = optimise(graph, { choose, channelBlock });
    expectSame(byChance, await runGraph(byChance, feeds), reference, `seed ${seed}, formulations by chance`);
    const optimised = optimise(graph, { channelBlock });
    await withSession(optimised, async (session) => {
      const results = await session.run(feeds);
      expectSame(optimised, results, reference, `seed ${seed}`);
      for (const input of inputs) {
        const gradient = numbersOf(results, gradientName(input));
        await checkSlope(session, feeds, input, gradient, seed);
      }
    });
  });

  test('hold every operator of the table', () => {
    const missing = opTypes.filter((opType) => !seenOps.has(opType));
    const ofBlocks = opTypes.filter((opType) => opType.startsWith('nchwc.') || opType === 'FusedConv');
    expect(missing.toSorted()).toEqual(channelBlock === null ? ofBlocks.toSorted() : []);
  });
});

/** Runs the graph as built, with every value as an output, and holds each one's inferred type to what came out. */
async function checkShapes(graph: Graph, feeds: Feeds, seed: number): Promise<Results> {
  verify(graph, opRules);
  const lowered = withAllOutputs(lower(graph));
  verify(lowered, opRules);
  note(graph, lowered);
  const results = await runGraph(lowered, feeds);
  for (const { name, shape, dataType } of lowered.outputs) {
    const found = { shape: [...results[name]!.shape], dataType: results[name]!.dataType };
    expect(found, `seed ${seed}: onnxruntime's type of ${name}`).toEqual({ shape: [...shape], dataType });
  }
  return results;
}

function note(...graphs: Graph[]): void {
  for (const { opType, domain } of graphs.flatMap(({ nodes }) => nodes))
    seenOps.add(domain === 'com.microsoft.nchwc' ? `nchwc.${opType}` : opType);
}

function expectSame(graph: Graph, results: Results, reference: Results, where: string): void {
  verify(graph, opRules);
  note(graph);
  for (const { name } of graph.outputs) {
    const error = relativeError(numbersOf(results, name), numbersOf(reference, name));
    expect(error, `${where}: ${name} after the passes, relative error`).toBeLessThan(2e-5);
  }
}

/** The five-point formula along a random direction; the loss is summed up in double precision. */
async function checkSlope(
  session: Session,
  feeds: Feeds,
  input: Value,
  gradient: number[],
  seed: number,
): Promise<void> {
  const here = feeds[input.name]!;
  const along = direction(seed, input.name, here);
  const at = async (distance: number): Promise<number> =>
    lossOf(await session.run({ ...feeds, [input.name]: moved(here, along, distance) }));
  const measured = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h);
  const slope = gradient.reduce((sum, value, i) => sum + value * along[i]!, 0);
  const tolerance = relativeTolerance * Math.max(0.5, Math.abs(measured));
  const text = `seed ${seed}, gradient by ${input.name}: ${slope} against ${measured}`;
  expect(Math.abs(slope - measured), text).toBeLessThan(tolerance);
}

/** A direction in the space of one input. */
function direction(seed: number, name: string, { data }: Tensor): number[] {
  const random = Random.derive(seed, 'direction', name);
  return toNumbers(data).map(() => 2 * random.uniform() - 1);
}

function moved({ shape, data }: Tensor, along: readonly number[], distance: number): Tensor {
  return floats(
    shape,
    toNumbers(data).map((value, i) => value + distance * along[i]!),
  );
}

/** The loss of randomGraph, summed up in double precision. */
function lossOf(results: Results): number {
  const values = Object.entries(results).filter(([name]) => name.startsWith('value'));
  return values.reduce((sum, [, { data }]) => sum + meanTanh(toNumbers(data)), 0);
}
const meanTanh = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + Math.tanh(value), 0) / values.length;

afterAll(() => expect(runtime.liveSessions).toBe(0));
