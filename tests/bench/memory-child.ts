/**
 * Trains in a process of its own and prints, as JSON, the peak of its memory and what the engine had expected. Arguments:
 * `step NETWORK BATCH SIDE` for a few steps of a network of the zoo on made-up images, or `run IMAGES BATCH` for a whole
 * run of LeNet-5 on drawn ones.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { buildExampleStep, exampleFeeds, exampleNetwork } from '../../src-main/engine/train/example-step.ts';
import { estimateMemory, estimateProcess } from '../../src-main/engine/train/memory-estimate.ts';
import { train } from '../../src-main/engine/train/trainer.ts';
import { makeLargeRun } from './memory-run.ts';

const [what, ...rest] = process.argv.slice(2);
const estimatedBytes = what === 'run' ? await wholeRun(rest) : await someSteps(rest);
console.log(JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1024, estimatedBytes }));

async function someSteps([name = '', batchText, sideText]: string[]): Promise<number> {
  const side = Number(sideText);
  const step = buildExampleStep(exampleNetwork(name), { batchSize: Number(batchText), size: [side, side] });
  const graph = optimise(step.graph);
  const model = writeModel(graph, {}, { hidesSizes: true });
  const session = await new OnnxRuntime().createSession(model, { device: 'cpu', threads: 2, unoptimised: true });
  let feeds = exampleFeeds(step, 1);
  for (let i = 0; i < 6; i++) {
    const { parametersNext, buffersNext } = await session.run(feeds);
    feeds = { ...feeds, parameters: parametersNext!, ...(buffersNext && { buffers: buffersNext }) };
  }
  await session.release();
  return estimateProcess(graph);
}

async function wholeRun([imagesText, batchText]: string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-memory-'));
  try {
    const { config, data } = makeLargeRun(folder, Number(imagesText), Number(batchText));
    const nothing = (): void => undefined;
    const report = {
      started: nothing,
      progress: nothing,
      points: nothing,
      log: nothing,
      checkpoint: nothing,
      changed: nothing,
    };
    await train({ folder, config, data, resume: false, signal: new AbortController().signal, report, threads: 2 });
    return estimateMemory({
      config,
      inputShape: [3, 32, 32],
      categoryCount: data.categories.length,
      trainImages: data.train.rows.length,
      evaluationImages: data.evaluation.rows.length,
      limitBytes: null,
    }).peakBytes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
