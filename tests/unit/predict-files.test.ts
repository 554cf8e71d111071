/** Image files that belong to no data set, through the thread that reads them and the child process that runs the network. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rleArea } from '../../src-main/contract/geometry/rle.ts';
import type { PredictionDocument, Tiling } from '../../src-main/contract/model/image-prediction.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import { filesToPredict, predictFiles } from '../../src-main/services/predict/predict-files.ts';
import { WorkerPool } from '../../src-main/services/workers/worker-pool.ts';
import { makeScenes, scenesConfig } from '../helpers/detection-run.ts';
import { writeFreshRun } from '../helpers/fresh-run.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { makeShapes, shapesConfig } from '../helpers/segmentation-run.ts';
import { smallConfig } from '../helpers/run-config.ts';
import { makeSmallData, type SmallData } from '../helpers/training-run.ts';

const { launchTask, launchWorker } = nodePorts();
const tools = { launchTask, workers: new WorkerPool(launchWorker) };
afterAll(() => tools.workers.close());

let folder: string;
let photos: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-predict-files-'));
  photos = join(folder, 'photos');
  await writeFiles(photos, {
    'b10.jpg': await photo({ widthPx: 60, heightPx: 30 }),
    // It lies on its side: upright it is 30 wide and 40 high.
    'b2.jpg': await photo({ widthPx: 40, heightPx: 30, orientation: 6 }),
    'deeper/c.png': await photo({ widthPx: 33, heightPx: 47 }, 'png'),
    'broken.jpg': 'this is no image',
    'notes.txt': 'nor this',
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const requestOf = (changes: object = {}) => ({
  paths: [photos],
  checkpoint: 'best' as const,
  scoreThreshold: 0.1,
  output: join(folder, 'said.json'),
  overwrite: false,
  ...changes,
});

async function predictWith(config: RunConfig, run: SmallData, changes: object = {}): Promise<PredictionDocument> {
  await writeFreshRun(config, run);
  const request = requestOf(changes);
  const progress: object[] = [];
  const { signal } = new AbortController();
  const place = { name: 'fresh', folder: run.folder };
  const files = await filesToPredict(request);
  await predictFiles(tools, place, files, request, (step) => progress.push(step), signal);
  const document = JSON.parse(await readFile(request.output, 'utf8')) as PredictionDocument;
  expect(progress).toContainEqual({ step: 'Predicting', done: 4, total: 4 });
  expect(document.failures).toEqual([
    { file: join(photos, 'broken.jpg'), reason: expect.stringContaining('no image of a known format') as string },
  ]);
  expect(document.images.map(({ file, widthPx, heightPx }) => [file, widthPx, heightPx])).toEqual([
    [join(photos, 'b2.jpg'), 30, 40],
    [join(photos, 'b10.jpg'), 60, 30],
    [join(photos, 'deeper', 'c.png'), 33, 47],
  ]);
  return document;
}

describe('says of files', () => {
  let run: SmallData;
  afterEach(() => run.dispose());

  test('which class', { timeout: 60_000 }, async () => {
    run = await makeSmallData({ train: 4, test: 2, channels: 3, side: 32 });
    const { images, classes } = await predictWith(smallConfig(), run);
    expect(classes).toEqual(run.data.categories);
    for (const { said } of images) {
      expect(said.kind).toBe('category');
      if (said.kind !== 'category') continue;
      expect(said.probabilities.length).toBe(10);
      expect(said.probabilities.reduce((sum, share) => sum + share)).toBeCloseTo(1, 5);
    }
  });

  test('which class each pixel has, in the size of the file', { timeout: 60_000 }, async () => {
    run = await makeShapes({ train: 2, test: 2, side: 64, squares: true });
    const { images } = await predictWith(shapesConfig(), run);
    for (const { said, widthPx, heightPx } of images) {
      expect(said.kind).toBe('masks');
      if (said.kind !== 'masks') continue;
      const areas = said.masks.map(({ rle }) => {
        expect(rle).toMatchObject({ widthPx, heightPx });
        return rleArea(rle);
      });
      expect(areas.reduce((sum, area) => sum + area)).toBe(widthPx * heightPx);
    }
  });

  test('the same in tiles where one tile shows the whole image, and no less in many', { timeout: 60_000 }, async () => {
    run = await makeShapes({ train: 2, test: 2, side: 64, squares: true });
    await writeFiles(photos, {
      'exact.png': await photo({ widthPx: 64, heightPx: 64 }, 'png'),
      'large.png': await photo({ widthPx: 150, heightPx: 97 }, 'png'),
    });
    await writeFreshRun(shapesConfig(), run);
    const files = [join(photos, 'exact.png'), join(photos, 'large.png')];
    const said = async (tiles: Tiling | null): Promise<PredictionDocument> => {
      const request = { ...requestOf({ overwrite: true }), tiles };
      const place = { name: 'fresh', folder: run.folder };
      await predictFiles(tools, place, files, request, () => undefined, new AbortController().signal);
      return JSON.parse(await readFile(request.output, 'utf8')) as PredictionDocument;
    };
    const [whole, tiled] = [await said(null), await said({ overlap: 0.25 })];
    expect(tiled.images[0]).toEqual(whole.images[0]);
    const { said: large, widthPx, heightPx } = tiled.images[1]!;
    expect(large.kind === 'masks' && large.masks.reduce((sum, { rle }) => sum + rleArea(rle), 0)).toBe(
      widthPx * heightPx,
    );
    expect(large).not.toEqual(whole.images[1]!.said);
  });

  test('nothing in tiles that cannot be joined', { timeout: 60_000 }, async () => {
    run = await makeSmallData({ train: 4, test: 2, channels: 3, side: 32 });
    await expect(predictWith(smallConfig(), run, { tiles: { overlap: 0.25 } })).rejects.toThrow(
      'Tiles are joined for segmentation only',
    );
  });

  test('where objects are, within the file', { timeout: 60_000 }, async () => {
    run = await makeScenes({ world: 'street', train: 1, test: 1, widthPx: 96, heightPx: 64 });
    const { images } = await predictWith(scenesConfig(), run);
    for (const { said, widthPx, heightPx } of images) {
      expect(said.kind).toBe('boxes');
      if (said.kind !== 'boxes') continue;
      expect(said.boxes.length).toBeGreaterThan(0);
      for (const { bboxXyxy, score } of said.boxes) {
        const [x1, y1, x2, y2] = bboxXyxy;
        expect(Math.min(x1, y1, x2 - x1, y2 - y1)).toBeGreaterThanOrEqual(0);
        expect(x2).toBeLessThanOrEqual(widthPx);
        expect(y2).toBeLessThanOrEqual(heightPx);
        expect(score).toBeGreaterThan(0.1);
      }
      expect(said.boxes.map(({ score }) => score)).toEqual(
        said.boxes.map(({ score }) => score).toSorted((a, b) => b - a),
      );
    }
  });

  test('nothing where it is cancelled, and leaves nothing', async () => {
    run = await makeSmallData({ train: 4, test: 2, channels: 3, side: 32 });
    await writeFreshRun(smallConfig(), run);
    const request = requestOf();
    const abort = new AbortController();
    const place = { name: 'fresh', folder: run.folder };
    const working = predictFiles(tools, place, [join(photos, 'b2.jpg')], request, () => abort.abort(), abort.signal);
    await expect(working).rejects.toBeDefined();
    expect(existsSync(request.output)).toBe(false);
  });
});

test('what cannot be begun is refused before anything is done', async () => {
  await expect(filesToPredict(requestOf({ output: join(folder, 'said.txt') }))).rejects.toThrow('are a .json file');
  await writeFiles(folder, { 'said.json': '{}' });
  await expect(filesToPredict(requestOf())).rejects.toMatchObject({ code: 'already-exists' });
  await expect(filesToPredict(requestOf({ overwrite: true, paths: [join(photos, 'gone')] }))).rejects.toMatchObject({
    code: 'not-found',
  });
  await writeFiles(folder, { 'empty/notes.txt': '' });
  const nothing = requestOf({ overwrite: true, paths: [join(folder, 'empty')] });
  await expect(filesToPredict(nothing)).rejects.toThrow('There is no image in');
});
