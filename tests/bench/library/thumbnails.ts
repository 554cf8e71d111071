/** Thumbnails of 12 megapixels, asked for by the page of the real app, beside vipsthumbnail; and how the app does meanwhile. */
import { execFile } from 'node:child_process';
import { link, mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { mediaUrl } from '../../../src-main/contract/media-url.ts';
import { ensureBuilt } from '../../../src-main/setup/build.mjs';
import { ensureDebianPackages, forTests } from '../../../src-main/setup/debian.mjs';
import startDisplay from '../../helpers/display.ts';
import { launchElectron, type ElectronSession } from '../../helpers/electron.ts';
import { callInPage } from '../../helpers/page-calls.ts';
import { frameTimes, quantile } from '../annotate/page-clock.ts';
import { median, type BenchOutcome } from '../bench.ts';
import { importInPage } from '../../helpers/import-in-page.ts';
import { everything, msOf, subfolder, type PartContext } from './part.ts';

const run = promisify(execFile);
/** Ours and the peer's take turns so often. */
const TURNS = 10;
/** As often as a person who scrolls slowly needs another page of the list. */
const pageEveryMs = 500;

export async function measureThumbnails(context: PartContext): Promise<BenchOutcome> {
  const { quick, progress } = context;
  await ensureDebianPackages(forTests);
  await ensureBuilt();
  const folder = await subfolder(context, 'thumbnails');
  const count = quick ? 300 : 2000;
  progress(`writing ${count} photographs of 12 megapixels`);
  const names = await writePhotographs(join(folder, 'photos'), count);
  const stopDisplay = await startDisplay();
  const session = await launchElectron();
  const { page } = session;
  try {
    const { projectId, datasetId } = await importInPage(page, folder, {
      ...{ path: join(folder, 'photos'), format: 'images' },
    });
    const wanted = { projectId, datasetId, filter: everything, offset: 0, limit: count };
    const { imageIds } = await callInPage(page, 'image.ids', wanted);
    // The codec is loaded with the first picture of a session.
    const [first, ...rest] = imageIds;
    await fetchAll(page, [mediaUrl.thumbnail(projectId, first!)]);
    const [ours, theirs, answers]: [number[], number[], number[]] = [[], [], []];
    const frames: number[] = [];
    let heldUpMs = 0;
    const part = Math.ceil(rest.length / TURNS);
    for (let at = 0; at < rest.length; at += part) {
      progress(`thumbnails ${at} to ${at + part}`);
      const some = rest.slice(at, at + part);
      const meanwhile = await whileMeasured(session, async () => {
        const asking = fetchAll(
          page,
          some.map((id) => mediaUrl.thumbnail(projectId, id)),
        );
        let isOver = false;
        const over = asking.finally(() => (isOver = true));
        while (!isOver) {
          const request = { projectId, datasetId, filter: everything, offset: at, limit: 200 };
          answers.push(await msOf(() => callInPage(page, 'image.list', request)));
          await page.waitForTimeout(pageEveryMs);
        }
        ours.push((await over) / some.length);
      });
      frames.push(...meanwhile.frames);
      heldUpMs = Math.max(heldUpMs, meanwhile.heldUpMs);
      const files = names.slice(at, at + part).map((name) => join(folder, 'photos', name));
      const outside = await vipsMs(files, join(folder, 'vips'));
      if (outside !== null) theirs.push(outside / files.length);
    }
    const cores = cpus().length;
    const rate = 1000 / median(ours) / cores;
    const vips = theirs.length === 0 ? null : 1000 / median(theirs) / cores;
    return {
      figures: [
        {
          name: 'thumbnailsPerSecondAndCore',
          value: rate,
          explanation: `${count} of 12 megapixels, as the page asks for them, with other calls in between`,
        },
        { name: 'vipsPerSecondAndCore', value: vips, explanation: 'vipsthumbnail, as many processes as cores' },
        {
          name: 'thumbnailsOverVips',
          value: vips === null ? null : rate / vips,
          explanation: `our rate over its rate, medians of ${ours.length} turns each`,
        },
        { name: 'mainHeldUpMs', value: heldUpMs, explanation: 'the main process meanwhile, the longest hold-up' },
        { name: 'answerMs', value: quantile(answers, 0.95), explanation: '95 % of pages of 200 images came sooner' },
        { name: 'pageFrame99Ms', value: quantile(frames, 0.99), explanation: '99 % of the page’s frames meanwhile' },
      ],
      bars: [
        { figure: 'thumbnailsOverVips', bar: 0.9, direction: 'at-least' },
        { figure: 'mainHeldUpMs', bar: 50, direction: 'at-most' },
      ],
      notes: vips === null ? ['vipsthumbnail is not installed: sudo apt-get install libvips-tools'] : [],
    };
  } finally {
    await session.close();
    stopDisplay();
  }
}

/** One photograph under many names; smooth noise, which a JPEG holds as it holds a photograph. */
async function writePhotographs(folder: string, count: number): Promise<string[]> {
  await mkdir(folder);
  const create = { width: 500, height: 375, channels: 3, background: '#888' } as const;
  const noise = await sharp({ create: { ...create, noise: { type: 'gaussian', mean: 128, sigma: 50 } } })
    .png()
    .toBuffer();
  const names = Array.from({ length: count }, (_, index) => `${String(index).padStart(5, '0')}.jpg`);
  const [first, ...others] = names.map((name) => join(folder, name));
  await sharp(noise).resize(4000, 3000, { kernel: 'cubic' }).jpeg({ quality: 90 }).toFile(first!);
  for (const other of others) await link(first!, other);
  return names;
}

/** Milliseconds until all have come, some at a time as a page asks; throws where one does not come. */
function fetchAll(page: Page, urls: readonly string[]): Promise<number> {
  return page.evaluate<number>(`(async () => {
    const urls = ${JSON.stringify(urls)};
    const start = performance.now();
    const next = async () => {
      for (let url = urls.pop(); url !== undefined; url = urls.pop()) {
        const picture = new Image();
        picture.src = url;
        await picture.decode();
      }
    };
    await Promise.all(Array.from({ length: 8 }, next));
    return performance.now() - start;
  })()`);
}

/** Frames of the page and the longest hold-up of the main process while `work` is done, ms. */
async function whileMeasured(
  { app, page }: ElectronSession,
  work: () => Promise<void>,
): Promise<{ frames: number[]; heldUpMs: number }> {
  await page.evaluate(`(() => {
    const clock = (window.meanwhile = { on: true, frames: [] });
    const tick = (time) => {
      clock.frames.push(time);
      if (clock.on) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  })()`);
  await app.evaluate(() => {
    const delay = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    Object.assign(globalThis, { delay });
  });
  await work();
  const heldUpMs = await app.evaluate(() => {
    const delay = Reflect.get(globalThis, 'delay') as { disable(): void; max: number };
    delay.disable();
    return delay.max / 1e6;
  });
  const frames = await page.evaluate<number[]>(
    '((clock) => { clock.on = false; return clock.frames; })(window.meanwhile)',
  );
  return { frames: frameTimes({ frames, events: [] }), heldUpMs };
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
            const args = [...share, '--size', '256x256>', '--output', join(out, '%s.webp[Q=82,effort=0]')];
            return run('vipsthumbnail', args, { env: { ...process.env, VIPS_CONCURRENCY: '1' } });
          }),
      ),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
