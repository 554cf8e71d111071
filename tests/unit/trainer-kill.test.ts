/**
 * The real training process with every optimiser and everything else on, killed at random moments and started again, ends
 * with the bytes of one left alone.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../src-main/engine/data/random.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import type { TrainerCommand, TrainerEvent, TrainJob } from '../../src-main/training-process/messages.ts';
import { adam, momentum, phase } from '../helpers/run-config.ts';
import { everythingOn, makeSmallData, remains, type SmallData } from '../helpers/training-run.ts';

const entry = new URL('../../src-main/training-process/main.ts', import.meta.url);
const rmsprop = {
  kind: 'rmsprop',
  alpha: 0.9,
  epsilon: 1e-6,
  momentum: 0.5,
  centered: true,
  weightDecay: 0.01,
} as const;
const config = everythingOn([
  phase({ epochs: 2, warmup: { epochs: 1, startFactor: 0.1 } }),
  phase({ epochs: 2, optimiser: momentum, learningRate: 0.01, freeze: ['conv1'] }),
  phase({ epochs: 2, optimiser: { ...adam, kind: 'adamw', weightDecay: 0.05 }, clipNorm: 1 }),
  phase({ epochs: 2, optimiser: rmsprop, schedule: { kind: 'cosine', finalFactor: 0 } }),
]);

let small: SmallData;
beforeAll(async () => {
  small = await makeSmallData({ train: 300, test: 40, channels: 1, side: 16 });
});
afterAll(() => small.dispose());

async function newFolder(name: string): Promise<string> {
  const folder = join(small.folder, name);
  await mkdir(folder);
  await writeFile(runFiles.config(folder), JSON.stringify(config));
  await writeTrainingData(runFiles.data(folder), small.data);
  return folder;
}

interface Attempt {
  process: ChildProcess;
  /** All that it said so far. */
  events: TrainerEvent[];
  ended: Promise<{ signal: NodeJS.Signals | null }>;
}

function startTraining(folder: string, resume: boolean): Attempt {
  const child = fork(entry, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const events: TrainerEvent[] = [];
  child.on('message', (message) => {
    const event = message as TrainerEvent;
    events.push(event);
    const job: TrainJob = { folder, config, resume };
    if (event.kind === 'ready') child.send({ kind: 'train', job } satisfies TrainerCommand);
  });
  const ended = once(child, 'exit').then(([, signal]) => ({ signal: signal as NodeJS.Signals | null }));
  return { process: child, events, ended };
}

const hasSteps = ({ events }: Attempt): boolean => events.some(({ kind }) => kind === 'points');
const isFinished = ({ events }: Attempt): boolean => events.some(({ kind }) => kind === 'finished');

async function firstSteps(attempt: Attempt): Promise<void> {
  while (!hasSteps(attempt) && attempt.process.exitCode === null) await sleep(2);
}

/** Kills it `delayMs` after its first step. False where it was finished before. */
async function killAfter(attempt: Attempt, delayMs: number): Promise<boolean> {
  await firstSteps(attempt);
  await sleep(delayMs);
  attempt.process.kill('SIGKILL');
  const { signal } = await attempt.ended;
  return signal === 'SIGKILL' && !isFinished(attempt);
}

test('kill -9 at random moments, then resume: the same bytes', { timeout: 120_000 }, async () => {
  const [whole, killed] = [await newFolder('whole'), await newFolder('killed')];
  const straight = startTraining(whole, false);
  await firstSteps(straight);
  const firstStep = performance.now();
  await straight.ended;
  const trainingMs = performance.now() - firstStep;
  expect(straight.events.at(-1)).toEqual({ kind: 'finished', epochsDone: 8 });

  const seed = 17;
  const random = Random.derive(seed, 'kills');
  let kills = 0;
  for (let i = 0; i < 5; i++) {
    // At any point of step, evaluation and saving, and so early that the attempts together do not finish.
    if (await killAfter(startTraining(killed, i > 0), (random.uniform() * trainingMs) / 6)) kills++;
  }
  const last = startTraining(killed, true);
  await last.ended;

  expect(last.events.at(-1), `kill seed ${seed}`).toEqual({ kind: 'finished', epochsDone: 8 });
  expect(kills, `kills in the middle, seed ${seed}`).toBeGreaterThan(2);
  expect(await remains(killed), `kill seed ${seed}`).toEqual(await remains(whole));
});
