import { expect, test } from 'vitest';
import type { JobId, ProjectId } from '../../../src-main/contract/model/ids.ts';
import type { Job } from '../../../src-main/contract/model/job.ts';
import { measuredInWords } from '../../../src-main/contract/model/step-tuning.ts';
import { JobList } from '../../../src-renderer/state/job-list.svelte.ts';
import { LayerTuning } from '../../../src-renderer/state/layer-tuning.svelte.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';
import { createFakeApi } from './fake-api.ts';

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const projectId = sample.job.projectId satisfies ProjectId;

function open(isMeasured: boolean) {
  let count = 0;
  const running = (): Job => ({
    ...sample.job,
    jobId: `tuning ${++count}` as JobId,
    kind: 'tuning',
    state: 'running',
    unit: 'timings',
    tuning: null,
  });
  const backend = createFakeBackend({
    'tuning.get': async () => ({ isMeasured }),
    'tuning.start': async () => running(),
    'job.list': async () => [],
  });
  const api = createFakeApi(backend);
  const jobs = new JobList(api, projectId);
  jobs.follow();
  const tuning = new LayerTuning(api, jobs);
  let ends = 0;
  tuning.follow(() => void ends++);
  return { tuning, backend, endsHeard: () => ends };
}

test('a measurement is followed to its end, and the next one takes its place', async () => {
  const { tuning, backend, endsHeard } = open(false);
  await settled();
  expect(tuning.isMeasured).toBe(false);
  await tuning.start(sample.config);
  expect(tuning.isRunning).toBe(true);
  const done: Job = { ...tuning.job!, state: 'done', tuning: { gain: { beforeMs: 10, afterMs: 8 }, measured: 5 } };
  backend.emit('job.changed', done);
  expect(tuning.isRunning).toBe(false);
  expect(tuning.isMeasured).toBe(true);
  expect(tuning.job?.tuning?.gain?.afterMs).toBe(8);
  expect(endsHeard()).toBe(1);
  await tuning.start(sample.config);
  expect(tuning.job?.jobId).toBe('tuning 2');
  await tuning.cancel();
  expect(backend.requests.at(-1)).toMatchObject({ name: 'job.cancel', request: { jobId: 'tuning 2' } });
  backend.emit('job.changed', { ...tuning.job!, state: 'cancelled' });
  expect(tuning.isRunning).toBe(false);
  expect(endsHeard()).toBe(1);
});

test('what is known is told, and can be forgotten', async () => {
  const { tuning, backend } = open(true);
  await settled();
  expect(tuning.isMeasured).toBe(true);
  await tuning.forget();
  expect(tuning.isMeasured).toBe(false);
  expect(backend.requests.at(-1)?.name).toBe('tuning.forget');
});

test('what it gained in words', () => {
  expect(measuredInWords({ gain: { beforeMs: 200, afterMs: 190 }, measured: 40 })).toBe(
    'A step now takes 5.0 % less: 190 ms instead of 200 ms.',
  );
  expect(measuredInWords({ gain: { beforeMs: 4, afterMs: 3.5 }, measured: 40 })).toMatch('3.5 ms instead of 4.0 ms');
  expect(measuredInWords({ gain: null, measured: 40 })).toMatch(/fastest way already/);
  expect(measuredInWords({ gain: null, measured: 0 })).toMatch(/measured before/);
});
