/**
 * The library at the size of COCO: import and export beside Python's json.load alone, lists and queries over a hundred
 * thousand images, thumbnails beside vipsthumbnail, and kills in the middle of imports and exports.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { mediaUrl } from '../../src-main/contract/ipc.ts';
import type { ImageOrder } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ImageId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import { writeCocoShape } from '../helpers/generated-coco.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { killOnce } from '../helpers/kill-library.ts';
import { createServices, type ServiceFixture, mediaOf } from '../helpers/service-fixture.ts';
import { median, type Bar, type BenchContext, type BenchOutcome, type Figure } from './bench.ts';

const run = promisify(execFile);
const everything = { splits: [], categoryIds: [] };

export async function runLibrary({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-bench-library-'));
  const figures: Figure[] = [];
  const notes: string[] = [];
  const add = (name: string, value: number | null, explanation: string): void =>
    void figures.push({ name, value, explanation });
  try {
    await atTheSizeOfCoco(folder, quick ? { images: 30_000, boxes: 220_000 } : { images: 118_000, boxes: 860_000 }, {
      ...{ add, progress, notes },
    });
    await thumbnails(folder, quick ? 60 : 2000, { add, progress, notes });
    await kills(folder, quick ? 6 : 100, { add, progress, notes }); // one half imports, the other exports
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const bars: Bar[] = [
    { figure: 'importOverJsonLoad', bar: 5, direction: 'at-most' },
    ...(quick
      ? []
      : ([
          { figure: 'importMs', bar: 20_000, direction: 'at-most' },
          { figure: 'exportMs', bar: 15_000, direction: 'at-most' },
        ] as const)),
    { figure: 'importPeakBytes', bar: 1e9, direction: 'at-most' },
    { figure: 'firstPageMs', bar: 1000, direction: 'at-most' },
    { figure: 'slowestFilterMs', bar: 50, direction: 'at-most' },
    { figure: 'slowestQueryMs', bar: 100, direction: 'at-most' },
    { figure: 'thumbnailsOverVips', bar: 0.9, direction: 'at-least' },
    { figure: 'killsThatLeftSomething', bar: 0, direction: 'at-most' },
  ];
  return { figures, bars, notes };
}

interface Reporter {
  add: (name: string, value: number | null, explanation: string) => void;
  progress: (text: string) => void;
  notes: string[];
}

async function atTheSizeOfCoco(
  folder: string,
  { images, boxes }: { images: number; boxes: number },
  { add, progress, notes }: Reporter,
): Promise<void> {
  const source = join(folder, 'coco');
  progress(`writing ${images} images with ${boxes} boxes`);
  await writeCocoShape(source, { images, boxes });
  const jsonLoad = await pythonLoadMs(join(source, 'annotations', 'instances_train.json'));
  if (jsonLoad === null) notes.push('python3 is not installed: there is nothing to hold the import against.');
  add('jsonLoadMs', jsonLoad, 'Python reads the JSON file, and does nothing with it');

  const services = createServices({ userDataFolder: join(folder, 'settings') });
  try {
    const { projectId } = await services.handlers['project.create']({ name: 'Bench', parentFolder: folder });
    progress('importing');
    const memory = watchMemory();
    const imported = await timed(services, () =>
      services.handlers['dataset.import']({ projectId, path: source, format: 'coco', name: 'COCO' }),
    );
    const datasetId = imported.job.datasetId!;
    add('importMs', imported.ms, `${images} images, ${boxes} boxes, into the database`);
    add('importOverJsonLoad', jsonLoad === null ? null : imported.ms / jsonLoad, 'the import over json.load alone');
    add('importPeakBytes', memory(), 'the process with its worker above what it had before');
    await listing(services, datasetId, { add, progress, notes });
    progress('exporting');
    const exported = await timed(services, () =>
      services.handlers['dataset.export']({ projectId, datasetId, format: 'coco', folder: join(folder, 'out') }),
    );
    add('exportMs', exported.ms, 'labels and copies of all images');
  } finally {
    await services.close();
  }
}

async function pythonLoadMs(file: string): Promise<number | null> {
  const script = 'import json, sys, time\nt = time.time()\njson.load(open(sys.argv[1]))\nprint(time.time() - t)';
  const answer = await run('/usr/bin/python3', ['-c', script, file]).catch(() => null);
  return answer === null ? null : Number(answer.stdout) * 1000;
}

/** Bytes above the beginning at the worst moment so far, of this process and those that it started. */
function watchMemory(): () => number {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss() + childrenBytes())), 100);
  return () => {
    clearInterval(timer);
    return most - before;
  };
}

/** 0 where the system does not tell as Linux does. */
function childrenBytes(): number {
  try {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ');
    return children.reduce((sum, pid) => sum + (pid === '' ? 0 : residentBytes(pid)), 0);
  } catch {
    return 0;
  }
}

function residentBytes(pid: string): number {
  try {
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0; // It has just ended.
  }
}

async function timed(services: ServiceFixture, start: () => Promise<Job>): Promise<{ ms: number; job: Job }> {
  const startMs = performance.now();
  const job = await services.ended(await start());
  if (job.state !== 'done') throw new Error(job.error?.message ?? `The job was ${job.state}.`);
  return { ms: performance.now() - startMs, job };
}

const queries = [
  'class:"class 7" count("class 1")>3 split:train',
  'count>8 -class:"class 2"',
  'area<100 or area("class 3")>9000',
  '(class:"class 40" or class:"class 41") count=2..6',
  'box:outside',
  'box:doubled or boxaspect>5',
];

/** Without the answers that are kept: every question is asked for the first time. */
async function listing(services: ServiceFixture, datasetId: DatasetId, { add, progress }: Reporter): Promise<void> {
  progress('asking for lists');
  const [opened] = await openOf(services);
  if (opened === undefined) return;
  const { projectId } = opened.project;
  const asked = async (filter: object, order?: ImageOrder): Promise<number> => {
    const startMs = performance.now();
    await services.handlers['image.list']({
      ...{ projectId, datasetId, filter: { ...everything, ...filter }, offset: 0, limit: 200 },
      ...(order === undefined ? {} : { order }),
    });
    return performance.now() - startMs;
  };
  add('firstPageMs', await asked({}), 'the first 200 images with their labels, after the import');
  const categories = opened.store.datasets.categories(datasetId);
  const filters = [
    { splits: ['val'] },
    { categoryIds: [categories[0]!.categoryId] },
    { categoryIds: [categories[70]!.categoryId], splits: ['train'] },
    { query: 'is:unlabelled' },
    { query: 'review:done' },
    { query: 'megapixels>1' },
    { query: 'kind:mask' },
    { query: 'by:person' },
    { query: 'edited>2024-01-01' },
  ];
  const slowest = async (list: readonly object[]): Promise<number> => {
    const times: number[] = [];
    for (const filter of list) times.push(await asked(filter));
    return Math.max(...times);
  };
  add('slowestFilterMs', await slowest(filters), `the slowest of ${filters.length} filters, with its first page`);
  add(
    'slowestQueryMs',
    await slowest(queries.map((query) => ({ query }))),
    `the slowest of ${queries.length} text queries`,
  );
  add('sortedMs', await asked({}, { by: 'labels', descending: true }), 'all images by their number of labels');
  const startMs = performance.now();
  await services.handlers['dataset.facets']({ projectId, datasetId, filter: everything });
  add('facetsMs', performance.now() - startMs, 'counts of all splits, states and classes');
}

async function openOf(services: ServiceFixture) {
  const recent = await services.handlers['project.recent']({});
  return recent.flatMap(({ projectId }) => services.projects.find(projectId) ?? []);
}

async function thumbnails(folder: string, count: number, { add, progress, notes }: Reporter): Promise<void> {
  progress(`making ${count} thumbnails of 12 megapixels`);
  const source = join(folder, 'photos');
  await mkdir(source);
  const noise = await sharp({
    create: {
      width: 500,
      height: 375,
      channels: 3,
      background: '#888',
      noise: { type: 'gaussian', mean: 128, sigma: 50 },
    },
  })
    .png()
    .toBuffer();
  const photo = join(folder, 'photo.jpg');
  await sharp(noise).resize(4000, 3000, { kernel: 'cubic' }).jpeg({ quality: 90 }).toFile(photo);
  const names = Array.from({ length: count }, (_, index) => `${index}.jpg`);
  for (const name of names) await copyFile(photo, join(source, name));
  const services = createServices({ userDataFolder: join(folder, 'settings') });
  try {
    const { projectId } = await services.handlers['project.create']({ name: 'Photos', parentFolder: folder });
    const { job } = await timed(services, () =>
      services.handlers['dataset.import']({ projectId, path: source, format: 'images', name: 'Photos' }),
    );
    const { store } = services.projects.get(projectId);
    const ids = store.images.idsInRange(job.datasetId!, everything, store.images.idRange(job.datasetId!)!);
    const media = mediaOf(services);
    // Ours and the peer's take turns, a fifth of the images each time.
    const [ours, theirs]: [number[], number[]] = [[], []];
    const part = Math.ceil(count / 5);
    for (let at = 0; at < count; at += part) {
      const some = ids.slice(at, at + part);
      ours.push(
        (await msOf(() => Promise.all(some.map((id: ImageId) => media(mediaUrl.thumbnail(projectId, id)))))) /
          some.length,
      );
      const files = names.slice(at, at + part).map((name) => join(source, name));
      const outside = await vipsMs(files, join(folder, 'vips'));
      if (outside !== null) theirs.push(outside / some.length);
    }
    add('thumbnailsPerSecond', 1000 / median(ours), `12 megapixels, on ${cpus().length} cores`);
    const vips = theirs.length === 0 ? null : 1000 / median(theirs);
    if (vips === null) notes.push('vipsthumbnail is not installed: sudo apt-get install libvips-tools');
    add('vipsPerSecond', vips, 'vipsthumbnail, as many processes as cores');
    add('thumbnailsOverVips', vips === null ? null : 1000 / median(ours) / vips, 'our rate over its rate');
  } finally {
    await services.close();
  }
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** One process a core, each with its share of the files; null where the program is not there. */
async function vipsMs(files: readonly string[], out: string): Promise<number | null> {
  await mkdir(out, { recursive: true });
  const shares = cpus().map((_, core) => files.filter((__, index) => index % cpus().length === core));
  try {
    return await msOf(() =>
      Promise.all(
        shares
          .filter((share) => share.length > 0)
          .map((share) => {
            const args = [...share, '--size', '256x256>', '--output', join(out, '%s.webp[Q=82,effort=1]')];
            return run('vipsthumbnail', args, { env: { ...process.env, VIPS_CONCURRENCY: '1' } });
          }),
      ),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function kills(folder: string, rounds: number, { add, progress, notes }: Reporter): Promise<void> {
  const source = join(folder, 'small');
  await writeCocoShape(source, { images: 1500, boxes: 9000 });
  const userDataFolder = join(folder, 'settings');
  const services = createServices({ userDataFolder });
  const project = await services.handlers['project.create']({ name: 'Kills', parentFolder: folder });
  const { projectId, path: projectFolder } = project;
  await timed(services, () =>
    services.handlers['dataset.import']({ projectId, path: source, format: 'coco', name: 'First', copyFiles: true }),
  );
  await services.close();
  const random = seededRandom(7);
  let failed = 0;
  for (let round = 0; round < rounds; round++) {
    progress(`kill ${round + 1} of ${rounds}`);
    const kill = { what: round % 2 === 0 ? ('import' as const) : ('export' as const), afterMs: random() * 1500 };
    const target = join(folder, `killed-${round}`);
    const problems = await killOnce({ projectFolder, userDataFolder, source, target }, kill);
    if (problems.length > 0) failed++;
    notes.push(...problems.map((problem) => `${kill.what} killed after ${Math.round(kill.afterMs)} ms: ${problem}`));
  }
  add('killsThatLeftSomething', failed, `of ${rounds} kills in the middle of imports and exports`);
}
