/** The preview of training images: asked for when what it shows has changed, and not otherwise. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ProjectId } from '../../../src-main/contract/model/ids.ts';
import type { PreviewBatch } from '../../../src-main/contract/model/preview-batch.ts';
import type { RunConfig } from '../../../src-main/contract/model/run.ts';
import { BatchPreviewState } from '../../../src-renderer/state/batch-preview.svelte.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';
import { createFakeApi } from './fake-api.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const config = (epochs: number): RunConfig => ({ ...sample.config, phases: [{ ...sample.config.phases[0]!, epochs }] });
const batchOf = (epoch: number): PreviewBatch => ({
  widthPx: 1,
  heightPx: 1,
  classes: [`${epoch}`],
  items: [],
  failures: [],
});

function open(answer: (epoch: number) => Promise<PreviewBatch | null>) {
  const asked: number[] = [];
  const backend = createFakeBackend({
    'run.previewBatch': async ({ epoch }) => {
      asked.push(epoch);
      return answer(epoch);
    },
  });
  const state = new BatchPreviewState(createFakeApi(backend), 'p' as ProjectId, 4);
  return { state, asked };
}
const rest = () => vi.advanceTimersByTimeAsync(600);

it('waits until the plan rests, and asks again only for other images', async () => {
  const { state, asked } = open(async (epoch) => batchOf(epoch));
  state.follow(config(3));
  state.follow(config(5));
  expect([state.pending, asked]).toEqual([true, []]);
  await rest();
  expect([state.pending, asked, state.batch]).toEqual([false, [0], batchOf(0)]);
  state.follow({ ...config(5), batchSize: 99, phases: [{ ...config(5).phases[0]!, learningRate: 9 }] });
  await rest();
  expect(asked).toEqual([0]);
  state.follow({ ...config(5), seed: 77 });
  await rest();
  expect(asked).toEqual([0, 0]);
});

it('goes through the epochs, and begins again after the last', async () => {
  const { state, asked } = open(async (epoch) => batchOf(epoch));
  state.follow(config(3));
  await rest();
  for (let again = 0; again < 3; again++) {
    state.reroll();
    await rest();
  }
  expect(asked).toEqual([0, 1, 2, 0]);
  state.reroll();
  state.follow(config(1));
  await rest();
  expect([state.epoch, state.epochs]).toEqual([0, 1]);
});

it('shows the last images until others are there, and why there are none', async () => {
  const answers: (() => Promise<PreviewBatch | null>)[] = [
    async () => batchOf(0),
    // Another window asked for a preview meanwhile.
    async () => null,
    async () => Promise.reject(new Error('The images differ in size.')),
  ];
  const { state } = open(() => answers.shift()!());
  state.follow(config(9));
  await rest();
  state.reroll();
  await rest();
  expect([state.batch, state.error, state.pending]).toEqual([batchOf(0), null, false]);
  state.reroll();
  await rest();
  expect([state.batch, (state.error as Error).message]).toEqual([null, 'The images differ in size.']);
});
