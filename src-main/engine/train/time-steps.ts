/**
 * How long a step of a run takes, from a few of them with made-up images on the run's device: forward, backward and an
 * update; and how it takes less. What a task's own loss and a slow disk add is not in it.
 */
import type { StepTuning } from '../../contract/model/step-tuning.ts';
import type { Device, RunConfig } from '../../contract/model/run.ts';
import type { Graph, Shape } from '../graph/types.ts';
import { optimise } from '../passes/index.ts';
import type { Runtime, Session, SessionOptions } from '../runtime/runtime.ts';
import { keepFaster } from '../tuner/keep-faster.ts';
import { passesBy, passesFor, placeOf } from '../tuner/machine.ts';
import { tune } from '../tuner/tune.ts';
import { readTuning, writeTuning } from '../tuner/tuning.ts';
import { planModel } from '../zoo/registry.ts';
import { buildExampleStep, exampleFeeds, type ExampleStep } from './example-step.ts';
import { openGraph } from './open-graph.ts';
import { taskFor } from './tasks/index.ts';

export interface TimeQuestion {
  config: RunConfig;
  /** [C, H, W] */
  inputShape: Shape;
  categoryCount: number;
  /** The tuner's file. */
  tuning: string;
}

const fewestSteps = 2;
const mostSteps = 8;
/** Measured no longer than this, once there are enough. */
const enoughMs = 3000;

/** Milliseconds of a step; the median, the first one left out. */
export async function timeSteps(runtime: Runtime, question: TimeQuestion): Promise<number> {
  const { device, precision } = question.config;
  const step = stepOf(question);
  const graph = optimise(step.graph, {
    ...(await passesFor(runtime, { device, threads: 0 }, question.tuning)),
    precision,
  });
  const feeds = exampleFeeds(step, 1);
  const session = await openStep(runtime, graph, { device, threads: 0 });
  try {
    await session.run(feeds);
    const times: number[] = [];
    const started = performance.now();
    while (times.length < fewestSteps || (times.length < mostSteps && performance.now() - started < enoughMs)) {
      const before = performance.now();
      await session.run(feeds);
      times.push(performance.now() - before);
    }
    return times.toSorted((a, b) => a - b)[times.length >> 1]!;
  } finally {
    await session.release();
  }
}

/** `tuneStep` for a run. Throws what the runtime throws, and what writing a file throws. */
export function tuneRun(runtime: Runtime, question: TimeQuestion, report: Report): Promise<StepTuning> {
  const { config, tuning: file } = question;
  const { device, precision } = config;
  return tuneStep(runtime, stepOf(question), { device, threads: 0, precision, file, report });
}

type Report = (step: string, done: number, total: number) => void;
export interface StepTuningOptions {
  device: Device;
  threads: number;
  precision: RunConfig['precision'];
  file: string;
  report: Report;
}

/**
 * Times what a step's operators can be computed by on this machine, and keeps in the file what makes the whole step faster.
 * Takes a minute or so, and memory for two steps; where it is ended before, nothing is changed.
 */
export async function tuneStep(
  runtime: Runtime,
  step: ExampleStep,
  { device, threads, precision, file, report }: StepTuningOptions,
): Promise<StepTuning> {
  const options = { device, threads };
  const place = await placeOf(runtime, options);
  const timed = await tune(step.graph, {
    runtime,
    place,
    known: readTuning(file, place),
    progress: (done, total) => report('Timing layers', done, total),
  });
  const feeds = exampleFeeds(step, 1);
  const { choices, gain } = await keepFaster(timed, {
    open: async (choices) => {
      const graph = optimise(step.graph, { ...passesBy(place, choices), precision });
      const session = await openStep(runtime, graph, options);
      return { run: () => session.run(feeds), release: () => session.release() };
    },
    progress: (done, total) => report('Timing whole steps', done, total),
  });
  writeTuning(file, place, choices);
  return { gain, measured: timed.byRule.size };
}

/** As graphs that train are opened. */
const openStep = (
  runtime: Runtime,
  graph: Graph,
  options: Pick<SessionOptions, 'device' | 'threads'>,
): Promise<Session> => openGraph(runtime, graph, { ...options, unoptimised: options.device === 'cpu' });

/** As a run's step is built, with a loss of its own. */
function stepOf({ config, inputShape, categoryCount }: TimeQuestion): ExampleStep {
  const { batchSize, model } = config;
  const { outputCount } = taskFor({ config, categoryCount, imageShape: inputShape });
  const [, height, width] = inputShape as [number, number, number];
  const plan = planModel(model.id, model.options, inputShape, outputCount);
  return buildExampleStep({ name: model.id, label: model.id, batchSize, size: [height, width], plan: () => plan });
}
