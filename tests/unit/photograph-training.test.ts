/** Photographs from their files to a finished run, for each task, through the calls and with the real training process. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DatasetId, RunId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig, RunSummary } from '../../src-main/contract/model/run.ts';
import { launchNodeChild } from '../../src-main/hosts/node-child.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { writeFiles } from '../helpers/generated-images.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { runContext, until, type Emitted } from '../helpers/run-project.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const entry = new URL('../../src-main/training-process/main.ts', import.meta.url);
let fixture: ProjectFixture;
let services: RunServices;
let emitted: Emitted[];

/** A square on noise, in another place and of another size in each photograph; its outline as YOLO writes it. */
async function drawn(random: () => number): Promise<{ picture: Buffer; outline: string; box: string }> {
  const [width, height] = [60 + Math.floor(random() * 60), 50 + Math.floor(random() * 40)];
  const side = 15 + Math.floor(random() * 20);
  const [left, top] = [Math.floor(random() * (width - side)), Math.floor(random() * (height - side))];
  const pixels = Buffer.alloc(width * height * 3, 0);
  for (let at = 0; at < width * height; at++) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const isInside = x >= left && x < left + side && y >= top && y < top + side;
    pixels.set(isInside ? [230, 60, 40] : [40 + random() * 40, 90, 110], at * 3);
  }
  const picture = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
  const [x1, y1, x2, y2] = [left / width, top / height, (left + side) / width, (top + side) / height];
  // Four corners alone would be read as a rotated box.
  const outline = `0 ${[x1, y1, (x1 + x2) / 2, y1, x2, y1, x2, y2, x1, y2].join(' ')}\n`;
  return { picture, outline, box: `0 ${(x1 + x2) / 2} ${(y1 + y2) / 2} ${x2 - x1} ${y2 - y1}\n` };
}

async function importDrawn(name: string, label: 'outline' | 'box'): Promise<DatasetId> {
  const random = seededRandom(8);
  const files: Record<string, string | Uint8Array> = {
    'data.yaml': 'train: images/train\nval: images/val\nnames: [square, other]\n',
  };
  for (let image = 0; image < 10; image++) {
    const split = image < 7 ? 'train' : 'val';
    const made = await drawn(random);
    files[`images/${split}/${image}.jpg`] = made.picture;
    files[`labels/${split}/${image}.txt`] = made[label];
  }
  const folder = join(fixture.scratch, name);
  await writeFiles(folder, files);
  return (await importFolder(fixture, folder)).datasetId;
}

beforeEach(async () => {
  fixture = await createProjectFixture();
  const made = runContext(() => launchNodeChild(entry));
  emitted = made.emitted;
  services = createRunHandlers({ ...made.context, projects: fixture.projects });
});
afterEach(() => services.close());

const project = () => fixture.opened.project;
const summaryOf = (runId: RunId): RunSummary => fixture.opened.store.runs.get(runId);

async function planned(datasetId: DatasetId, modelId: string, epochs: number, side: number): Promise<RunConfig> {
  const { projectId } = project();
  const { config } = await services.handlers['run.template']({ projectId, datasetId, modelId });
  const [phase] = config.phases as [RunConfig['phases'][number]];
  return {
    ...config,
    data: { ...config.data, evaluationSplit: 'val', inputSize: { widthPx: side, heightPx: side } },
    batchSize: 4,
    accumulation: 1,
    phases: [{ ...phase, epochs, warmup: { ...phase.warmup, epochs: 0 } }],
  };
}

async function finished(config: RunConfig): Promise<RunSummary> {
  const { projectId } = project();
  const errors = (await services.handlers['run.check']({ projectId, config })).filter(
    ({ severity }) => severity === 'error',
  );
  expect(errors).toEqual([]);
  const { runId } = await services.handlers['run.start']({ projectId, config, name: null });
  await until('the run has ended', () => !['queued', 'running'].includes(summaryOf(runId).status), 120_000);
  expect(summaryOf(runId)).toMatchObject({ status: 'finished', reason: null });
  return summaryOf(runId);
}

const activities = (runId: RunId): Set<string> =>
  new Set(
    emitted.flatMap((each) =>
      each.event === 'run.progress' && each.payload.progress.runId === runId ? [each.payload.progress.activity] : [],
    ),
  );

describe('photographs', () => {
  test('with outlines teach segmentation, flipped in the graph as the template has it', async () => {
    const config = await planned(await importDrawn('outlines', 'outline'), 'unet', 2, 64);
    expect(config.augmentation.flipHorizontal).toBe(0.5);
    const options = { ...config.model.options, encoder: 'mobilenet_v2', decoderWidth: 64 };
    const run = await finished({ ...config, model: { id: 'unet', options } });
    expect(Object.keys(run.latest)).toContain('test/meanIou');
    expect(activities(run.runId)).toContain('preparing');
    const data = JSON.parse(
      await readFile(runFiles.data(join(fixture.opened.folder, fixture.opened.store.runs.folder(run.runId))), 'utf8'),
    );
    expect(data.categories).toEqual(['background', 'square', 'other']);
  });

  test('with boxes teach detection, in mosaics as the template has it', async () => {
    const config = await planned(await importDrawn('boxes', 'box'), 'yolov8', 2, 64);
    expect(config.augmentation).toMatchObject({ mosaic: 1, scale: 0.5, hue: 0.015 });
    const run = await finished({ ...config, augmentation: { ...config.augmentation, closeMosaicEpochs: 1 } });
    expect(Object.keys(run.latest)).toContain('test/ap');
  });

  test('with outlines teach masks of single objects, in mosaics too', async () => {
    const datasetId = await importDrawn('objects', 'outline');
    const config = await planned(datasetId, 'yolov8-seg', 2, 64);
    expect(config).toMatchObject({ task: 'instance-segmentation', augmentation: { mosaic: 1 } });
    const { projectId } = project();
    const [item] = (await services.handlers['run.previewBatch']({ projectId, config, count: 1, epoch: 1 }))!.items;
    expect(new Set(item!.mask)).toEqual(new Set([0, 255]));
    const run = await finished({ ...config, augmentation: { ...config.augmentation, closeMosaicEpochs: 1 } });
    expect(Object.keys(run.latest)).toEqual(expect.arrayContaining(['test/ap', 'test/maskAp', 'train/maskLoss']));
  });

  test('in folders of classes teach classification', async () => {
    const random = seededRandom(4);
    const files: Record<string, Uint8Array> = {};
    for (let image = 0; image < 12; image++) {
      const made = await drawn(random);
      files[`${image < 8 ? 'train' : 'val'}/${image % 2 ? 'odd' : 'even'}/${image}.jpg`] = made.picture;
    }
    await writeFiles(join(fixture.scratch, 'folders'), files);
    const { datasetId } = await importFolder(fixture, join(fixture.scratch, 'folders'));
    const config = await planned(datasetId, 'lenet5', 2, 32);
    expect(config.data.fit).toBe('crop');
    const cropped = { ...config.augmentation, randomCrop: 0.5, brightness: 0.3 };
    const run = await finished({ ...config, augmentation: cropped });
    expect(run.latest['test/accuracy']).toBeGreaterThanOrEqual(0);
    // A second run finds what the first one prepared.
    const second = await finished({ ...config, seed: 5 });
    expect(activities(second.runId)).not.toContain('preparing');
    const larger = await finished(await planned(datasetId, 'yolov8-cls', 1, 64));
    expect(larger.latest['test/accuracy']).toBeGreaterThanOrEqual(0);
  });
});

test('a run that is cancelled while it is prepared ends at once, and its process is never launched', async () => {
  const config = await planned(await importDrawn('cancelled', 'box'), 'yolov8', 2, 96);
  const { projectId } = project();
  const { runId } = await services.handlers['run.start']({ projectId, config, name: null });
  await services.handlers['run.cancel']({ projectId, runId });
  await until('it has ended', () => summaryOf(runId).status !== 'running');
  expect(summaryOf(runId)).toMatchObject({ status: 'cancelled', reason: null, resumable: false, startedAt: null });
});

test('a preview shows the first training images of an epoch as they will be', async () => {
  const { projectId } = project();
  const datasetId = await importDrawn('previewed', 'box');
  const config = await planned(datasetId, 'yolov8', 3, 64);
  const ask = (epoch: number) => services.handlers['run.previewBatch']({ projectId, config, count: 4, epoch });
  const first = (await ask(0))!;
  expect(first).toMatchObject({ widthPx: 64, heightPx: 64, classes: ['square', 'other'], failures: [] });
  expect(first.items).toHaveLength(4);
  expect(first.items.every(({ rgb, mask }) => rgb.length === 64 * 64 * 3 && mask === null)).toBe(true);
  expect(first.items.flatMap(({ boxes }) => boxes).length).toBeGreaterThan(3);
  expect(await ask(0)).toEqual(first);
  expect((await ask(1))!.items[0]!.rgb).not.toEqual(first.items[0]!.rgb);
  // Who asks again while one is made gets the new one only.
  const [outdated, wanted] = await Promise.all([ask(0), ask(2)]);
  expect([outdated, wanted?.items.length]).toEqual([null, 4]);
});
