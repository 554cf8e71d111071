/** The command line: images by query, splits and their undo, leaks, health, versions, trash. */
import { describe, expect, it } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { DatasetHealth, TrashItem } from '../../src-main/contract/model/library.ts';
import type { DatasetId, ImageId, SplitChangeId, TrashEntryId } from '../../src-main/contract/model/ids.ts';
import { cli, projectId, requestsOf, stderr, stdout } from '../helpers/cli-session.ts';
import { sample } from '../helpers/fake-backend.ts';

const { datasetId, name } = sample.dataset;
const of = { projectId, datasetId };
const everything = { splits: [], categoryIds: [] };
const done = { ...sample.job, state: 'done' as const };

describe('images', () => {
  const item = (number: number) => ({ ...sample.image, imageId: number as ImageId, name: `photo ${number}.jpg` });

  it('are listed by name, page after page, as the query and the order say', async () => {
    const handlers: Partial<Handlers> = {
      'image.list': async ({ offset }) => ({ total: 3, items: offset === 0 ? [item(1), item(2)] : [item(3)] }),
    };
    expect(await cli(['images', name, '--query', 'class:cat', '--sort', 'labels', '--reverse'], { handlers })).toBe(0);
    expect(stdout).toBe('photo 1.jpg\nphoto 2.jpg\nphoto 3.jpg\n');
    const request = { ...of, filter: { ...everything, query: 'class:cat' }, order: { by: 'labels', descending: true } };
    expect(requestsOf('image.list')).toEqual([0, 2].map((offset) => ({ ...request, offset, limit: 1000 })));
    expect(await cli(['images', name, '--json'], { handlers })).toBe(0);
    expect((JSON.parse(stdout) as unknown[])[1]).toMatchObject({ imageId: 2, name: 'photo 2.jpg' });
  });

  it('can go by what a run found, and say so where no run is named', async () => {
    expect(await cli(['images', name, '--sort', 'score', '--run', sample.run.name])).toBe(0);
    expect(requestsOf('image.list')).toMatchObject([
      { order: { by: 'score', descending: false, runId: sample.run.runId } },
    ]);
    expect(await cli(['images', name, '--sort', 'score'])).toBe(2);
    expect(stderr).toContain('--run');
  });

  it('of a query that is wrong are not listed, and the reason is printed', async () => {
    const handlers: Partial<Handlers> = {
      'image.list': () =>
        Promise.reject(new FoveaError('bad-input', 'The query cannot be read: a bracket is not closed.')),
    };
    expect(await cli(['images', name, '--query', '(a'], { handlers })).toBe(1);
    expect(stderr).toContain('a bracket is not closed');
    expect(await cli(['images', 'nothing'])).toBe(1);
    expect(stderr).toContain('nothing');
  });
});

describe('split', () => {
  const change = { changeId: 4 as SplitChangeId, title: 'Split by class', madeAt: '2026-01-02T03:04:05Z', moved: 12 };
  const handlers: Partial<Handlers> = {
    'split.preview': async () => ({ counts: { train: 70, val: 20, test: 10 }, moved: 12 }),
    'split.assign': async () => change,
    'split.changes': async () => [change, { ...change, changeId: 3 as SplitChangeId }],
  };

  it('divides a data set as asked, and says what came of it', async () => {
    const args = ['split', name, '--how', 'random', '--train', '70', '--val', '20', '--seed', '9'];
    expect(await cli(args, { handlers })).toBe(0);
    const plan = { kind: 'random', seed: 9, shares: { train: 0.7, val: 0.2 } };
    expect(requestsOf('split.assign')).toMatchObject([{ ...of, filter: everything, plan }]);
    expect(stdout).toBe('70 train, 20 validation, 10 test; 12 images moved.\n');
    expect(await cli(['split', name, '--how', 'sorted'], { handlers })).toBe(0);
    expect(requestsOf('split.assign')).toMatchObject([{ plan: { kind: 'sorted', shares: { train: 0.8, val: 0.2 } } }]);
  });

  it('takes the latest change back, and says where there is none', async () => {
    expect(await cli(['split', name, '--undo'], { handlers })).toBe(0);
    expect(requestsOf('split.undo')).toEqual([{ projectId, changeId: 4 }]);
    expect(requestsOf('split.assign')).toEqual([]);
    expect(stdout).toBe('Taken back: Split by class, 12 images.\n');
    expect(await cli(['split', name, '--undo'], { handlers: { 'split.changes': async () => [] } })).toBe(1);
    expect(stderr).toContain('No change of splits can be taken back.');
  });

  it('refuses shares of more than everything', async () => {
    expect(await cli(['split', name, '--train', '90', '--val', '20'], { handlers })).toBe(2);
    expect(stderr).toContain('more than 100 %');
    expect(requestsOf('split.assign')).toEqual([]);
  });
});

describe('leaks', () => {
  const image = (title: string, split: 'train' | 'val') => ({ imageId: 1 as ImageId, name: title, split });
  const report = {
    ...{ compared: 5, total: 5, groupCount: 2, leakedImages: 2 },
    groups: [
      { kind: 'exact' as const, images: [image('a.jpg', 'train'), image('b.jpg', 'val')] },
      { kind: 'near' as const, images: [image('c.jpg', 'train'), image('d.jpg', 'train')] },
    ],
  };

  it('looks at every image first, and names those that are on both sides', async () => {
    const handlers: Partial<Handlers> = {
      'dataset.fingerprint': async () => done,
      'dataset.duplicates': async () => report,
    };
    expect(await cli(['leaks', name], { handlers })).toBe(0);
    expect(stdout).toBe('2 images have a double in another split.\nexact: a.jpg (train), b.jpg (val)\n');
  });

  it('ends as its job ends', async () => {
    const error = { code: 'io' as const, message: 'The disk is gone.' };
    const failed = { ...sample.job, state: 'failed' as const, error };
    expect(await cli(['leaks', name], { handlers: { 'dataset.fingerprint': async () => failed } })).toBe(1);
    expect(stderr).toContain('The disk is gone.');
    const cancelled = { ...sample.job, state: 'cancelled' as const };
    expect(await cli(['leaks', name], { handlers: { 'dataset.fingerprint': async () => cancelled } })).toBe(130);
  });
});

it('health says what a data set is like, and with which query to see it', async () => {
  const health = {
    ...{ imageCount: 4, labelCount: 9 },
    classes: [{ name: 'cat', labels: 9, images: 3 }],
    findings: [{ message: 'Images without a label', count: 1, query: 'is:unlabelled' }],
  };
  const handlers: Partial<Handlers> = { 'dataset.health': async () => health as unknown as DatasetHealth };
  expect(await cli(['health', name], { handlers })).toBe(0);
  expect(stdout).toBe('4 images, 9 labels\ncat: 9 labels on 3 images\nImages without a label: 1 (is:unlabelled)\n');
});

it('freeze records a version and prints its hash', async () => {
  const handlers: Partial<Handlers> = {
    'version.freeze': async () => done,
    'version.list': async () =>
      [
        {
          ...of,
          versionId: 1,
          datasetName: name,
          hash: 'abc123',
          createdAt: '',
          imageCount: 4,
          labelCount: 9,
          runs: [],
        },
      ] as never,
  };
  expect(await cli(['freeze', name], { handlers })).toBe(0);
  expect(stdout).toBe('abc123\n');
});

describe('trash', () => {
  const items: TrashItem[] = [
    { kind: 'images', entryId: 6 as TrashEntryId, datasetId, title: name, trashedAt: '2026-01-03', imageCount: 2 },
    { kind: 'dataset', datasetId: 8 as DatasetId, title: 'Old', trashedAt: '2026-01-02', imageCount: 70 },
  ];
  const handlers: Partial<Handlers> = { 'trash.list': async () => items };

  it('is listed with numbers, by which its entries come back', async () => {
    expect(await cli(['trash', 'list'], { handlers })).toBe(0);
    expect(stdout).toBe(`1  images of ${name}, 2 images, 2026-01-03\n2  data set Old, 70 images, 2026-01-02\n`);
    expect(await cli(['trash', 'restore', '2'], { handlers })).toBe(0);
    expect(requestsOf('trash.restore')).toEqual([{ projectId, item: { kind: 'dataset', datasetId: 8 } }]);
    expect(await cli(['trash', 'restore', '1'], { handlers })).toBe(0);
    expect(requestsOf('trash.restore')).toEqual([{ projectId, item: { kind: 'images', entryId: 6 } }]);
    expect(stdout).toBe(`Brought back: images of ${name}, 2 images, 2026-01-03\n`);
    expect(await cli(['trash', 'restore', '3'], { handlers })).toBe(1);
    expect(stderr).toContain('has no entry 3');
  });

  it('is emptied, and says that it is empty', async () => {
    expect(await cli(['trash', 'empty'], { handlers })).toBe(0);
    expect(requestsOf('trash.empty')).toEqual([{ projectId, item: null }]);
    expect(await cli(['trash', 'list'])).toBe(0);
    expect(stdout).toBe('The trash is empty.\n');
  });
});
