/**
 * Trainings of a bench that take long: what was measured is kept, and one that was cut goes on. A run's folder is named
 * after what decides its numbers, so that another recipe does not find the old one's.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { MetricName, RunConfig } from '../../src-main/contract/model/run.ts';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import type { StartFile } from '../../src-main/engine/train/start-weights.ts';
import { writeFileAtomic } from '../../src-main/engine/weights/atomic-file.ts';
import { runTraining } from '../helpers/training-run.ts';
import type { BenchContext } from './bench.ts';

/** What every training of a bench shares. */
export type KeptRuns = Pick<BenchContext, 'kept' | 'only'>;

export interface KeptRun extends KeptRuns {
  /** With its seed it is the training's name, with which a folder's begins: "drone-imagenet". */
  name: string;
  config: RunConfig;
  data: TrainingData;
  start: StartFile | null;
  /** What decides the numbers beside the configuration: images, labels, weights. */
  decisive: object;
  /** All cores where absent. */
  threads?: number;
  /** What is kept of the run. */
  series: MetricName;
  said(epoch: number, value: number): void;
}

/** The series after each epoch; what was measured before is not measured again. */
export async function trainOrGoOn(options: KeptRun): Promise<number[]> {
  const { name, config, data, start, decisive, threads = cpus().length, series } = options;
  const epochs = config.phases.reduce((sum, phase) => sum + phase.epochs, 0);
  const training = { ...options, name: `${name}-seed${config.seed}`, decisive: { config, ...decisive }, epochs };
  return measuredOnce(training, async (run, keep) => {
    await runTraining(run, config, data, {
      // Begins at the start where there is nothing to go on from.
      resume: true,
      ...(start && { start }),
      threads,
      onPoints: (points) => {
        for (const point of points) if (point.series === series) keep(point.epoch, point.value);
      },
    });
    // The curve is what counts; the weights of many runs would be large.
    await Promise.all((['last', 'best'] as const).map((file) => rm(runFiles.checkpoint(run, file), { force: true })));
  });
}

export interface Measuring extends KeptRuns {
  name: string;
  decisive: object;
  epochs: number;
  said(epoch: number, value: number): void;
}

/**
 * A curve of so many epochs from a folder, or what of it is missing from `measure`, kept epoch by epoch (1-based). One
 * that is not to be measured now is as long as what was kept of it.
 */
export async function measuredOnce(
  { kept, only, name, decisive, epochs, said }: Measuring,
  measure: (folder: string, keep: (epoch: number, value: number) => void) => Promise<void>,
): Promise<number[]> {
  const folder = join(kept, `${name}-${keyOf(decisive)}`);
  const file = join(folder, 'curve.json');
  const curve = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as number[]) : [];
  curve.forEach((value, index) => said(index + 1, value));
  if (curve.length === epochs || (only !== null && !only.some((part) => name.includes(part)))) return curve;
  await mkdir(folder, { recursive: true });
  let writing: Promise<void> = Promise.resolve();
  await measure(folder, (epoch, value) => {
    curve[epoch - 1] = value;
    said(epoch, value);
    const text = JSON.stringify(curve);
    writing = writing.then(() => writeFileAtomic(file, [Buffer.from(text)]));
  });
  await writing;
  return curve;
}

const keyOf = (decisive: object): string =>
  createHash('sha256').update(JSON.stringify(decisive)).digest('hex').slice(0, 12);
