/**
 * How long a step of a run takes, from a few of them with made-up images on the run's device: forward, backward and an
 * update. What a task's own loss and a slow disk add is not in it.
 */
import type { RunConfig } from '../../contract/model/run.ts';
import type { Shape } from '../graph/types.ts';
import { optimise } from '../passes/index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { passesFor } from '../tuner/machine.ts';
import { planModel } from '../zoo/registry.ts';
import { buildExampleStep, exampleFeeds } from './example-step.ts';
import { openGraph } from './open-graph.ts';
import { taskFor } from './tasks/index.ts';

export interface TimeQuestion {
  config: RunConfig;
  /** [C, H, W] */
  inputShape: Shape;
  categoryCount: number;
}

const fewestSteps = 2;
const mostSteps = 8;
/** Measured no longer than this, once there are enough. */
const enoughMs = 3000;

/** Milliseconds of a step; the median, the first one left out. */
export async function timeSteps(runtime: Runtime, question: TimeQuestion): Promise<number> {
  const { config, inputShape, categoryCount } = question;
  const { device, batchSize, model } = config;
  const { outputCount } = taskFor({ config, categoryCount, imageShape: inputShape });
  const [, height, width] = inputShape as [number, number, number];
  const plan = planModel(model.id, model.options, inputShape, outputCount);
  const network = { name: model.id, label: model.id, batchSize, size: [height, width] as const, plan: () => plan };
  const step = buildExampleStep(network);
  const graph = optimise(step.graph, {
    ...(await passesFor(runtime, { device, threads: 0 })),
    precision: config.precision,
  });
  const feeds = exampleFeeds(step, 1);
  const session = await openGraph(runtime, graph, { device, threads: 0 });
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
