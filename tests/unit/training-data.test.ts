/** What a run trains on, made of photographs with labels: packs, masks and data.json; kept, made again, and cancelled. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LogLine, RunConfig } from '../../src-main/contract/model/run.ts';
import { imagesAsTheyAre, noAugmentation } from '../../src-main/contract/model/run-images.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { padding, place, placementOf, toNetwork } from '../../src-main/engine/data/letterbox.ts';
import { resizeInto } from '../../src-main/engine/data/resize.ts';
import { noObject, objectColumns, type TrainingData } from '../../src-main/engine/data/training-data.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { readTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { sweepCache } from '../../src-main/services/training-data/pack-cache.ts';
import { prepareRun } from '../../src-main/services/training-data/prepare-run.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { instancesConfig } from '../helpers/instance-run.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { testConfig } from '../helpers/run-project.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';
import { shapesConfig } from '../helpers/segmentation-run.ts';

const network = { widthPx: 64, heightPx: 32 };

/** YOLO: a wide photograph, a tall one, one that lies on its side, a background; to be measured by: one with an outline. */
async function photographs(): Promise<{ fixture: ProjectFixture; datasetId: DatasetId; folder: string }> {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'photos');
  await writeFiles(folder, {
    'data.yaml': 'train: images/train\nval: images/val\nnames: [cat, dog]\n',
    'images/train/a.jpg': await photo({ widthPx: 100, heightPx: 40 }),
    'images/train/b.png': await photo({ widthPx: 30, heightPx: 60 }, 'png'),
    'images/train/c.jpg': await photo({ widthPx: 80, heightPx: 60, orientation: 6 }),
    'images/train/d.jpg': await photo({ widthPx: 64, heightPx: 32 }),
    'images/train/e.jpg': await photo(),
    'images/val/f.jpg': await photo({ widthPx: 50, heightPx: 50 }),
    'labels/train/a.txt': '1 0.5 0.5 0.2 0.5\n0 0.1 0.1 0.1 0.1',
    'labels/train/b.txt': '0 0.5 0.25 0.4 0.5',
    'labels/train/c.txt': '0 0.5 0.5 1 1',
    'labels/train/d.txt': '',
    'labels/val/f.txt': '0 0.1 0.1 0.9 0.1 0.9 0.9',
  });
  const { datasetId } = await importFolder(fixture, folder);
  return { fixture, datasetId, folder };
}

const ofDataset = (datasetId: DatasetId): RunConfig['data'] => ({
  ...imagesAsTheyAre,
  datasetId,
  trainSplit: 'train',
  evaluationSplit: 'val',
  inputSize: network,
});
const detection = (datasetId: DatasetId): RunConfig => ({
  ...testConfig(datasetId),
  task: 'detection',
  augmentation: noAugmentation,
  data: ofDataset(datasetId),
});

interface Prepared {
  data: TrainingData;
  folder: string;
  logs: LogLine[];
  /** Images done, of all, as they were told. */
  progress: [number, number][];
}

let runs = 0;
async function prepareIn(
  { opened, workers }: ProjectFixture,
  config: RunConfig,
  {
    folder: given,
    signal = new AbortController().signal,
    onProgress = () => undefined,
  }: { folder?: string; signal?: AbortSignal; onProgress?: () => void } = {},
): Promise<Prepared> {
  const folder = given ?? join(opened.folder, 'runs', `test-${runs++}`);
  await mkdir(join(folder, 'checkpoints'), { recursive: true });
  const [logs, progress]: [LogLine[], Prepared['progress']] = [[], []];
  const report = {
    log: (lines: LogLine[]) => void logs.push(...lines),
    progress: (done: number, total: number) => {
      progress.push([done, total]);
      onProgress();
    },
  };
  await prepareRun({ opened, folder, config, workers }, report, signal);
  return { data: await readTrainingData(runFiles.data(folder)), folder, logs, progress };
}

async function rowOf(
  { data }: Prepared,
  split: 'train' | 'evaluation',
  image: number,
  of: 'images' | 'masks' = 'images',
): Promise<Uint8Array> {
  const { packs, rows } = of === 'images' ? data[split] : data[split].masks!;
  const pack = data.packs[packs[image]!]!;
  const length = pack.channels * pack.heightPx * pack.widthPx;
  const bytes = await readFile(pack.file);
  return bytes.subarray(rows[image]! * length, (rows[image]! + 1) * length);
}

describe('photographs with boxes', () => {
  test('become packs of one size, their boxes stay in px of the originals, and where each lies is known', async () => {
    const { fixture, datasetId, folder } = await photographs();
    const prepared = await prepareIn(fixture, detection(datasetId));
    const { data } = prepared;
    expect(data.categories).toEqual(['cat', 'dog']);
    expect(data.fit).toBe('letterbox');
    expect(data.packs.map(({ count, channels, heightPx, widthPx }) => [count, channels, heightPx, widthPx])).toEqual([
      [4, 3, 32, 64],
      [1, 3, 32, 64],
    ]);
    // Lying on its side, the third is 60 px wide. The image that nobody labelled is left out; the background is not.
    expect(data.train.sizesPx).toEqual([100, 40, 30, 60, 60, 80, 64, 32]);
    expect(data.train.objects!.counts).toEqual([2, 1, 1, 0]);
    const objects = Array.from({ length: 4 }, (_, i) =>
      data.train.objects!.rows.slice(i * objectColumns.length, (i + 1) * objectColumns.length),
    );
    expect(objects.map((row) => row.map((value) => Math.round(value * 10) / 10))).toEqual([
      [1, 40, 10, 60, 30, 400, 0],
      [0, 5, 2, 15, 6, 40, 0],
      [0, 9, 0, 21, 30, 360, 0],
      [0, 0, 0, 60, 80, 4800, 0],
    ]);
    expect(data.evaluation.objects!.rows.slice(0, 5).map(Math.round)).toEqual([0, 5, 5, 45, 45]);
    expect(prepared.logs.map(({ text }) => text)).toEqual([
      'Images of the split “train” left out: 1 without a label to learn from.',
    ]);
    expect(await readFile(runFiles.events(prepared.folder), 'utf8')).toContain('1 without a label to learn from');
    for (const [image, name] of ['a.jpg', 'b.png', 'c.jpg', 'd.jpg'].entries()) {
      const { data: pixels, info } = await sharp(join(folder, 'images/train', name))
        .rotate()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const placement = place({ widthPx: info.width, heightPx: info.height }, network, 'letterbox');
      expect(placementOf(data, data.train, image)).toEqual(placement);
      expect(await rowOf(prepared, 'train', image)).toEqual(Buffer.from(resizeInto(pixels, 3, placement)));
    }
    // The upright corner of the one that lay on its side is red, and grey bars are beside it.
    const turned = await rowOf(prepared, 'train', 2);
    const { leftPx } = placementOf(data, data.train, 2);
    const at = (x: number, y: number): number[] => [0, 1, 2].map((channel) => turned[(channel * 32 + y) * 64 + x]!);
    expect(at(0, 0)).toEqual([padding.image, padding.image, padding.image]);
    const isRed = ([r, g, b]: number[]): boolean => r! > 150 && g! < 100 && b! < 100;
    expect([isRed(at(leftPx + 1, 2)), isRed(at(63 - leftPx - 1, 2))]).toEqual([false, true]);
  });

  test('are not prepared a second time, neither for the same run nor for another', async () => {
    const { fixture, datasetId } = await photographs();
    const first = await prepareIn(fixture, detection(datasetId));
    expect(first.progress.at(-1)).toEqual([5, 5]);
    const before = (await stat(first.data.packs[0]!.file)).mtimeMs;
    const again = await prepareIn(fixture, detection(datasetId), { folder: first.folder });
    const other = await prepareIn(fixture, { ...detection(datasetId), seed: 9 });
    expect([again.progress, other.progress]).toEqual([[], []]);
    expect([again.data, other.data]).toEqual([first.data, first.data]);
    expect((await stat(first.data.packs[0]!.file)).mtimeMs).toBe(before);
    const smaller = await prepareIn(fixture, {
      ...detection(datasetId),
      data: { ...ofDataset(datasetId), fit: 'crop' },
    });
    expect(smaller.progress.at(-1)).toEqual([5, 5]);
    expect(smaller.data.fit).toBe('crop');
  });

  test('are prepared anew where a file has changed', async () => {
    const { fixture, datasetId, folder } = await photographs();
    const first = await prepareIn(fixture, detection(datasetId));
    await writeFile(join(folder, 'images/val/f.jpg'), await photo({ widthPx: 50, heightPx: 50 }, 'png'));
    const second = await prepareIn(fixture, detection(datasetId));
    expect(second.progress.at(-1)).toEqual([1, 1]);
    expect(second.data.packs[0]).toEqual(first.data.packs[0]);
    expect(second.data.packs[1]!.file).not.toBe(first.data.packs[1]!.file);
  });

  test('that cannot be read are left out, and the log names each and says why', async () => {
    const { fixture, datasetId, folder } = await photographs();
    await truncate(join(folder, 'images/train/a.jpg'), 200);
    await rm(join(folder, 'images/train/b.png'));
    await writeFile(join(folder, 'images/train/d.jpg'), await photo({ widthPx: 10, heightPx: 10 }));
    const prepared = await prepareIn(fixture, detection(datasetId));
    expect(prepared.data.train.sizesPx).toEqual([60, 80]);
    expect(prepared.data.train.objects!.counts).toEqual([1]);
    expect(prepared.data.train.rows).toEqual([2]);
    const told = prepared.logs.filter(({ level }) => level === 'warning').map(({ text }) => text);
    expect(told).toEqual([
      expect.stringMatching(/^Left out: .*a\.jpg cannot be read as an image \(.*\)\.$/),
      expect.stringMatching(/^Left out: .*b\.png is not there any more\./),
      expect.stringMatching(/^Left out: .*d\.jpg.*: it has 10 × 10 px, but had 64 × 32 px when it was imported$/),
    ]);
    // They stay left out, and are told of again, when the packs are there already.
    const second = await prepareIn(fixture, { ...detection(datasetId), seed: 3 });
    expect(second.logs.filter(({ level }) => level === 'warning')).toHaveLength(3);
    expect(second.data.train).toEqual(prepared.data.train);
  });

  test('of which none can be read give no run', async () => {
    const { fixture, datasetId, folder } = await photographs();
    await truncate(join(folder, 'images/val/f.jpg'), 100);
    await expect(prepareIn(fixture, detection(datasetId))).rejects.toThrow(
      'None of the images in the split “val” can be read; the log has the reasons.',
    );
  });

  test('cancelled at any moment, nothing half is left', async () => {
    const { fixture, datasetId } = await photographs();
    for (const moment of ['before', 'in between'] as const) {
      const abort = new AbortController();
      if (moment === 'before') abort.abort();
      const folder = join(fixture.opened.folder, 'runs', moment);
      const preparing = prepareIn(fixture, detection(datasetId), {
        folder,
        signal: abort.signal,
        onProgress: () => abort.abort(),
      });
      await expect(preparing).rejects.toThrow('This operation was aborted');
      expect(existsSync(runFiles.data(folder))).toBe(false);
    }
    const cache = join(fixture.opened.folder, 'cache', 'training', String(datasetId));
    const left = existsSync(cache) ? readdirSync(cache) : [];
    expect(left.filter((name) => name.endsWith('.part'))).toEqual([]);
    for (const name of left) expect(readdirSync(join(cache, name)).sort()).toEqual(['about.json', 'pack.u8']);
    expect((await prepareIn(fixture, detection(datasetId))).data.train.imageIds).toHaveLength(4);
  });
});

describe('a run that goes on', () => {
  async function begun() {
    const photos = await photographs();
    const config = detection(photos.datasetId);
    const first = await prepareIn(photos.fixture, config);
    await writeFile(runFiles.checkpoint(first.folder, 'last'), 'x');
    const bytes = await readFile(first.data.packs[0]!.file);
    await rm(join(photos.fixture.opened.folder, 'cache'), { recursive: true });
    return { ...photos, config, first, bytes };
  }

  test('finds the same bytes again when its packs had to be made once more', async () => {
    const { fixture, config, first, bytes } = await begun();
    const again = await prepareIn(fixture, config, { folder: first.folder });
    expect(again.data).toEqual(first.data);
    expect(await readFile(again.data.packs[0]!.file)).toEqual(bytes);
  });

  test('does not go on with images that have changed', async () => {
    const { fixture, config, first, folder } = await begun();
    await utimes(join(folder, 'images/train/a.jpg'), new Date(), new Date(0));
    const before = await readFile(runFiles.data(first.folder), 'utf8');
    await expect(prepareIn(fixture, config, { folder: first.folder })).rejects.toThrow(
      'The images or labels of this run have changed since it began, and what was prepared of them is no longer there. Start a new run.',
    );
    expect(await readFile(runFiles.data(first.folder), 'utf8')).toBe(before);
  });
});

describe('masks', () => {
  const segmentation = (datasetId: DatasetId, data: Partial<RunConfig['data']> = {}): RunConfig => ({
    ...shapesConfig(),
    data: { ...ofDataset(datasetId), ...data },
  });

  test('are drawn from outlines, with the background as a class of its own before the others', async () => {
    const { fixture, datasetId } = await photographs();
    const prepared = await prepareIn(fixture, segmentation(datasetId, { trainSplit: 'val' }));
    expect(prepared.data.categories).toEqual(['background', 'cat', 'dog']);
    const mask = await rowOf(prepared, 'train', 0, 'masks');
    const [x1, y1, x2, y2] = toNetwork(placementOf(prepared.data, prepared.data.train, 0), [5, 5, 45, 45]);
    const shown = Array.from({ length: 64 * 32 }, (_, i): number => {
      const [x, y] = [(i % 64) + 0.5, Math.floor(i / 64) + 0.5];
      if (x < 16 || x >= 48) return padding.mask;
      // On the diagonal itself either is right.
      if (Math.abs(x - x1 - (y - y1)) < 1e-3) return mask[i]!;
      return x > x1 && x < x2 && y > y1 && y < y2 && x - x1 > y - y1 ? 1 : 0;
    });
    expect([...mask]).toEqual(shown);
    // One split twice is one pack of images and one of masks.
    expect(prepared.data.packs).toHaveLength(2);
  });

  test('of boxes only where that is asked for, and ignored where nothing is labelled', async () => {
    const { fixture, datasetId } = await photographs();
    await expect(prepareIn(fixture, segmentation(datasetId))).resolves.toMatchObject({
      // The background image alone: boxes are no masks.
      data: { train: { imageIds: [expect.any(Number)] } },
    });
    const asked = segmentation(datasetId, { boxesAsMasks: true, unlabelled: 'ignore' });
    const prepared = await prepareIn(fixture, asked);
    expect(prepared.data.categories).toEqual(['cat', 'dog']);
    expect(prepared.data.train.imageIds).toHaveLength(4);
    const values = new Set(await rowOf(prepared, 'train', 0, 'masks'));
    expect(values).toEqual(new Set([0, 1, padding.mask]));
  });

  test('are drawn anew when a label changes, and the images are not', async () => {
    const { fixture, datasetId } = await photographs();
    const config = segmentation(datasetId, { trainSplit: 'val' });
    const first = await prepareIn(fixture, config);
    const { database } = fixture.opened.store;
    database.prepare(`UPDATE annotation SET geometry = replace(geometry, '45', '35') WHERE kind = 'polygon'`).run();
    const second = await prepareIn(fixture, config);
    expect(second.progress.at(-1)).toEqual([1, 1]);
    expect(second.data.packs.map(({ file }) => file)).not.toEqual(first.data.packs.map(({ file }) => file));
    const imagesOf = ({ data }: Prepared): string => data.packs[data.train.packs[0]!]!.file;
    expect(imagesOf(second)).toBe(imagesOf(first));
  });
});

describe('maps of objects', () => {
  const instances = (datasetId: DatasetId, data: Partial<RunConfig['data']> = {}): RunConfig => ({
    ...instancesConfig(),
    data: { ...ofDataset(datasetId), ...data },
  });

  test('say which object each pixel shows, by its place among the boxes', async () => {
    const { fixture, datasetId } = await photographs();
    const prepared = await prepareIn(fixture, instances(datasetId, { boxesAsMasks: true }));
    expect(prepared.data.categories).toEqual(['cat', 'dog']);
    const { counts, rows } = prepared.data.train.objects!;
    expect(counts.slice(0, 4)).toEqual([2, 1, 1, 0]);
    const map = await rowOf(prepared, 'train', 0, 'masks');
    const placement = placementOf(prepared.data, prepared.data.train, 0);
    for (const object of [0, 1]) {
      const [, x1, y1, x2, y2] = rows.slice(object * objectColumns.length) as [number, number, number, number, number];
      const [left, top, right, bottom] = toNetwork(placement, [x1, y1, x2, y2]);
      let inside = 0;
      for (const [pixel, value] of map.entries()) {
        const [x, y] = [(pixel % 64) + 0.5, Math.floor(pixel / 64) + 0.5];
        // On an edge itself either is right.
        const apart = Math.max(left - x, x - right, top - y, y - bottom);
        if (apart > 1e-3) expect(value).not.toBe(object + 1);
        if (apart < -1e-3) {
          expect(value).toBe(object + 1);
          inside++;
        }
      }
      expect(inside).toBeGreaterThan(3);
    }
    const background = new Set(await rowOf(prepared, 'train', 3, 'masks'));
    expect(background).toEqual(new Set([noObject]));
  });

  test.each(['min', 'max'])(
    'show the smaller one of several, also where the larger is the %s of the list',
    async (which) => {
      const { fixture, datasetId } = await photographs();
      const ofFirst = 'image_id = (SELECT min(id) FROM image)';
      const { database } = fixture.opened.store;
      database
        .prepare(
          `UPDATE annotation SET x1 = 0, y1 = 0, x2 = 100, y2 = 40
          WHERE id = (SELECT ${which}(id) FROM annotation WHERE ${ofFirst})`,
        )
        .run();
      const prepared = await prepareIn(fixture, instances(datasetId, { boxesAsMasks: true }));
      const map = await rowOf(prepared, 'train', 0, 'masks');
      const [first, second] = [1, 2].map((number) => map.filter((value) => value === number).length) as [
        number,
        number,
      ];
      const [larger, smaller] = which === 'min' ? [first, second] : [second, first];
      expect(larger).toBeGreaterThan(smaller);
      expect(smaller).toBeGreaterThan(3);
    },
  );

  test('leave objects out that have only a box, unless boxes are asked for', async () => {
    const { fixture, datasetId } = await photographs();
    const prepared = await prepareIn(fixture, instances(datasetId));
    expect(prepared.data.train.objects).toEqual({ counts: [0], rows: [] });
    expect(prepared.data.evaluation.objects?.counts).toEqual([1]);
    expect(new Set(await rowOf(prepared, 'evaluation', 0, 'masks'))).toEqual(new Set([noObject, 1, padding.mask]));
  });
});

test('a class for the whole image is learned from folders of classes', async () => {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'classes');
  const picture = await photo({ widthPx: 50, heightPx: 20 });
  await writeFiles(folder, {
    'train/cat/a.jpg': picture,
    'train/dog/b.jpg': picture,
    'train/dog/c.jpg': picture,
    'val/cat/d.jpg': picture,
  });
  const { datasetId } = await importFolder(fixture, folder);
  const config = { ...testConfig(datasetId), data: { ...ofDataset(datasetId), fit: 'stretch' as const } };
  const { data } = await prepareIn(fixture, config);
  expect([data.train.labels, data.evaluation.labels]).toEqual([[0, 1, 1], [0]]);
  // Of one size, they may be taken at it.
  const own = await prepareIn(fixture, { ...config, data: { ...config.data, inputSize: null } });
  expect(own.data.packs[0]).toMatchObject({ widthPx: 50, heightPx: 20, channels: 3 });
});

test('images that differ in size need one to be chosen', async () => {
  const { fixture, datasetId } = await photographs();
  const config = { ...detection(datasetId), data: { ...ofDataset(datasetId), inputSize: null } };
  await expect(prepareIn(fixture, config)).rejects.toThrow(/differ in size: choose the size of the network's input\.$/);
});

test('the cache keeps what was used last, and what the run at hand needs', async () => {
  const fixture = await createProjectFixture();
  const cache = join(fixture.scratch, 'cache');
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  for (const [at, name] of ['old', 'new', 'needed', 'dead.part', 'growing.part'].entries()) {
    await mkdir(join(cache, name), { recursive: true });
    await writeFile(join(cache, name, 'pack.u8'), Buffer.alloc(100));
    await utimes(join(cache, name), at, at);
  }
  await utimes(join(cache, 'dead.part', 'pack.u8'), 0, 0);
  await sweepCache(cache, ['needed'], 150);
  expect(readdirSync(cache).sort()).toEqual(['growing.part', 'needed', 'new']);
});
