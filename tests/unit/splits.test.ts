/** Splits: in the shares that were asked for, the same for the same seed, taken back whole, and checked for leaks. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { Split } from '../../src-main/contract/model/dataset.ts';
import type { CategoryId, ImageId } from '../../src-main/contract/model/ids.ts';
import type { SplitPlan } from '../../src-main/contract/model/splits.ts';
import { assignSplits, type SplitImage } from '../../src-main/services/splits/assign.ts';
import { imagesAsTheyAre } from '../../src-main/contract/model/run-images.ts';
import { LeakChecks } from '../../src-main/services/runs/leak-check.ts';
import { sweepSplitChanges } from '../../src-main/services/splits/change-splits.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { everything, importFolder } from '../helpers/import-folder.ts';
import { createProjectFixture, type ProjectFixture } from '../helpers/service-fixture.ts';

const shares = { train: 0.7, val: 0.2, test: 0.1 };

function images(count: number, classesOf: (index: number) => number[] = () => []): SplitImage[] {
  return Array.from({ length: count }, (_, index) => ({
    imageId: (index + 1) as ImageId,
    name: `scene ${index % 13}/${String(index).padStart(5, '0')}.jpg`,
    split: 'train' as const,
    categoryIds: classesOf(index) as CategoryId[],
  }));
}

function counts(splits: readonly Split[]): number[] {
  return (['train', 'val', 'test'] as const).map((split) => splits.filter((own) => own === split).length);
}

test('random: exact shares, the same for the same seed, another for another', () => {
  const all = images(1003);
  const plan: SplitPlan = { kind: 'random', seed: 5, shares };
  const first = assignSplits(all, plan);
  expect(counts(first)).toEqual([702, 201, 100]);
  expect(assignSplits(all, plan)).toEqual(first);
  expect(assignSplits(all, { ...plan, seed: 6 })).not.toEqual(first);
  // Not a block of the list: neighbours go to different splits.
  const changes = first.filter((split, index) => index > 0 && split !== first[index - 1]).length;
  expect(changes).toBeGreaterThan(300);
});

test('stratified: every class has the shares, whichever of several classes an image has', () => {
  const random = seededRandom(3);
  // Class 1 on nearly all images, 2 on a tenth, 3 on one in fifty.
  const all = images(2000, () => [1, ...(random() < 0.1 ? [2] : []), ...(random() < 0.02 ? [3] : [])]);
  const assigned = assignSplits(all, { kind: 'stratified', seed: 1, shares });
  expect(counts(assigned)).toEqual([1400, 400, 200]);
  for (const id of [1, 2, 3] as CategoryId[]) {
    const own = assigned.filter((_, index) => all[index]!.categoryIds.includes(id));
    const [train = 0, val = 0, testing = 0] = counts(own);
    expect(Math.abs(train / own.length - 0.7), `train of class ${id}`).toBeLessThan(0.05);
    expect(Math.abs(val / own.length - 0.2), `val of class ${id}`).toBeLessThan(0.05);
    expect(testing, `test of class ${id}`).toBeGreaterThan(0);
  }
});

test('by folder: no folder is torn, and the shares are near', () => {
  const all = images(1300);
  const assigned = assignSplits(all, { kind: 'folders', seed: 2, shares });
  const splitsOf = Map.groupBy(assigned.keys(), (index) => all[index]!.name.split('/')[0]!);
  for (const [folder, own] of splitsOf) expect(new Set(own.map((index) => assigned[index])).size, folder).toBe(1);
  expect(counts(assigned)).toEqual([900, 300, 100]);
});

test('sorted: the first four fifths of the names train, whatever their order in the list', () => {
  const all = images(10).reverse();
  const assigned = assignSplits(all, { kind: 'sorted', shares: { train: 0.8, val: 0.2, test: 0 } });
  const byName = [...all.keys()].sort((a, b) => (all[a]!.name < all[b]!.name ? -1 : 1));
  expect(byName.map((index) => assigned[index])).toEqual([...Array<Split>(8).fill('train'), 'val', 'val']);
});

test('no images, one image, and shares of nothing', () => {
  for (const kind of ['random', 'stratified', 'folders'] as const) {
    expect(assignSplits([], { kind, seed: 1, shares })).toEqual([]);
    expect(assignSplits(images(1), { kind, seed: 1, shares: { train: 0, val: 0, test: 1 } })).toEqual(['test']);
    expect(assignSplits(images(3), { kind, seed: 1, shares: { train: 1, val: 0, test: 0 } })).toEqual(
      Array(3).fill('train'),
    );
  }
});

async function manyImages(
  count: number,
): Promise<{ fixture: ProjectFixture; datasetId: Awaited<ReturnType<typeof importFolder>>['datasetId'] }> {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'many');
  const picture = await photo();
  const files = Array.from(
    { length: count },
    (_, index) => [`${String(index).padStart(3, '0')}.jpg`, picture] as const,
  );
  await writeFiles(folder, Object.fromEntries(files));
  const { datasetId } = await importFolder(fixture, folder);
  return { fixture, datasetId };
}

test('a change is previewed, made, kept and taken back', async () => {
  const { fixture, datasetId } = await manyImages(40);
  const { handlers, opened } = fixture;
  const { projectId } = opened.project;
  const scope = { projectId, datasetId, filter: everything };
  const countsNow = () => opened.store.datasets.get(datasetId).splitCounts;
  const plan: SplitPlan = { kind: 'random', seed: 9, shares };
  expect(await handlers['split.preview']({ ...scope, plan })).toEqual({
    counts: { train: 28, val: 8, test: 4 },
    moved: 12,
  });
  expect(countsNow()).toEqual({ train: 40, val: 0, test: 0 });
  const change = (await handlers['split.assign']({ ...scope, plan }))!;
  expect(change).toMatchObject({ title: 'Split at random', moved: 12 });
  expect(countsNow()).toEqual({ train: 28, val: 8, test: 4 });
  expect(await handlers['split.assign']({ ...scope, plan })).toBeNull();
  // Only the images of a filter, and of these only those that are named.
  const val = { ...scope, filter: { splits: ['val' as const], categoryIds: [] } };
  const { items } = await handlers['image.list']({ ...val, offset: 0, limit: 3 });
  const some = items.map(({ imageId }) => imageId);
  const second = await handlers['split.assign']({
    ...val,
    imageIds: [...some, 99999 as ImageId],
    plan: { kind: 'set', split: 'test' },
  });
  expect(second).toMatchObject({ moved: 3 });
  expect(countsNow()).toEqual({ train: 28, val: 5, test: 7 });
  expect(await handlers['split.changes']({ projectId, datasetId })).toEqual([second, change]);
  await handlers['split.undo']({ projectId, changeId: second!.changeId });
  await handlers['split.undo']({ projectId, changeId: change.changeId });
  expect(countsNow()).toEqual({ train: 40, val: 0, test: 0 });
  expect(await handlers['split.changes']({ projectId, datasetId })).toEqual([]);
  await expect(handlers['split.undo']({ projectId, changeId: change.changeId })).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('what a crash left half-way is taken back when the project is opened', async () => {
  const { fixture, datasetId } = await manyImages(6);
  const { opened } = fixture;
  const { splits, datasets, images: repository } = opened.store;
  const ids = repository.idsInRange(datasetId, everything, repository.idRange(datasetId)!);
  const changeId = splits.begin(datasetId, 'Split at random', '2026-01-01');
  splits.move(
    changeId,
    ids.slice(0, 4).map((imageId) => ({ imageId, split: 'test' as const })),
  );
  expect(datasets.get(datasetId).splitCounts.test).toBe(4);
  await sweepSplitChanges(opened);
  expect(datasets.get(datasetId).splitCounts).toEqual({ train: 6, val: 0, test: 0 });
  expect(splits.leftovers()).toEqual([]);
});

test(
  'a leak is found: the same file, the same picture smaller, but not another picture',
  { timeout: 180_000 },
  async () => {
    const fixture = await createProjectFixture();
    const { handlers, opened, ended, scratch, workers } = fixture;
    const folder = join(scratch, 'leaky');
    const random = seededRandom(4);
    const drawn = async (): Promise<Buffer> => {
      const spots = Array.from({ length: 20 }, () => {
        const [x, y, r] = [random() * 400, random() * 300, 20 + random() * 60];
        return `<circle cx="${x}" cy="${y}" r="${r}" fill="rgb(${random() * 255},${random() * 255},${random() * 255})"/>`;
      });
      return sharp(
        Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">${spots.join('')}</svg>`),
      )
        .jpeg()
        .toBuffer();
    };
    const [a, b, c] = [await drawn(), await drawn(), await drawn()];
    await writeFiles(folder, {
      'train/a.jpg': a,
      'train/b.jpg': b,
      'train/c.jpg': c,
      'val/b small.webp': await sharp(b).resize(160).webp({ quality: 60 }).toBuffer(),
      'val/flat.png': await sharp({ create: { width: 9, height: 9, channels: 3, background: '#888' } })
        .png()
        .toBuffer(),
      'val/flat 2.png': await sharp({ create: { width: 8, height: 8, channels: 3, background: '#777' } })
        .png()
        .toBuffer(),
      'train/d.jpg': await drawn(),
    });
    await copyFile(join(folder, 'train/a.jpg'), join(folder, 'val', 'a copy.jpg'));
    await copyFile(join(folder, 'train/c.jpg'), join(folder, 'train', 'c copy.jpg'));
    const { datasetId } = await importFolder(fixture, folder);
    const { projectId } = opened.project;
    expect(await handlers['dataset.duplicates']({ projectId, datasetId })).toMatchObject({
      compared: 0,
      total: 9,
      groups: [],
    });
    const job = await ended(await handlers['dataset.fingerprint']({ projectId, datasetId }));
    expect(job).toMatchObject({ state: 'done', done: 9, error: null });
    const report = await handlers['dataset.duplicates']({ projectId, datasetId });
    expect(report).toMatchObject({ compared: 9, groupCount: 3, leakedImages: 4 });
    // A run that learns from one split and is measured by the other is told.
    const leaks = new LeakChecks(workers);
    const data = { ...imagesAsTheyAre, datasetId, trainSplit: 'train', evaluationSplit: 'val' } as const;
    expect(await leaks.check(opened, { data })).toEqual([
      {
        severity: 'warning',
        message:
          "2 images of the split “val” are in the split “train” too, or look like one there: the run will seem better than it is. See the leaks on the data set's Health page.",
        path: 'data.evaluationSplit',
      },
    ]);
    expect(await leaks.check(opened, { data: { ...data, evaluationSplit: 'test' } })).toEqual([]);
    const inWords = report.groups.map(
      ({ kind, images: own }) =>
        `${kind}: ${own
          .map(({ name }) => name)
          .sort()
          .join(' = ')}`,
    );
    expect(inWords).toEqual([
      'exact: train/a.jpg = val/a copy.jpg',
      'near: train/b.jpg = val/b small.webp',
      'exact: train/c copy.jpg = train/c.jpg',
    ]);
    // What is known is not looked at again, and a file that changed is.
    await writeFiles(folder, { 'train/d.jpg': a });
    const again = await ended(await handlers['dataset.fingerprint']({ projectId, datasetId }));
    expect(again.state).toBe('done');
    expect(await handlers['dataset.duplicates']({ projectId, datasetId })).toMatchObject({ leakedImages: 5 });
  },
);
