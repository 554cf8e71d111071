/** The command line: projects, and data sets in and out. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import { createFakeBackend, sample } from '../helpers/fake-backend.ts';
import {
  aborted,
  backend,
  cli,
  folder,
  interrupt,
  projectId,
  requestsOf,
  stderr,
  stdout,
  until,
} from '../helpers/cli-session.ts';

describe('projects', () => {
  it('are made in the folder where the person is', async () => {
    expect(await cli(['project', 'create', 'Mine'], { cwd: folder })).toBe(0);
    expect(requestsOf('project.create')).toEqual([{ name: 'Mine', parentFolder: folder }]);
    expect(stdout).toBe('Sample: /projects/sample\n');
  });

  it('are listed, as text or as JSON', async () => {
    expect(await cli(['project', 'list'])).toBe(0);
    expect(stdout).toBe('project  images  runs  folder\nSample      120     1  /projects/sample\n');
    await cli(['project', 'list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'Sample', imageCount: 120 }]);
  });

  it.each([
    ['the folder around', [], 'project/inside', 'project'],
    ['a relative path', ['-p', 'project'], '.', 'project'],
  ])('are found by %s', async (_what, options, cwd, expected) => {
    expect(await cli(['datasets', ...options], { cwd: join(folder, cwd) })).toBe(0);
    expect(requestsOf('project.open')).toEqual([{ path: join(folder, expected) }]);
  });

  it('are found by the name of a recent one', async () => {
    expect(await cli(['datasets', '-p', 'Sample'], { cwd: folder })).toBe(0);
    expect(requestsOf('project.open')).toEqual([{ path: '/projects/sample' }]);
  });

  it('that are not there are named, with what there is', async () => {
    expect(await cli(['datasets', '-p', 'Nothing'], { cwd: folder })).toBe(1);
    expect(stderr).toContain(`There is no project at ${join(folder, 'Nothing')}, and no recent one named "Nothing"`);
    expect(stderr).toContain('Recent projects: Sample.');
    expect(await cli(['datasets'], { cwd: folder })).toBe(2);
    expect(stderr).toContain('is not inside a project. Say which one with --project');
  });
});

describe('import', () => {
  const done: Job = { ...sample.job, state: 'done', datasetId: 1 as DatasetId };
  const ended = (job: Job): Partial<Handlers> => ({ 'job.list': async () => [job] });

  it('looks first, imports with the suggested name, and prints the data set', async () => {
    expect(await cli(['import', 'tiny', '--json'], { handlers: ended(done) })).toBe(0);
    const path = join(folder, 'project', 'tiny');
    expect(requestsOf('dataset.inspect')).toEqual([{ path }]);
    expect(requestsOf('dataset.import')).toEqual([{ projectId, path, format: 'cifar10', name: 'Tiny' }]);
    expect(JSON.parse(stdout)).toEqual([sample.dataset]);
  });

  it('shows live on a terminal how far it is', async () => {
    const result = cli(['import', 'tiny'], { isTTY: true });
    await until(() => requestsOf('job.list').length > 0);
    backend.emit('job.changed', { ...sample.job, done: 60, ratePerSecond: 2000, secondsLeft: 90 });
    expect(stderr).toContain('reading data_batch_1.bin  60 of 120  2,000/s  2 min left');
    backend.emit('job.changed', done);
    expect(await result).toBe(0);
    expect(stderr.endsWith('\r\x1b[K')).toBe(true);
    expect(backend.subscriberCount()).toBe(0);
  });

  it('says why it failed', async () => {
    const error = { code: 'bad-input', message: 'data_batch_2.bin: truncated at byte 3072' };
    expect(await cli(['import', 'tiny'], { handlers: ended({ ...sample.job, state: 'failed', error }) })).toBe(1);
    expect(stderr).toContain('data_batch_2.bin: truncated at byte 3072');
    expect(stdout).toBe('');
  });

  it('copies files and takes the format that was asked for', async () => {
    expect(await cli(['import', 'tiny', '--copy', '--format', 'yolo'], { handlers: ended(done) })).toBe(0);
    expect(requestsOf('dataset.inspect')).toMatchObject([{ format: 'yolo' }]);
    expect(requestsOf('dataset.import')).toMatchObject([{ format: 'yolo', copyFiles: true }]);
    expect(stderr).toContain('cifar10: 120 images, 2 classes, 120 labels (classification)');
  });

  it('writes a data set for other tools and says what is lost', async () => {
    const args = ['export-dataset', 'Tiny', '--format', 'coco', '-o', 'out'];
    expect(await cli(args, { handlers: ended(done) })).toBe(0);
    const scope = { filter: { splits: [], categoryIds: [] }, labelledOnly: false };
    const request = { projectId, datasetId: sample.dataset.datasetId, format: 'coco', ...scope };
    expect(requestsOf('dataset.export')).toEqual([{ ...request, folder: join(folder, 'project', 'out') }]);
    expect(stderr).toContain('Lost: 120 labels lose their attributes.');
    expect(stdout).toContain('120 images and 120 labels are in ');
  });

  it('writes labels alone where they are enough', async () => {
    const args = ['export-dataset', 'Tiny', '--format', 'coco', '--labels-only', '-o', 'out'];
    expect(await cli(args, { handlers: ended(done) })).toBe(0);
    expect(requestsOf('dataset.exportReport')).toMatchObject([{ images: 'none' }]);
    expect(requestsOf('dataset.export')).toMatchObject([{ images: 'none' }]);
    expect(stdout).toContain('120 labels of 120 images are in ');
  });

  it('refuses what has no known format, with the reasons found', async () => {
    const report = await createFakeBackend().handlers['dataset.inspect']({ path: 'x' });
    const failures = [{ source: 'notes.txt', reason: 'is no data set' }];
    const handlers = { 'dataset.inspect': async () => ({ ...report, format: null, failures }) };
    expect(await cli(['import', 'tiny'], { handlers })).toBe(1);
    expect(stderr).toContain('notes.txt: is no data set');
    expect(requestsOf('dataset.import')).toEqual([]);
  });

  it('is cancelled by Ctrl-C', async () => {
    const result = cli(['import', 'tiny']);
    await until(() => requestsOf('job.list').length > 0);
    interrupt();
    await until(() => requestsOf('job.cancel').length > 0);
    expect(requestsOf('job.cancel')).toEqual([{ jobId: sample.job.jobId }]);
    backend.emit('job.changed', { ...sample.job, state: 'cancelled' });
    expect(await result).toBe(130);
    expect(aborted).toBe(false);
  });

  it('downloads CIFAR-10 too, and nothing else', async () => {
    expect(await cli(['download', 'cifar10'], { handlers: ended(done) })).toBe(0);
    expect(requestsOf('dataset.download')).toEqual([{ projectId, source: 'cifar10' }]);
    expect(await cli(['download', 'imagenet'])).toBe(2);
  });

  it('draws a sample set, the usual one unless told', async () => {
    expect(await cli(['sample'], { handlers: ended(done) })).toBe(0);
    const args = ['sample', '--world', 'countryside', '--train', '7', '--val', '3', '--seed', '5'];
    expect(await cli(args, { handlers: ended(done) })).toBe(0);
    const set = { world: 'countryside', trainImages: 7, valImages: 3, seed: 5 };
    expect(requestsOf('dataset.importSample')).toEqual([{ projectId, set }]);
    expect(await cli(['sample', '--world', 'moon'])).toBe(2);
  });
});
