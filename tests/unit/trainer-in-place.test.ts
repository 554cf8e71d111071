/**
 * A network with more than two million weights, whose state is updated in place: stopped and resumed it ends with the same
 * bytes, and what fails half-way is not kept.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import type { Session, SessionOptions } from '../../src-main/engine/runtime/runtime.ts';
import { rejectionOf } from '../helpers/errors.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import {
  makeSmallData,
  remains,
  runTraining,
  valuesOf,
  WatchedRuntime,
  type SmallData,
} from '../helpers/training-run.ts';

let small: SmallData;
let folder: string;
beforeAll(async () => (small = await makeSmallData({ train: 20, test: 4, channels: 3, side: 32 })));
afterAll(() => small.dispose());
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fovea-in-place-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Three steps an epoch, the last with fewer images; two phases, in the second of which something is frozen. */
const config = (changes: Partial<RunConfig> = {}): RunConfig =>
  smallConfig({
    model: { id: 'mobilenet_v2', options: { dropout: 0.2, smallImages: false } },
    batchSize: 8,
    accumulation: 2,
    ema: { decay: 0.9, warmupSteps: 2 },
    augmentation: { ...noAugmentation, flipHorizontal: 0.5, shift: 2 },
    phases: [phase({ epochs: 1, clipNorm: 1 }), phase({ epochs: 1, clipNorm: 1, freeze: ['features.0'] })],
    ...changes,
  });

class NotedRuntime extends WatchedRuntime {
  /** Gradients that were asked for. */
  turns = 0;
  failsAt = Infinity;
  readonly error = new FoveaError('out-of-memory', 'The memory of this machine ran out. Lower the batch size …');
  override async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await super.createSession(model, options);
    return {
      ...session,
      run: (feeds, into) => {
        if (feeds['turn'] && ++this.turns === this.failsAt) return Promise.reject(this.error);
        return session.run(feeds, into);
      },
    };
  }
}

describe('a state that is updated in place', () => {
  test('ends with the same bytes where the run was stopped, between updates and within one', async () => {
    const whole = mkdtempSync(join(tmpdir(), 'fovea-whole-'));
    try {
      const runtime = new NotedRuntime();
      const straight = await runTraining(whole, config(), small.data, { runtime });
      expect(runtime.turns).toBe(6);
      expect(valuesOf(straight, 'step/loss')).toHaveLength(6);
      let resume = false;
      for (const stopAt of [1, 1, 2, Infinity]) {
        await runTraining(folder, config(), small.data, {
          resume,
          onSteps: (steps, cancel) => {
            if (steps >= stopAt) cancel();
          },
        });
        resume = true;
      }
      expect(await remains(folder)).toEqual(await remains(whole));
      expect(runtime.liveSessions).toBe(0);
    } finally {
      rmSync(whole, { recursive: true });
    }
  }, 120_000);

  test('is not kept where a step failed in the middle of it', async () => {
    const runtime = new NotedRuntime();
    runtime.failsAt = 2;
    expect(await rejectionOf(runTraining(folder, config(), small.data, { runtime }))).toBe(runtime.error);
    expect(runtime.liveSessions).toBe(0);
    const again = await runTraining(folder, config(), small.data, { resume: true });
    expect(again.started[0]!.epochsDone).toBe(0);
  }, 120_000);

  test('tells the layer in which its numbers went wrong', async () => {
    const optimiser = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
    const runaway = config({
      accumulation: 1,
      ema: null,
      phases: [phase({ epochs: 3, learningRate: 1e20, optimiser })],
    });
    const { code, message } = await rejectionOf(runTraining(folder, runaway, small.data));
    expect(code).toBe('bad-input');
    expect(message).toMatch(/^The loss became NaN at step \d+, first in layer "[\w.]+" \(\w+: \d+ of \d+ values\)\./);
  }, 120_000);
});
