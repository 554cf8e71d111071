/** The calls of the Predict screen on a real project: started, looked at while it grows, cut, written down, deleted. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PredictionSetId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import type { ServiceContext } from '../../src-main/services/context.ts';
import { JobRegistry } from '../../src-main/services/jobs.ts';
import { createPredictHandlers } from '../../src-main/services/predict/handlers.ts';
import { createPredictedMedia } from '../../src-main/services/predict/predicted-media.ts';
import { setFolder } from '../../src-main/services/predict/prediction-sets.ts';
import { classesOfRun } from '../../src-main/services/results/classes-of-run.ts';
import { writeFreshRun } from '../helpers/fresh-run.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { createRunProject, runContext, testConfig, type RunProject } from '../helpers/run-project.ts';
import { pictureDrawer } from '../helpers/service-fixture.ts';
import { makeSmallData } from '../helpers/training-run.ts';

const { launchTask } = nodePorts();
let context: ServiceContext;
let project: RunProject;
let projectId: ProjectId;
let runId: RunId;
let photos: string;
let handlers: ReturnType<typeof createPredictHandlers>;
let ends: Map<string, (job: Job) => void>;

beforeEach(async () => {
  const made = runContext(() => {
    throw new Error('nothing trains in this test');
  });
  context = { ...made.context, ports: { ...made.context.ports, launchTask } };
  project = await createRunProject(context.projects);
  ({ projectId } = project.opened.project);
  const config = testConfig(project.datasetId);
  runId = project.opened.store.runs.insert({
    ...{ name: 'LeNet-5', datasetName: 'Small', folder: 'runs/1', createdAt: '2026-01-02T03:04:05Z', config },
  });
  const data = await makeSmallData({ train: 4, test: 2, channels: 3, side: 32 });
  await writeFreshRun(config, data);
  await cp(data.folder, join(project.opened.folder, 'runs', '1'), { recursive: true });
  await data.dispose();
  photos = join(project.opened.folder, '..', `${projectId}-photos`);
  await writeFiles(photos, {
    'a.png': await photo({ widthPx: 40, heightPx: 30 }, 'png'),
    'b.jpg': await photo({ widthPx: 60, heightPx: 30 }),
    'broken.jpg': 'this is no image',
  });
  ends = new Map();
  const jobs = new JobRegistry((event, payload) => {
    if (event === 'job.changed' && (payload as Job).state !== 'running')
      ends.get((payload as Job).jobId)?.(payload as Job);
  });
  handlers = createPredictHandlers(context, jobs);
});
afterEach(async () => {
  await context.workers.close();
  await rm(photos, { recursive: true, force: true });
  await project.dispose();
});

const ended = (job: Job): Promise<Job> => new Promise((resolve) => ends.set(job.jobId, resolve));

async function predicted(): Promise<PredictionSetId> {
  const request = { projectId, runId, checkpoint: 'best' as const, paths: [photos], tiles: null };
  const { predictionSetId, job } = await handlers['predict.start'](request);
  expect(job).toMatchObject({ kind: 'predict', predictionSetId });
  const running = await handlers['predict.get']({ projectId, predictionSetId });
  expect(running).toMatchObject({ isRunning: true, fileCount: 3, images: [], epoch: null });
  await expect(handlers['predict.delete']({ projectId, predictionSetId })).rejects.toMatchObject({ code: 'busy' });
  expect(await ended(job)).toMatchObject({ state: 'done', error: null });
  return predictionSetId;
}

test('is kept in the project, and each image can be asked for', { timeout: 60_000 }, async () => {
  const predictionSetId = await predicted();
  const set = await handlers['predict.get']({ projectId, predictionSetId });
  expect(set).toMatchObject({ isRunning: false, runName: 'LeNet-5', task: 'classification', epoch: 0, tiles: null });
  expect(set.classes.length).toBe(10);
  expect(set.images.map(({ file }) => file)).toEqual([join(photos, 'a.png'), join(photos, 'b.jpg')]);
  expect(set.failures).toMatchObject([{ file: join(photos, 'broken.jpg') }]);
  const seen = await handlers['predict.image']({ projectId, predictionSetId, index: 1 });
  expect(seen).toMatchObject({ kind: 'category' });
  await expect(handlers['predict.image']({ projectId, predictionSetId, index: 2 })).rejects.toMatchObject({
    code: 'not-found',
  });
  expect((await handlers['predict.list']({ projectId })).map((each) => each.predictionSetId)).toEqual([
    predictionSetId,
  ]);
  await handlers['predict.delete']({ projectId, predictionSetId });
  expect(await handlers['predict.list']({ projectId })).toEqual([]);
  expect(await readdir(photos)).toEqual(['a.png', 'b.jpg', 'broken.jpg']);
});

test('is refused where nobody knows which classes the network says, as the run itself tells', async () => {
  const file = runFiles.data(join(project.opened.folder, 'runs', '1'));
  const own = await classesOfRun(project.opened, runId);
  expect(own.doubt).toBeNull();
  await writeFile(file, (await readFile(file, 'utf8')).slice(0, 20));
  const inDoubt = await classesOfRun(project.opened, runId);
  expect(inDoubt.doubt).toContain(file);
  expect(inDoubt.classes.length).toBe(10);
  const request = { projectId, runId, checkpoint: 'best' as const, paths: [photos], tiles: null };
  await expect(handlers['predict.start'](request)).rejects.toMatchObject({ code: 'bad-input', message: inDoubt.doubt });
  expect(await handlers['predict.list']({ projectId })).toEqual([]);
  await rm(file);
  expect((await classesOfRun(project.opened, runId)).doubt).toBeNull(); // a run that has not had its turn
});

test('is written where nothing is, and only in forms of its task', { timeout: 60_000 }, async () => {
  const predictionSetId = await predicted();
  const settings = { scoreThreshold: 0.25, iouThreshold: 0.7 };
  const write = (form: 'csv' | 'json' | 'yolo', target: string): Promise<Job> =>
    handlers['predict.write']({ projectId, predictionSetId, form, settings, target });
  await expect(write('yolo', join(photos, 'out'))).rejects.toThrow('Predictions of classification are written as');
  await expect(write('csv', photos)).rejects.toMatchObject({ code: 'already-exists' });
  await expect(write('json', join(photos, 'out'))).rejects.toThrow('must end in .json');
  expect(await ended(await write('csv', join(photos, 'out')))).toMatchObject({ state: 'done', done: 2 });
  const table = await readFile(join(photos, 'out', 'predictions.csv'), 'utf8');
  expect(table.trim().split('\n').length).toBe(3);
});

test('shows pictures of the files it names, and of no others', { timeout: 60_000 }, async () => {
  const predictionSetId = await predicted();
  const media = createPredictedMedia(context.projects, pictureDrawer());
  const small = await media(mediaUrl.predictedThumbnail(projectId, predictionSetId, 0))!;
  expect(small).toMatchObject({ contentType: 'image/webp', immutable: false });
  expect(await media(mediaUrl.predicted(projectId, predictionSetId, 1))).toMatchObject({ contentType: 'image/jpeg' });
  await expect(media(mediaUrl.predicted(projectId, predictionSetId, 2))).rejects.toMatchObject({ code: 'not-found' });
  expect(media(mediaUrl.image(projectId, 1))).toBeNull();
  expect(media(`media/${projectId}/predicted/../../../etc/passwd`)).toBeNull();
});

test('a damaged one is left out of the list, and told of when it is asked for', async () => {
  const predictionSetId = '00000000-0000-4000-8000-000000000001' as PredictionSetId;
  const folder = setFolder(project.opened.folder, predictionSetId);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'prediction.json'), '{"runName": 3}');
  expect(await handlers['predict.list']({ projectId })).toEqual([]);
  await expect(handlers['predict.get']({ projectId, predictionSetId })).rejects.toMatchObject({ code: 'bad-input' });
});
