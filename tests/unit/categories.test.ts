import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CategoryId } from '../../src-main/contract/model/ids.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { createProjectFixture } from '../helpers/service-fixture.ts';

async function importedPhotos() {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'photos');
  await writeFiles(folder, { 'a.jpg': await photo(), 'b.jpg': await photo() });
  const { projectId } = fixture.opened.project;
  const job = await fixture.handlers['dataset.import']({ projectId, path: folder, format: 'images', name: 'Photos' });
  await fixture.ended(job);
  const [dataset] = await fixture.handlers['dataset.list']({ projectId });
  return { ...fixture, projectId, datasetId: dataset!.datasetId };
}

test('a data set without classes gets them one by one, with colours of their own', async () => {
  const { handlers, projectId, datasetId, events } = await importedPhotos();
  const cat = await handlers['category.create']({ projectId, datasetId, name: 'cat' });
  const dog = await handlers['category.create']({ projectId, datasetId, name: 'dog' });
  await handlers['category.recolour']({ projectId, categoryId: dog.categoryId, colour: 9 });
  await handlers['category.rename']({ projectId, categoryId: cat.categoryId, name: 'lynx' });
  const [dataset] = await handlers['dataset.list']({ projectId });
  expect(dataset!.categories).toEqual([
    { categoryId: cat.categoryId, ordinal: 0, name: 'lynx' },
    { categoryId: dog.categoryId, ordinal: 1, name: 'dog', colour: 9 },
  ]);
  await handlers['category.recolour']({ projectId, categoryId: dog.categoryId, colour: null });
  expect((await handlers['dataset.list']({ projectId }))[0]!.categories[1]).not.toHaveProperty('colour');
  expect(events.filter(({ name }) => name === 'dataset.changed').length).toBeGreaterThanOrEqual(5);
});

test('two classes of one name are refused, and so is a class that is not there', async () => {
  const { handlers, projectId, datasetId } = await importedPhotos();
  const cat = await handlers['category.create']({ projectId, datasetId, name: 'cat' });
  const dog = await handlers['category.create']({ projectId, datasetId, name: 'dog' });
  await expect(handlers['category.create']({ projectId, datasetId, name: 'cat' })).rejects.toMatchObject({
    code: 'already-exists',
    message: 'This data set has a class named “cat” already.',
  });
  await expect(
    handlers['category.rename']({ projectId, categoryId: dog.categoryId, name: 'cat' }),
  ).rejects.toMatchObject({ code: 'already-exists' });
  // Its own name is no clash.
  await handlers['category.rename']({ projectId, categoryId: cat.categoryId, name: 'cat' });
  await expect(
    handlers['category.rename']({ projectId, categoryId: 999 as CategoryId, name: 'x' }),
  ).rejects.toMatchObject({ code: 'not-found' });
});
