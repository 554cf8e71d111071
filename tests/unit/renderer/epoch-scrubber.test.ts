import { describe, expect, it, vi } from 'vitest';
import type { RunId } from '../../../src-main/contract/model/ids.ts';
import { EpochScrubber } from '../../../src-renderer/state/epoch-scrubber.svelte.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';
import { createFakeApi } from './fake-api.ts';

async function scrubber(epochs: () => number[]) {
  const backend = createFakeBackend();
  backend.handlers['run.history'] = async () => ({
    predictions: epochs(),
    kernels: epochs(),
    sizeBytes: 1,
    limitBytes: 2,
  });
  const made = new EpochScrubber(createFakeApi(backend), sample.project.projectId, 7 as RunId);
  await made.read();
  return made;
}

describe('going through the epochs', () => {
  it('begins at the latest, which follows the training', async () => {
    let kept = [1, 2, 3];
    const at = await scrubber(() => kept);
    expect([at.epoch, at.place]).toEqual([null, 2]);
    kept = [1, 2, 3, 4];
    await at.read();
    expect([at.epoch, at.place]).toEqual([null, 3]);
  });

  it('stays where a person has put it, or beside where that epoch made room', async () => {
    let kept = [1, 2, 3, 4, 5];
    const at = await scrubber(() => kept);
    at.goTo(1);
    expect(at.epoch).toBe(2);
    kept = [1, 3, 5, 6];
    await at.read();
    expect(at.epoch).toBe(1);
    at.goTo(99);
    expect(at.epoch).toBeNull();
    at.step(-1);
    expect(at.epoch).toBe(5);
    at.goToEpoch(4);
    expect(at.epoch).toBe(3);
  });

  it('plays from the first to the latest and rests there', async () => {
    vi.useFakeTimers();
    const at = await scrubber(() => [1, 2, 3]);
    at.play(100);
    expect([at.epoch, at.playing]).toEqual([1, true]);
    vi.advanceTimersByTime(100);
    expect(at.epoch).toBe(2);
    vi.advanceTimersByTime(100);
    expect([at.epoch, at.playing]).toEqual([null, false]);
    vi.useRealTimers();
  });
});
