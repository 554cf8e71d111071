/** What runs found on each image, as queries and orders ask for it; and tags of images. */
import { mkdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ImageOrder } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ImageId, RunId } from '../../src-main/contract/model/ids.ts';
import { PixelCounter, SurenessCounter } from '../../src-main/engine/metrics/segmentation.ts';
import { DetectionPredictionsWriter } from '../../src-main/engine/train/detection-predictions-file.ts';
import { MaskPredictionsWriter } from '../../src-main/engine/train/mask-predictions-file.ts';
import { writePredictions } from '../../src-main/engine/train/predictions-file.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import { ImageFindings } from '../../src-main/services/results/image-findings.ts';
import { everything } from '../helpers/import-folder.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';
import { addDataset, addRun, runConfig } from '../helpers/store-fixture.ts';

interface Letters {
  fixture: ProjectFixture;
  datasetId: DatasetId;
  imageIds: ImageId[];
}

/** Six images for training, four for measuring: a, b, a, b. */
async function letters(): Promise<Letters> {
  const fixture = await createProjectFixture();
  const { datasetId, imageIds } = addDataset(fixture.opened.store, { train: [0, 1, 0, 1, 0, 1], test: [0, 1, 0, 1] });
  return { fixture, datasetId, imageIds };
}

const asAdded: ImageOrder = { by: 'added', descending: false };

function asker({ fixture, datasetId }: Letters) {
  const { projectId } = fixture.opened.project;
  return async (query: string, order: ImageOrder = asAdded): Promise<ImageId[]> => {
    const filter = { ...everything, query };
    const request = { projectId, datasetId, filter, order, offset: 0, limit: 1000 };
    return (await fixture.handlers['image.ids'](request)).imageIds;
  };
}

/** The logits of two classes, one an image. */
async function predict({ fixture, imageIds }: Letters, name: string, logits: readonly number[]): Promise<void> {
  const folder = join(fixture.opened.folder, 'runs', name);
  await mkdir(folder, { recursive: true });
  await writePredictions(runFiles.predictions(folder), {
    epoch: 1,
    categoryCount: 2,
    imageIds: Float64Array.from(imageIds.slice(6)),
    labels: Int32Array.of(0, 1, 0, 1),
    logits: Float32Array.from(logits.flatMap((difference) => [difference / 2, -difference / 2])),
  });
}

test('a query by a run finds what it got wrong, and again what a later epoch gets wrong', async () => {
  const data = await letters();
  const [a, b, c, d] = data.imageIds.slice(6) as [ImageId, ImageId, ImageId, ImageId];
  addRun(data.fixture.opened.store, data.datasetId, 'LeNet-5');
  const runId = addRun(data.fixture.opened.store, data.datasetId, 'twin of it');
  const ask = asker(data);
  await expect(ask('run:LeNet-5.fp>0')).rejects.toThrow('made no predictions yet');
  await expect(ask('run:nobody.fp>0')).rejects.toThrow('there is no run “nobody”');
  // Right (sure), wrong, right (hardly), right (sure).
  await predict(data, 'LeNet-5', [5, 2, 0.1, -4]);
  await predict(data, 'twin of it', [5, -2, -3, -4]);
  expect(await ask('run:lenet-5.fp>0')).toEqual([b]);
  expect(await ask('run:"twin of it".fn>0')).toEqual([c]);
  expect(await ask(`run:#${runId}.tp=1`)).toEqual([a, b, d]);
  expect(await ask('run:LeNet-5')).toEqual([a, b, c, d]);
  expect(await ask('-run:LeNet-5 split:test')).toEqual([]);
  expect(await ask('run:LeNet-5.fp>0 or run:"twin of it".fp>0')).toEqual([b, c]);
  expect(await ask('run:LeNet-5.score=0.4..0.6')).toEqual([c]);
  expect(await ask('run:LeNet-5.disagreement>0.5')).toEqual([b]);

  await predict(data, 'LeNet-5', [-5, -2, 0.1, -4]);
  const later = new Date(Date.now() + 5000);
  await utimes(runFiles.predictions(join(data.fixture.opened.folder, 'runs', 'LeNet-5')), later, later);
  expect(await ask('run:LeNet-5.fp>0')).toEqual([a]);

  // Worst first, and best first: those that were not measured come last both times.
  const byScore = (descending: boolean) => ask('', { by: 'score', descending, runId });
  expect((await byScore(false)).slice(0, 4)).toEqual([c, b, d, a]);
  expect((await byScore(true)).slice(0, 4)).toEqual([a, d, b, c]);
  expect((await ask('', { by: 'disagreement', descending: true, runId }))[0]).toBe(c);
});

const split = (imageIds: readonly ImageId[]) => ({ imageIds: [...imageIds], packs: [0, 0], rows: [0, 1], labels: [] });
const size = { count: 2, heightPx: 2, widthPx: 2 };

async function found({ fixture }: Letters, runId: RunId): Promise<unknown[]> {
  const findings = new ImageFindings(() => nodePorts().launchTask());
  const order = { by: 'score', descending: false, runId } as const;
  expect(await findings.prepare(fixture.opened, { filter: everything, order })).toBe(true);
  expect(await findings.prepare(fixture.opened, { filter: everything, order })).toBe(false);
  return fixture.opened.store.database
    .prepare('SELECT tp, fp, fn, score, disagreement FROM image_result WHERE run_id = ? ORDER BY image_id')
    .all(runId);
}

/** A run of a task, with its folder. */
async function runOf({ fixture, datasetId }: Letters, task: 'segmentation' | 'detection') {
  const folder = join(fixture.opened.folder, 'runs', task);
  await mkdir(folder, { recursive: true });
  const runId = fixture.opened.store.runs.insert({
    ...{ name: task, datasetName: 'Letters', folder: `runs/${task}`, createdAt: '2026-01-02T03:04:05Z' },
    config: { ...runConfig(datasetId), task },
  });
  return { folder, runId };
}

test('a segmentation’s pixels count for the classes that are measured', async () => {
  const data = await letters();
  const measured = data.imageIds.slice(6, 8);
  const { folder, runId } = await runOf(data, 'segmentation');
  const masked = { ...split(measured), masks: { packs: [1, 1], rows: [0, 1] } };
  await writeTrainingData(runFiles.data(folder), {
    categories: ['background', 'cell'],
    packs: [
      { file: join(folder, 'images.u8'), channels: 3, ...size },
      { file: join(folder, 'masks.u8'), channels: 1, ...size },
    ],
    train: masked,
    evaluation: masked,
  });
  const head = { epoch: 1, categoryCount: 2, firstCounted: 1, height: 2, width: 2, imageIds: measured };
  const writer = await MaskPredictionsWriter.create(runFiles.predictions(folder), head);
  const counter = new PixelCounter(2);
  for (const [predicted, truth] of [
    [Uint8Array.of(0, 1, 1, 0), Uint8Array.of(0, 1, 0, 1)],
    [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0, 0, 0, 0)],
  ] as const) {
    counter.add(predicted, truth);
    await writer.addMasks(predicted, predicted);
  }
  await writer.commit(counter.pairs, new SurenessCounter(2, 1).counts);
  expect(await found(data, runId)).toEqual([
    { tp: 1, fp: 1, fn: 1, score: 1 / 3, disagreement: 0.5 },
    { tp: 0, fp: 0, fn: 0, score: null, disagreement: 0 },
  ]);
});

test('a detection’s boxes count, and a mix-up is both too much and missed', async () => {
  const data = await letters();
  const measured = data.imageIds.slice(6, 8);
  const { folder, runId } = await runOf(data, 'detection');
  const [cat, dog] = [0, 1];
  const objects = { counts: [2, 0], rows: [cat, 0, 0, 10, 10, 100, 0, cat, 30, 30, 40, 40, 100, 0] };
  const evaluated = { ...split(measured), objects };
  await writeTrainingData(runFiles.data(folder), {
    categories: ['cat', 'dog'],
    packs: [{ file: join(folder, 'images.u8'), channels: 3, ...size, heightPx: 64, widthPx: 64 }],
    train: evaluated,
    evaluation: evaluated,
  });
  const head = { epoch: 1, categoryCount: 2, imageIds: measured, objects, head: null };
  const writer = await DetectionPredictionsWriter.create(runFiles.predictions(folder), head);
  await writer.addImage(Float32Array.of(0, 0, 10, 10, 0.9, cat, 30, 30, 40, 40, 0.7, dog));
  await writer.addImage(Float32Array.of(0, 0, 10, 10, 0.9, dog));
  await writer.commit();
  expect(await found(data, runId)).toMatchObject([
    { tp: 1, fp: 1, fn: 1, disagreement: 0.5 },
    { tp: 0, fp: 1, fn: 0, score: 0, disagreement: 1 },
  ]);
});

test('tags are given to many images, found, counted, and come back from the trash', async () => {
  const data = await letters();
  const { handlers, opened } = data.fixture;
  const { projectId } = opened.project;
  const { datasetId, imageIds } = data;
  const ask = asker(data);
  const tag = (ids: readonly ImageId[], name: string, on: boolean) =>
    handlers['image.tag']({ projectId, datasetId, imageIds: [...ids], tag: name, on });
  expect(await tag(imageIds.slice(0, 3), 'to check', true)).toEqual({ imageIds: imageIds.slice(0, 3) });
  // Those that have it already, and those that are not there, are not among the changed ones.
  const missing = 9999 as ImageId;
  expect(await tag([...imageIds.slice(2, 5), missing], 'To Check', true)).toEqual({ imageIds: imageIds.slice(3, 5) });
  await tag([imageIds[0]!], 'night', true);
  expect(await ask('tag:"to check" -tag:night')).toEqual(imageIds.slice(1, 5));
  const { byTag } = await handlers['dataset.facets']({ projectId, datasetId, filter: everything });
  expect(byTag).toEqual([
    { tag: 'night', count: 1 },
    { tag: 'to check', count: 5 },
  ]);
  const tags = async () => (await handlers['image.get']({ projectId, imageId: imageIds[0]! })).tags;
  expect(await tags()).toEqual(['night', 'to check']);
  const item = await handlers['image.trash']({ projectId, datasetId, imageIds: [imageIds[0]!] });
  expect(await ask('tag:night')).toEqual([]);
  if (item?.kind !== 'images') throw new Error('not in the trash');
  await handlers['trash.restore']({ projectId, item: { kind: 'images', entryId: item.entryId } });
  expect(await tags()).toEqual(['night', 'to check']);
  expect(await tag(imageIds, 'night', false)).toEqual({ imageIds: [imageIds[0]!] });
  expect(await ask('tag:night')).toEqual([]);
});
