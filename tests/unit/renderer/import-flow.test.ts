import { expect, test, vi } from 'vitest';
import type { ImportReport } from '../../../src-main/contract/model/dataset.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { ImportFlow } from '../../../src-renderer/state/import-flow.svelte.ts';
import type { ImportRequest, JobList } from '../../../src-renderer/state/job-list.svelte.ts';

const report: ImportReport = {
  path: '/data/cifar',
  format: 'cifar10',
  labelSources: [],
  labelSource: null,
  suggestedName: 'CIFAR-10',
  categories: ['cat', 'dog'],
  splitCounts: { train: 2, val: 0, test: 1 },
  sizeBytes: 9219,
  importable: true,
  labelCounts: [2, 1],
  kindCounts: [{ kind: 'classification', count: 3 }],
  backgroundCount: 0,
  unlabelledCount: 0,
  failures: [],
  failureCount: 0,
};

function flowWith(inspect: (path: string) => Promise<ImportReport>) {
  const start = vi.fn((_request: ImportRequest): Promise<unknown> => Promise.resolve({}));
  const api = { call: (_name: string, request: { path: string }) => inspect(request.path) } as unknown as Api;
  return { flow: new ImportFlow(api, { import: start } as unknown as JobList), start };
}

test('from a path over the report to a started job', async () => {
  const { flow, start } = flowWith(() => Promise.resolve(report));
  flow.open();
  expect(flow.stage).toBe('choosing');
  const inspecting = flow.inspect('/data/cifar');
  expect(flow.stage).toBe('inspecting');
  await inspecting;
  expect([flow.stage, flow.name, flow.ready]).toEqual(['report', 'CIFAR-10', true]);
  flow.name = '  My cats ';
  await flow.start();
  expect(start).toHaveBeenCalledWith({
    path: '/data/cifar',
    format: 'cifar10',
    labelSource: null,
    name: 'My cats',
    copyFiles: false,
  });
  expect(flow.stage).toBe('closed');
});

test('what the report calls not importable cannot be imported, whatever else it found', async () => {
  const failures = [{ source: 'test_batch.bin', reason: 'ends at byte 20 of 30730000' }];
  const { flow } = flowWith(() => Promise.resolve({ ...report, importable: false, failures }));
  await flow.inspect('/data/cifar');
  expect([flow.stage, flow.ready]).toEqual(['report', false]);
});

test('a report without a known format, or an empty name, cannot be imported', async () => {
  const { flow, start } = flowWith(() => Promise.resolve({ ...report, format: null }));
  await flow.inspect('/data/cifar');
  expect(flow.ready).toBe(false);
  await flow.start();
  expect(start).not.toHaveBeenCalled();
  const { flow: nameless } = flowWith(() => Promise.resolve(report));
  await nameless.inspect('/data/cifar');
  nameless.name = '   ';
  expect(nameless.ready).toBe(false);
});

test('a path that cannot be looked into stays in the field, with the reason', async () => {
  const { flow } = flowWith(() => Promise.reject(new Error('There is nothing at /data/nope.')));
  await flow.inspect('/data/nope');
  expect([flow.stage, flow.path]).toEqual(['choosing', '/data/nope']);
  expect(flow.error).toMatchObject({ message: 'There is nothing at /data/nope.' });
});

test('a refused start keeps the report and shows why', async () => {
  const { flow, start } = flowWith(() => Promise.resolve(report));
  await flow.inspect('/data/cifar');
  start.mockRejectedValueOnce(new Error('The disk is full.'));
  await flow.start();
  expect([flow.stage, flow.report]).toEqual(['report', report]);
  expect(flow.error).toMatchObject({ message: 'The disk is full.' });
});

test('an answer that comes after the dialog was closed changes nothing', async () => {
  let answer: (value: ImportReport) => void = () => {};
  const { flow } = flowWith(() => new Promise((resolve) => (answer = resolve)));
  const inspecting = flow.inspect('/data/cifar');
  flow.close();
  answer(report);
  await inspecting;
  expect([flow.stage, flow.report]).toEqual(['closed', null]);
});

test('a drop is looked into where its path is known, and refused with a word where it is not', async () => {
  const { flow } = flowWith(() => Promise.resolve(report));
  flow.dropped([null]);
  expect([flow.stage, flow.dropRefused]).toEqual(['choosing', true]);
  flow.dropped(['/data/cifar']);
  expect([flow.stage, flow.dropRefused, flow.path]).toEqual(['inspecting', false, '/data/cifar']);
});

test('of several that are dropped each is looked into, imported or skipped in its turn', async () => {
  const asked: string[] = [];
  const { flow, start } = flowWith((path) => {
    asked.push(path);
    return path.endsWith('b.zip') ? Promise.reject(new Error('damaged')) : Promise.resolve({ ...report, path });
  });
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
  flow.dropped(['/data/one', '/data/photos/1.jpg', '/data/photos/2.JPG', '/data/b.zip', 'C:\\x\\y.png']);
  await settled();
  expect([flow.drop.paths, flow.path, flow.hasNext]).toEqual([
    ['/data/one', '/data/photos', '/data/b.zip', 'C:\\x'],
    '/data/one',
    true,
  ]);
  await flow.start();
  await settled();
  expect([flow.stage, flow.path, start.mock.calls.length]).toEqual(['report', '/data/photos', 1]);
  flow.next();
  await settled();
  expect([flow.stage, flow.path, flow.error]).toEqual(['choosing', '/data/b.zip', new Error('damaged')]);
  flow.next();
  await settled();
  expect([flow.stage, flow.hasNext]).toEqual(['report', false]);
  await flow.start();
  expect([flow.stage, flow.drop.paths]).toEqual(['closed', []]);
  expect(asked).toEqual(['/data/one', '/data/photos', '/data/b.zip', 'C:\\x']);
});

test('the same path read as another format keeps the name and the choice to copy', async () => {
  const asked: unknown[] = [];
  const start = vi.fn((): Promise<unknown> => Promise.resolve({}));
  const call = (_name: string, request: { format?: ImportReport['format'] }) => {
    asked.push(request);
    return Promise.resolve({ ...report, format: request.format ?? 'yolo' });
  };
  const flow = new ImportFlow({ call } as unknown as Api, { import: start } as unknown as JobList);
  await flow.inspect('/data/x');
  flow.name = 'Mine';
  flow.copyFiles = true;
  await flow.inspectAs('images');
  expect(asked).toEqual([{ path: '/data/x' }, { path: '/data/x', format: 'images' }]);
  await flow.start();
  expect(start).toHaveBeenCalledWith({
    path: '/data/x',
    format: 'images',
    labelSource: null,
    name: 'Mine',
    copyFiles: true,
  });
});
