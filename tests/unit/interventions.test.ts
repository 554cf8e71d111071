/**
 * What a person changes while a run trains is recorded with its step: a run that is stopped, or that dies, and goes on
 * from an earlier checkpoint ends with the same bytes as one that went straight through with the same changes.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Intervention } from '../../src-main/contract/model/intervention.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { Interventions, readInterventions, requestIntervention } from '../../src-main/engine/train/interventions.ts';
import { readPredictions } from '../../src-main/engine/train/predictions-file.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { phase } from '../helpers/run-config.ts';
import {
  everythingOn,
  makeSmallData,
  newFolder,
  remains,
  runTraining,
  valuesOf,
  type SmallData,
} from '../helpers/training-run.ts';

let small: SmallData;
beforeAll(async () => {
  small = await makeSmallData({ train: 70, test: 20, channels: 1, side: 16 });
});
afterAll(() => small.dispose());

const config = (epochs = 3): RunConfig =>
  everythingOn([
    phase({
      epochs,
      learningRate: 0.002,
      optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.02 },
      schedule: { kind: 'cosine', finalFactor: 0.1 },
    }),
  ]);

/** As the training process would have recorded them, for a run that goes straight through. */
async function record(folder: string, changes: readonly { step: number; change: Intervention }[]): Promise<void> {
  const recorded = changes.map(({ step, change }, index) => ({
    id: String(index),
    time: '2026-01-01T00:00:00.000Z',
    step,
    epoch: step / 9,
    change,
  }));
  await writeFile(runFiles.interventions(folder), JSON.stringify(recorded));
}

describe('a change while a run trains', () => {
  test('requests are taken in their order, however close they came', async () => {
    const folder = await newFolder(small, 'close');
    const asked = Array.from({ length: 30 }, (_, index) => index + 1);
    for (const added of asked) await requestIntervention(folder, { kind: 'epochs', added });
    const interventions = await Interventions.open(folder);
    const { taken } = await interventions.take({ step: 0, epoch: 0 }, () => null, true);
    expect(taken.map(({ change }) => change)).toEqual(asked.map((added) => ({ kind: 'epochs', added })));
  });

  test('a rate that is lowered holds from its step on, and a run that goes on does the same again', async () => {
    const live = await newFolder(small, 'live');
    await requestIntervention(live, { kind: 'learning-rate', factor: 0.1 });
    await requestIntervention(live, { kind: 'epochs', added: 2 });
    const first = await runTraining(live, config(), small.data, {
      onSteps: (steps, cancel) => steps >= 12 && cancel(),
    });
    expect(first.outcome.kind).toBe('cancelled');
    expect(first.interventions.map(({ change }) => change.kind)).toEqual(['learning-rate', 'epochs']);
    expect(await readdir(runFiles.requests(live))).toEqual([]);
    const rest = await runTraining(live, config(), small.data, { resume: true });
    expect(rest.outcome).toEqual({ kind: 'finished', epochsDone: 5 });

    const straight = await newFolder(small, 'straight');
    const changes = (await readInterventions(live)).map(({ step, change }) => ({ step, change }));
    expect(changes[0]!.step).toBe(first.interventions[0]!.step);
    await record(straight, changes);
    const whole = await runTraining(straight, config(), small.data);
    expect(await remains(live)).toEqual(await remains(straight));
    // The rate's last value is kept beyond the planned end: a cosine would rise again.
    const rates = valuesOf(whole, 'epoch/learningRate');
    expect(rates[3]).toBe(rates[2]);
    expect(rates[4]).toBe(rates[2]);
    const usual = valuesOf(
      await runTraining(await newFolder(small, 'usual'), config(), small.data),
      'epoch/learningRate',
    );
    expect(rates.slice(0, 3)).toEqual(usual.map((rate) => rate * 0.1));
  });

  test('a change after the checkpoint that a dead run goes on from comes at the same step again', async () => {
    const [dead, straight] = [await newFolder(small, 'dead'), await newFolder(small, 'straight again')];
    // Its checkpoint is of step 9; it was changed at step 14 and died.
    await runTraining(dead, config(), small.data, { onSteps: (steps, cancel) => steps >= 9 && cancel() });
    await record(dead, [{ step: 14, change: { kind: 'learning-rate', factor: 0.5 } }]);
    await runTraining(dead, config(), small.data, { resume: true });
    await record(straight, [{ step: 14, change: { kind: 'learning-rate', factor: 0.5 } }]);
    await runTraining(straight, config(), small.data);
    expect(await remains(dead)).toEqual(await remains(straight));
    const other = await newFolder(small, 'other step');
    await record(other, [{ step: 15, change: { kind: 'learning-rate', factor: 0.5 } }]);
    await runTraining(other, config(), small.data);
    expect((await remains(other))['last']).not.toEqual((await remains(straight))['last']);
  });

  test('stopped with the best kept, it is finished and its predictions are those of the best epoch', async () => {
    const folder = await newFolder(small, 'finish');
    let asked = false;
    const ended = await runTraining(folder, config(30), small.data, {
      onProgress: ({ epoch, activity }) => {
        if (epoch < 5 || activity !== 'training' || asked) return;
        asked = true;
        void requestIntervention(folder, { kind: 'finish' });
      },
    });
    expect(ended.outcome.kind).toBe('finished');
    expect(ended.outcome.epochsDone).toBeLessThan(30);
    const best = ended.checkpoints.filter((checkpoint) => checkpoint.best).at(-1)!;
    expect((await readPredictions(runFiles.predictions(folder))).epoch).toBe(best.epoch);

    // The predictions are the best checkpoint's own: a run that ends with that epoch has made the same.
    const short = await newFolder(small, 'short');
    await runTraining(short, config(30), small.data, {
      onProgress: ({ epoch }, cancel) => epoch > best.epoch && cancel(),
    });
    expect((await remains(folder))['predictions']).toEqual((await remains(short))['predictions']);
  });

  test('what makes no sense is refused with its reason, and the run goes on', async () => {
    const folder = await newFolder(small, 'refused');
    await requestIntervention(folder, { kind: 'finish' });
    await requestIntervention(folder, { kind: 'epochs', added: -3 });
    await mkdir(runFiles.requests(folder), { recursive: true });
    await writeFile(join(runFiles.requests(folder), 'broken.json'), '{"id":');
    const { outcome, logs, interventions } = await runTraining(folder, config(), small.data);
    expect(outcome).toEqual({ kind: 'finished', epochsDone: 3 });
    expect(interventions).toEqual([]);
    const warnings = logs.filter(({ level }) => level === 'warning').map(({ text }) => text);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/No epoch has been measured yet/);
    expect(existsSync(runFiles.interventions(folder))).toBe(false);
  });

  test('a request is taken once, also where the process dies before it has taken the file away', async () => {
    const folder = await newFolder(small, 'twice');
    await requestIntervention(folder, { kind: 'epochs', added: 1 });
    const kept = join(small.folder, 'kept requests');
    await cp(runFiles.requests(folder), kept, { recursive: true });
    await runTraining(folder, config(), small.data, { onSteps: (steps, cancel) => steps >= 5 && cancel() });
    await cp(kept, runFiles.requests(folder), { recursive: true });
    const rest = await runTraining(folder, config(), small.data, { resume: true });
    expect(rest.outcome).toEqual({ kind: 'finished', epochsDone: 4 });
    expect(rest.interventions).toEqual([]);
  });
});
