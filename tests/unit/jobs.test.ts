import { expect, test, vi } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { DatasetId, JobId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import { JobRegistry, type JobProgress } from '../../src-main/services/jobs.ts';

const PROJECT = 'p' as ProjectId;
const START = { projectId: PROJECT, kind: 'import', title: 'Importing X', unit: 'images' } as const;

function registry(): { jobs: JobRegistry; emitted: Job[]; settled: () => Promise<void> } {
  const emitted: Job[] = [];
  const jobs = new JobRegistry((_event, payload) => void emitted.push(payload as Job));
  const settled = (): Promise<void> =>
    vi.waitFor(() => expect(jobs.list(PROJECT).every(({ state }) => state !== 'running')).toBe(true), 30_000);
  return { jobs, emitted, settled };
}

/** Work that goes on until it is cancelled. */
const endless = (_report: unknown, signal: AbortSignal): Promise<null> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('a job that ends well has its data set and no pace any more', async () => {
  const { jobs, emitted, settled } = registry();
  const started = jobs.start(START, async (report) => {
    // A worker's message, of whose fields only the progress is the job's.
    const message = { kind: 'progress', step: 'Reading', done: 5, total: 10 };
    report(message);
    return 7 as DatasetId;
  });
  expect(started).toMatchObject({ state: 'running', step: 'Starting', done: 0, total: null });
  await settled();
  expect(jobs.list(PROJECT)).toEqual([{ ...started, state: 'done', step: 'Done', done: 5, total: 10, datasetId: 7 }]);
  expect(emitted.map(({ state }) => state)).toEqual(['running', 'done']);
  expect(jobs.list('other' as ProjectId)).toEqual([]);
});

test('a failure keeps its code and words; an unknown one is internal', async () => {
  const { jobs, settled } = registry();
  jobs.start(START, () => Promise.reject(new FoveaError('io', 'the disk is full')));
  jobs.start(START, () => Promise.reject(new TypeError('x is undefined')));
  await settled();
  expect(jobs.list(PROJECT).map(({ state, error }) => [state, error])).toEqual([
    ['failed', { code: 'internal', message: 'internal: x is undefined' }],
    ['failed', { code: 'io', message: 'the disk is full' }],
  ]);
});

test('cancelling waits for the clean-up and is no error', async () => {
  const { jobs } = registry();
  let cleaned = false;
  const { jobId } = jobs.start(START, async (report, signal) => {
    try {
      return await endless(report, signal);
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 20));
      cleaned = true;
    }
  });
  await jobs.cancel(jobId);
  expect(cleaned).toBe(true);
  expect(jobs.list(PROJECT)[0]).toMatchObject({ state: 'cancelled', step: 'Cancelled', error: null });
  await jobs.cancel(jobId);
  await expect(jobs.cancel('unknown' as JobId)).rejects.toMatchObject({ code: 'not-found' });
});

test('a failure of the clean-up after a cancel is told', async () => {
  const { jobs } = registry();
  const { jobId } = jobs.start(START, (report, signal) =>
    endless(report, signal).catch(() => Promise.reject(new FoveaError('io', 'could not delete'))),
  );
  await jobs.cancel(jobId);
  expect(jobs.list(PROJECT)[0]).toMatchObject({ state: 'failed', error: { message: 'could not delete' } });
});

test('work that ends in spite of a cancel has ended well', async () => {
  const { jobs } = registry();
  const { jobId } = jobs.start(START, async (_report, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return 3 as DatasetId;
  });
  await jobs.cancel(jobId);
  expect(jobs.list(PROJECT)[0]).toMatchObject({ state: 'done', datasetId: 3 });
});

test('pace and time left follow the last seconds; listeners hear at most ten times a second, and the last word', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  try {
    const { jobs, emitted } = registry();
    let report: (progress: JobProgress) => void = () => undefined;
    jobs.start(START, (told, signal) => {
      report = told;
      return endless(told, signal);
    });
    const current = (): Job => jobs.list(PROJECT)[0]!;
    report({ done: 0, total: 1000 });
    expect(current().ratePerSecond).toBeNull();
    for (let ms = 10; ms <= 10_000; ms += 10) {
      vi.advanceTimersByTime(10);
      report({ done: ms < 5000 ? ms / 100 : 50 + (ms - 5000) / 10 });
    }
    expect(current()).toMatchObject({ done: 550, total: 1000 });
    expect(current().ratePerSecond).toBeCloseTo(100, 0);
    expect(current().secondsLeft).toBeCloseTo(4.5, 1);
    expect(emitted.length).toBeGreaterThan(80);
    expect(emitted.length).toBeLessThanOrEqual(102);
    vi.advanceTimersByTime(200);
    expect(emitted.at(-1)?.done).toBe(550);
    report({ unit: 'bytes', done: 0 });
    expect(current()).toMatchObject({ unit: 'bytes', ratePerSecond: null, secondsLeft: null });
    await jobs.close();
  } finally {
    vi.useRealTimers();
  }
});

test('closing cancels what runs and takes nothing new', async () => {
  const { jobs } = registry();
  for (let count = 0; count < 3; count++) jobs.start(START, endless);
  await jobs.close();
  expect(jobs.list(PROJECT).map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  expect(() => jobs.start(START, endless)).toThrow('Fovea is closing');
});
