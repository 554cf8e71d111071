/** Drawn sample sets: the same seed draws the same bytes, labels lie on what they name, and a set arrives as a data set. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeRle, rleArea, rleBounds } from '../../src-main/contract/geometry/rle.ts';
import { sampleProjectSet, sampleWorlds, type SampleWorld } from '../../src-main/contract/model/sample.ts';
import { classesOf, drawScene, sceneSize, type Scene } from '../../src-main/services/sample/scene.ts';
import { createProjectFixture } from '../helpers/service-fixture.ts';

const worlds = Object.keys(sampleWorlds) as SampleWorld[];
const hashOf = ({ bytes, objects }: Scene): string =>
  createHash('sha256').update(bytes).update(JSON.stringify(objects)).digest('hex').slice(0, 16);

describe.each(worlds)('%s', (world) => {
  const scenes = Array.from({ length: 12 }, (_, index) => drawScene(world, 1, index));

  test('is the same for the same seed, and another for another', () => {
    expect(hashOf(drawScene(world, 1, 3))).toBe(hashOf(scenes[3]!));
    const hashes = [...scenes, drawScene(world, 2, 3)].map(hashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('labels what is seen: boxes hold their masks, masks lie apart, and the class is one of the world', () => {
    const { widthPx, heightPx } = sceneSize;
    for (const { objects, bytes } of scenes) {
      expect(bytes.length).toBe(3 * widthPx * heightPx);
      expect(objects.length).toBeGreaterThan(0);
      const seen = new Uint8Array(widthPx * heightPx);
      for (const { category, bboxXyxy, rle } of objects) {
        expect(classesOf(world)[category]).toBeTypeOf('string');
        expect(bboxXyxy).toEqual(rleBounds(rle));
        expect(rleArea(rle)).toBeGreaterThanOrEqual(60);
        decodeRle(rle).forEach((own, pixel) => (seen[pixel] = seen[pixel]! + own));
      }
      expect(Math.max(...seen)).toBe(1);
    }
    const categories = new Set(scenes.flatMap(({ objects }) => objects.map(({ category }) => category)));
    expect(categories.size).toBe(classesOf(world).length);
  });
});

test('the worlds share no class', () => {
  const all = worlds.flatMap(classesOf);
  expect(new Set(all).size).toBe(all.length);
});

test('a set is drawn into the project, with boxes and masks, and leaves nothing else behind', async () => {
  const fixture = await createProjectFixture();
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const set = { ...sampleProjectSet, trainImages: 3, valImages: 2 };
  const job = await fixture.ended(await handlers['dataset.importSample']({ projectId, set }));
  expect(job).toMatchObject({ state: 'done', error: null });
  const [dataset] = await handlers['dataset.list']({ projectId });
  expect(dataset).toMatchObject({
    name: 'Street scenes',
    source: 'drawn by Fovea, seed 1',
    splitCounts: { train: 3, val: 2, test: 0 },
    imageSize: { widthPx: 320, heightPx: 240, channels: 3 },
  });
  expect(dataset!.categories.map(({ name }) => name)).toEqual(classesOf('street'));
  const filter = { splits: [], categoryIds: [] };
  const { datasetId } = dataset!;
  const { items } = await handlers['image.list']({ projectId, datasetId, filter, offset: 0, limit: 10 } as never);
  const wanted = Array.from({ length: 5 }, (_, index) => drawScene('street', 1, index).objects);
  expect(items.map(({ annotations }) => annotations.map(({ kind, bboxXyxy }) => [kind, bboxXyxy]))).toEqual(
    wanted.map((objects) => objects.map(({ bboxXyxy }) => ['mask', [...bboxXyxy]])),
  );
  const [scratch, pretrained] = opened.store.presets
    .list()
    .map(({ name, config }) => ({ name, ...config }))
    .toSorted((a, b) => Number(a.weights !== null) - Number(b.weights !== null));
  expect(scratch).toMatchObject({ task: 'detection', data: { datasetId, inputSize: { widthPx: 160, heightPx: 128 } } });
  expect(pretrained).toEqual({
    ...scratch,
    name: 'Sample: from the countryside',
    weights: { source: 'catalogue', id: 'fovea-yolov8n-countryside' },
  });
  expect(readdirSync(opened.folder).filter((name) => name.startsWith('sample'))).toEqual([]);
  // A second one has a name of its own.
  const again = await fixture.ended(await handlers['dataset.importSample']({ projectId, set }));
  expect(again.state).toBe('done');
  const names = (await handlers['dataset.list']({ projectId })).map(({ name }) => name);
  expect(names.toSorted()).toEqual(['Street scenes', 'Street scenes (2)']);
});
