/** The rule that the main process is never held up for more than 50 ms, kept while 60,000 images are imported and used. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serialiseCifar10Batch, serialiseCifar10Meta } from '../../src-main/formats/cifar10.ts';
import { CIFAR10_NAMES, drawImages, seededRandom, shuffledLabels } from '../helpers/generated-data.ts';
import { measureLoopLag } from '../helpers/loop-lag.ts';
import { createProjectFixture, type ProjectFixture, mediaOf } from '../helpers/service-fixture.ts';

const LIMIT_MS = 50;
/** A slow answer of the disk can hold up any single try; work of our own would hold up every one. */
const TRIES = 3;

/** 60,000 images, the same thousand again and again. */
async function writeLargeCifar10(folder: string): Promise<void> {
  const random = seededRandom(1);
  const labels = shuffledLabels(1000, random);
  const thousand = serialiseCifar10Batch({ labels, pixels: drawImages(labels, 3, 32, random) });
  const batch = Buffer.concat(Array<Uint8Array>(10).fill(thousand));
  await mkdir(folder);
  for (const name of ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch']) {
    await writeFile(join(folder, `${name}.bin`), batch);
  }
  await writeFile(join(folder, 'batches.meta.txt'), serialiseCifar10Meta(CIFAR10_NAMES));
}

/** The longest hold-up of the best of a few tries, without what an idle thread was held up by at the same time. */
async function bestLag(what: string, attempt: (number: number) => Promise<void>): Promise<number> {
  let bestMs = Infinity;
  for (let number = 1; number <= TRIES && bestMs >= LIMIT_MS; number++) {
    const { mainMs, idleMs } = await measureLoopLag(() => attempt(number));
    console.log(`${what}: main loop held up for ${mainMs.toFixed(1)} ms, an idle one for ${idleMs.toFixed(1)} ms`);
    bestMs = Math.min(bestMs, mainMs - idleMs);
  }
  return bestMs;
}

async function importAs(fixture: ProjectFixture, name: string): Promise<void> {
  const { projectId } = fixture.opened.project;
  const path = join(fixture.scratch, 'cifar');
  const job = await fixture.ended(
    await fixture.handlers['dataset.import']({ projectId, path, format: 'cifar10', name }),
  );
  expect(job).toMatchObject({ state: 'done', done: 60_000 });
}

test('importing, looking and deleting never hold up the main loop for 50 ms', { timeout: 120_000 }, async () => {
  const fixture = await createProjectFixture();
  const { projectId } = fixture.opened.project;
  await writeLargeCifar10(join(fixture.scratch, 'cifar'));

  expect(await bestLag('import', (number) => importAs(fixture, `Import ${number}`))).toBeLessThan(LIMIT_MS);

  const [dataset] = await fixture.handlers['dataset.list']({ projectId });
  const { datasetId, categories } = dataset!;
  const filter = { splits: ['train' as const], categoryIds: categories.slice(1).map(({ categoryId }) => categoryId) };
  const media = mediaOf(fixture);
  const look = async (): Promise<void> => {
    await fixture.handlers['dataset.list']({ projectId });
    expect((await fixture.handlers['dataset.facets']({ projectId, datasetId, filter })).total).toBe(45_000);
    const page = await fixture.handlers['image.list']({ projectId, datasetId, filter, offset: 44_000, limit: 500 });
    expect(page.items).toHaveLength(500);
    await Promise.all(page.items.map(({ imageId }) => media(`media/${projectId}/thumbnail/${imageId}`)));
  };
  expect(await bestLag('look', look)).toBeLessThan(LIMIT_MS);

  const remove = async (): Promise<void> => {
    const [newest] = await fixture.handlers['dataset.list']({ projectId });
    if (newest) await fixture.handlers['dataset.delete']({ projectId, datasetId: newest.datasetId });
  };
  expect(await bestLag('delete', remove)).toBeLessThan(LIMIT_MS);
});
