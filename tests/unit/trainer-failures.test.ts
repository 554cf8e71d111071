/** A run whose device fails in the middle, and one whose numbers run away: what the person is told, and what is kept. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { Session, SessionOptions } from '../../src-main/engine/runtime/runtime.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import { makeSmallData, remains, runTraining, WatchedRuntime, type SmallData } from '../helpers/training-run.ts';
import { rejectionOf } from '../helpers/errors.ts';

let small: SmallData;
let folder: string;
beforeAll(async () => (small = await makeSmallData({ train: 96, test: 20, channels: 3, side: 32 })));
afterAll(() => small.dispose());
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fovea-failing-'))));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Fails in the training dispatch with this number, counted from 1. */
class FailingRuntime extends WatchedRuntime {
  private readonly failsAt: number;
  private readonly failure_: Error;
  constructor(failsAt: number, failure: Error) {
    super();
    this.failsAt = failsAt;
    this.failure_ = failure;
  }
  override async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await super.createSession(model, options);
    return {
      ...session,
      run: async (feeds, into) => {
        if (feeds['steps'] && this.dispatches.length + 1 === this.failsAt) throw this.failure_;
        return session.run(feeds, into);
      },
    };
  }
}

describe('a device that fails in the middle', () => {
  const config = smallConfig({ phases: [phase({ epochs: 2 })] });
  const failures = [
    new FoveaError('device-failed', 'The device "webgpu" failed at "conv1/Conv_3": Device lost. The run can go on …'),
    new FoveaError('out-of-memory', 'The memory of this machine ran out. Lower the batch size …'),
  ];

  test.each(failures.map((failure) => [failure.code, failure] as const))(
    'ends the run with its words (%s) and leaves a checkpoint from which it goes on to the same bytes',
    async (_code, failure) => {
      const whole = mkdtempSync(join(tmpdir(), 'fovea-whole-'));
      try {
        await runTraining(whole, config, small.data);
        const runtime = new FailingRuntime(2, failure);
        expect(await rejectionOf(runTraining(folder, config, small.data, { runtime }))).toBe(failure);
        expect(runtime.dispatches).toHaveLength(1);
        expect(runtime.liveSessions).toBe(0);
        const rest = await runTraining(folder, config, small.data, { resume: true });
        expect(rest.started[0]!.epochsDone).toBeGreaterThan(0);
        expect(rest.outcome).toEqual({ kind: 'finished', epochsDone: 2 });
        expect(await remains(folder)).toEqual(await remains(whole));
      } finally {
        rmSync(whole, { recursive: true });
      }
    },
  );

  test('leaves no checkpoint where the failure is our own', async () => {
    const failure = new FoveaError('internal', 'internal: a broken invariant');
    const runtime = new FailingRuntime(2, failure);
    expect(await rejectionOf(runTraining(folder, config, small.data, { runtime }))).toBe(failure);
    const again = await runTraining(folder, config, small.data, { resume: true });
    expect(again.started[0]!.epochsDone).toBe(0);
  });
});

describe('numbers that run away', () => {
  const runaway = (learningRate: number) =>
    smallConfig({
      phases: [
        phase({ learningRate, optimiser: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 }, epochs: 3 }),
      ],
    });

  test('are told with the step and the layer in which they went wrong', async () => {
    const { code, message, context } = await rejectionOf(runTraining(folder, runaway(1e20), small.data));
    expect(code).toBe('bad-input');
    expect(message).toMatch(
      /^The loss became NaN at step \d+, first in layer "(conv|fc)\d" \(\w+: \d+ of \d+ values\)\. Lower the learning rate, or check the images\.$/,
    );
    expect(context['place']).toMatch(/^layer "/);
  });

  test('are shown node by node where the person asks for it', async () => {
    const lines: string[] = [];
    vi.stubEnv('DEBUG_ENGINE', '3');
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    try {
      await runTraining(folder, smallConfig({ phases: [phase({ epochs: 1 })] }), small.data);
    } finally {
      vi.restoreAllMocks();
    }
    const nodes = lines.filter((line) => / min .* max .* mean /.test(line));
    expect(nodes.filter((line) => line.startsWith('[engine] conv1/')).length).toBeGreaterThan(2);
    expect(nodes.filter((line) => line.startsWith('[engine] gradient/')).length).toBeGreaterThan(10);
    expect(nodes.join('')).not.toContain('not finite');
  });
});
