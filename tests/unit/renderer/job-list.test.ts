import { expect, test } from 'vitest';
import type { JobId, ProjectId } from '../../../src-main/contract/model/ids.ts';
import type { Job } from '../../../src-main/contract/model/job.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { jobFraction, jobProgressText } from '../../../src-renderer/features/datasets/job-text.ts';
import { JobList } from '../../../src-renderer/state/job-list.svelte.ts';

const projectId = '7a6e5c1e-0000-4000-8000-000000000001' as ProjectId;
const job = (id: string, changes: Partial<Job> = {}): Job => ({
  jobId: id as JobId,
  projectId,
  kind: 'import',
  title: `Importing ${id}`,
  state: 'running',
  step: '',
  done: 0,
  total: null,
  unit: 'images',
  ratePerSecond: null,
  secondsLeft: null,
  error: null,
  datasetId: null,
  ...changes,
});

function listWith(known: Job[]) {
  let emit: (job: Job) => void = () => {};
  const api = {
    call: (name: string) => Promise.resolve(name === 'job.list' ? known : job('a')),
    on: (_event: string, listener: (job: Job) => void) => {
      emit = listener;
      return () => {};
    },
    onReconnected: () => () => {},
  } as unknown as Api;
  const list = new JobList(api, projectId);
  list.follow();
  return { list, emit: (changed: Job) => emit(changed) };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const states = (list: JobList) => list.all.map(({ jobId, state }) => `${jobId} ${state}`);

test('running jobs are found at the start, ended ones are history', async () => {
  const { list } = listWith([job('a'), job('b', { state: 'done' })]);
  await settled();
  expect(states(list)).toEqual(['a running']);
});

test('events of this project move a job on, and its end is told once', async () => {
  const { list, emit } = listWith([job('a')]);
  await settled();
  const ended: string[] = [];
  list.onEnd(({ jobId, state }) => ended.push(`${jobId} ${state}`));
  emit(job('a', { done: 5 }));
  expect(list.running[0]?.done).toBe(5);
  emit(job('x', { projectId: '7a6e5c1e-0000-4000-8000-000000000002' as ProjectId }));
  emit(job('a', { state: 'failed', error: { code: 'bad-input', message: 'cut off' } }));
  emit(job('a', { state: 'failed' }));
  expect(states(list)).toEqual(['a failed']);
  expect(ended).toEqual(['a failed']);
  list.putAway('a' as JobId);
  expect(list.all).toEqual([]);
});

test('an answer that comes after the job’s end does not bring it back to life', async () => {
  const { list, emit } = listWith([]);
  await settled();
  const starting = list.import({ path: '/data', format: 'cifar10', labelSource: null, name: 'A', copyFiles: false });
  emit(job('a', { state: 'done' }));
  expect((await starting).state).toBe('done');
  expect(states(list)).toEqual(['a done']);
});

test('progress in words', () => {
  const download = job('a', { unit: 'bytes', done: 81e6, total: 170_052_171, ratePerSecond: 4.2e6, secondsLeft: 21 });
  expect(jobProgressText(download)).toBe('81 MB of 170 MB, 4.2 MB/s, 20 s left');
  expect(jobProgressText(job('a', { done: 8435 }))).toBe('8,435 images');
  expect(jobFraction(job('a', { done: 30, total: 120 }))).toBe(0.25);
  expect(jobFraction(job('a'))).toBeNull();
  expect(jobFraction(job('a', { done: 5, total: 0 }))).toBeNull();
});
