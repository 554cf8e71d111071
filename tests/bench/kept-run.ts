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

export interface KeptRun {
  /** Where runs stay. */
  kept: string;
  /** A folder's name begins with it. */
  name: string;
  config: RunConfig;
  data: TrainingData;
  start: StartFile | null;
  /** All cores where absent. */
  threads?: number;
  /** What is kept of the run. */
  series: MetricName;
  said(epoch: number, value: number): void;
}

/** The series after each epoch; what was measured before is not measured again. */
export async function trainOrGoOn(options: KeptRun): Promise<number[]> {
  const { kept, name, config, data, start, threads = cpus().length, series, said } = options;
  const epochs = config.phases.reduce((sum, phase) => sum + phase.epochs, 0);
  const { train, evaluation, fit } = data;
  const run = join(
    kept,
    `${name}-seed${config.seed}-${keyOf({ config, train, evaluation, fit, start: start?.sha256 })}`,
  );
  return measuredOnce(join(run, 'curve.json'), epochs, said, async (keep) => {
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

/** Of everything that decides a run's numbers but the program itself. */
export const keyOf = (decisive: object): string =>
  createHash('sha256').update(JSON.stringify(decisive)).digest('hex').slice(0, 12);

/** A curve of so many epochs from a file, or what of it is missing from `measure`, kept epoch by epoch (1-based). */
export async function measuredOnce(
  file: string,
  epochs: number,
  said: (epoch: number, value: number) => void,
  measure: (keep: (epoch: number, value: number) => void) => Promise<void>,
): Promise<number[]> {
  const curve = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as number[]) : [];
  curve.forEach((value, index) => said(index + 1, value));
  if (curve.length === epochs) return curve;
  await mkdir(join(file, '..'), { recursive: true });
  let writing: Promise<void> = Promise.resolve();
  await measure((epoch, value) => {
    curve[epoch - 1] = value;
    said(epoch, value);
    const text = JSON.stringify(curve);
    writing = writing.then(() => writeFileAtomic(file, [Buffer.from(text)]));
  });
  await writing;
  return curve;
}
