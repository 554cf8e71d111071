/**
 * What watching a run costs it: the share of a training session's time that goes into records, messages, past epochs,
 * the machine's load and the looking for changes, with everything on. Measured around those calls in one run, because a
 * difference of one percent between two runs is less than what separates two equal ones.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EpochHistory } from '../../src-main/engine/train/epoch-history.ts';
import { Interventions } from '../../src-main/engine/train/interventions.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { train } from '../../src-main/engine/train/trainer.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { MachineLoad } from '../../src-main/training-process/machine-load.ts';
import { RunRecorder } from '../../src-main/training-process/run-recorder.ts';
import { TrainingSession } from '../../src-main/training-process/session.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import { makeSmallData } from '../helpers/training-run.ts';

/** Percent of the time from the first step to the last. */
export async function monitoringPercent(epochs: number): Promise<number> {
  const data = await makeSmallData({ train: 20_000, test: 2000, channels: 3, side: 32 });
  const folder = join(data.folder, 'run');
  const restore: (() => void)[] = [];
  let spentMs = 0;
  const watch = <T extends object>(prototype: T, name: keyof T & string): void => {
    const original = prototype[name] as (...args: unknown[]) => unknown;
    const timed = function (this: T, ...args: unknown[]): unknown {
      const start = performance.now();
      const add = (): void => void (spentMs += performance.now() - start);
      const result = original.apply(this, args);
      if (result instanceof Promise) return result.finally(add);
      add();
      return result;
    };
    prototype[name] = timed as T[typeof name];
    restore.push(() => (prototype[name] = original as T[typeof name]));
  };
  try {
    await mkdir(folder);
    const config = smallConfig({ batchSize: 64, phases: [phase({ epochs })] });
    await writeFile(runFiles.config(folder), JSON.stringify(config));
    await writeTrainingData(runFiles.data(folder), data.data);
    watch(RunRecorder.prototype, 'record');
    watch(EpochHistory.prototype, 'keep');
    watch(Interventions.prototype, 'take');
    watch(MachineLoad.prototype, 'points');
    const begun = { ms: 0 };
    let failure: string | null = null;
    const session = new TrainingSession(
      (event) => {
        const start = performance.now();
        // As it travels to the parent.
        structuredClone(event);
        spentMs += performance.now() - start;
        if (event.kind === 'started') {
          begun.ms = performance.now();
          spentMs = 0;
        }
        if (event.kind === 'failed') failure = event.error.message;
      },
      async () => train,
    );
    session.handle({ kind: 'train', job: { folder, config, resume: false } });
    await session.ended;
    if (failure !== null) throw new Error(failure);
    return (100 * spentMs) / (performance.now() - begun.ms);
  } finally {
    for (const each of restore) each();
    await data.dispose();
  }
}
