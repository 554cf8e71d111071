/** The report of a run as its call gives it: with its values, all its settings, its hash and pictures of its images. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import { createReportHandlers } from '../../src-main/services/runs/report/handlers.ts';
import { epochPoints, superviseRuns } from '../helpers/supervised-runs.ts';

const runs = superviseRuns();

function reports(scores: Handlers['run.scores'], boxes: Handlers['run.boxes'] = () => Promise.reject(new Error())) {
  const { 'run.series': series, 'run.get': get } = runs.services.handlers;
  return createReportHandlers({
    projects: runs.project.projects,
    version: '9.9.9',
    calls: { 'run.series': series, 'run.get': get, 'run.scores': scores, 'run.boxes': boxes },
    media: async (path) => {
      if (path.endsWith('/thumbnail/2')) throw new FoveaError('not-found', 'It is gone.');
      return { contentType: 'image/png', body: Buffer.from(path), immutable: true };
    },
  });
}

test('has curves, settings, hash and the pictures that there are', async () => {
  const { runId } = await runs.start('alone');
  runs.trainer(0).begin().say(epochPoints(1, 0.25), epochPoints(2, 0.5), { kind: 'finished', epochsDone: 2 }).exit(0);
  const { projectId } = runs;
  const handlers = reports(
    async () =>
      ({
        imageIds: Float64Array.of(1, 2, 3),
        scores: Float32Array.of(0.5, 0.25, 1),
        right: Uint8Array.of(1, 0, 1),
      }) as never,
  );
  const { text } = await handlers['run.report']({ projectId, runIds: [runId], format: 'html' });
  const hash = createHash('sha256')
    .update(JSON.stringify(runs.project.opened.store.runs.config(runId)))
    .digest('hex');
  expect(text).toContain('<title>Run alone</title>');
  expect(text).toContain('Test accuracy after the last epoch: 0.500.');
  expect(text).toContain(hash.slice(0, 12));
  expect(text).toContain('<th scope="row">Batch size</th><td>10</td>');
  const pictures = [...text.matchAll(/src="data:image\/png;base64,([^"]+)"/g)].map(([, base64]) =>
    Buffer.from(base64!, 'base64').toString(),
  );
  expect(pictures).toEqual([`media/${projectId}/thumbnail/1`, `media/${projectId}/thumbnail/3`]);
  expect(text.match(/(?:src|href)="(?!data:)/g)).toBeNull();
});

test('has no pictures where a run has no predictions', async () => {
  const { runId } = await runs.start();
  runs.trainer(0).begin().say(epochPoints(1, 0.25), { kind: 'finished', epochsDone: 1 }).exit(0);
  const handlers = reports(async () => {
    throw new FoveaError('not-found', 'There are none.');
  });
  const { text } = await handlers['run.report']({ projectId: runs.projectId, runIds: [runId], format: 'html' });
  expect(text).not.toContain('<img');
});

test('hides no fault of its own', async () => {
  const { runId } = await runs.start();
  runs.trainer(0).begin().say(epochPoints(1, 0.25), { kind: 'finished', epochsDone: 1 }).exit(0);
  const fault = new FoveaError('internal', 'internal: no such row');
  const handlers = reports(() => Promise.reject(fault));
  const asked = { projectId: runs.projectId, runIds: [runId], format: 'html' as const };
  await expect(handlers['run.report'](asked)).rejects.toBe(fault);
});
