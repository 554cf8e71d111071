import { describe, expect, it } from 'vitest';
import type { CategoryId, DatasetId } from '../../../src-main/contract/model/ids.ts';
import type { LabelStatistics } from '../../../src-main/contract/model/label-statistics.ts';
import { LabelFacts, pixelShares } from '../../../src-renderer/state/label-facts.svelte.ts';
import { createFakeBackend, sample } from '../../helpers/fake-backend.ts';
import { createFakeApi } from './fake-api.ts';

const statistics: LabelStatistics = {
  images: 2,
  imageArea: 100,
  kinds: [{ kind: 'polygon', count: 2 }],
  classes: [{ categoryId: 1 as CategoryId, objects: 2, images: 1, area: 20 }],
};
const cat = { name: 'cat', categoryId: 1 as CategoryId };
const dog = { name: 'dog', categoryId: 2 as CategoryId };
const background = { name: 'background', categoryId: null };

describe('label facts', () => {
  it('are read once for each split', async () => {
    const backend = createFakeBackend({ 'run.labels': async () => statistics });
    const facts = new LabelFacts(createFakeApi(backend), sample.project.projectId);
    await facts.follow(sample.dataset.datasetId, 'train');
    await facts.follow(sample.dataset.datasetId, 'train');
    expect(facts.statistics).toEqual(statistics);
    expect(backend.requests.filter(({ name }) => name === 'run.labels')).toHaveLength(1);
    await facts.follow(sample.dataset.datasetId, 'val');
    expect(backend.requests.filter(({ name }) => name === 'run.labels')).toHaveLength(2);
  });

  it('of other data are never answered for those that are asked for', async () => {
    const other = 2 as DatasetId;
    const ofOther = Promise.withResolvers<LabelStatistics>();
    const backend = createFakeBackend({
      'run.labels': ({ datasetId }) => (datasetId === other ? ofOther.promise : Promise.resolve(statistics)),
    });
    const facts = new LabelFacts(createFakeApi(backend), sample.project.projectId);
    await facts.follow(sample.dataset.datasetId, 'train');
    const twice = [facts.follow(other, 'train'), facts.follow(other, 'train')];
    expect(facts.statistics).toBeNull();
    ofOther.resolve({ ...statistics, images: 9 });
    expect((await Promise.all(twice)).map((found) => found?.images)).toEqual([9, 9]);
    expect(facts.statistics?.images).toBe(9);
  });

  it('are read anew once labels have changed', async () => {
    const backend = createFakeBackend({ 'run.labels': async () => statistics });
    const facts = new LabelFacts(createFakeApi(backend), sample.project.projectId);
    await facts.follow(sample.dataset.datasetId, 'train');
    facts.forget();
    expect(facts.statistics).toEqual(statistics);
    await facts.follow(sample.dataset.datasetId, 'train');
    expect(backend.requests.filter(({ name }) => name === 'run.labels')).toHaveLength(2);
  });

  it('may be missing without harm', async () => {
    const backend = createFakeBackend({ 'run.labels': () => Promise.reject(new Error('gone')) });
    const facts = new LabelFacts(createFakeApi(backend), sample.project.projectId);
    expect(await facts.follow(sample.dataset.datasetId, 'train')).toBeNull();
  });

  it('give each class its share of the pixels, and what is left to the background', () => {
    expect(pixelShares(statistics, [background, cat, dog])).toEqual([0.8, 0.2, 0]);
    expect(pixelShares(statistics, [cat, dog])).toEqual([0.2, 0]);
    expect(pixelShares({ ...statistics, imageArea: 0, classes: [] }, [cat])).toEqual([0]);
  });
});
