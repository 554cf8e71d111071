/** A hundred thousand images in the real renderer: the first grid, and what is in sight while it is scrolled. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ensureBuilt } from '../../../src-main/setup/build.mjs';
import { ensureDebianPackages, forTests } from '../../../src-main/setup/debian.mjs';
import startDisplay from '../../helpers/display.ts';
import { launchElectron } from '../../helpers/electron.ts';
import { writeCocoShape } from '../../helpers/generated-coco.ts';
import { seededRandom } from '../../helpers/generated-data.ts';
import { frameTimes, quantile } from '../annotate/page-clock.ts';
import { median, type BenchOutcome } from '../bench.ts';
import { gridComplete, startProbe, stopProbe, type GridTimes } from './grid-probe.ts';
import { importInPage } from '../../helpers/import-in-page.ts';
import { subfolder, type PartContext } from './part.ts';

/** Of a wheel that is turned steadily, and of one that is turned as quickly as it goes; px/s. */
const speeds = [1000, 3000] as const;
const wheelEveryMs = 16;

export async function measureScrolling(context: PartContext): Promise<BenchOutcome> {
  const { quick, progress } = context;
  await ensureDebianPackages(forTests);
  await ensureBuilt();
  const folder = await subfolder(context, 'scrolling');
  const images = quick ? 30_000 : 100_000;
  progress(`writing ${images} images`);
  await writeCocoShape(join(folder, 'source'), { images, boxes: images * 7 });
  const stopDisplay = await startDisplay();
  const session = await launchElectron();
  const { page } = session;
  try {
    progress('importing them');
    const { projectId } = await importInPage(page, folder, { path: join(folder, 'source'), format: 'coco' });
    progress('the first grid');
    await startProbe(page);
    const askedMs = await page.evaluate<number>(`(() => {
      location.hash = '#/${projectId}/data';
      return performance.now();
    })()`);
    await gridComplete(page);
    const { completeAtMs } = await stopProbe(page);
    const seconds = quick ? 5 : 15;
    const scrolled: GridTimes[] = [];
    for (const speed of speeds) {
      progress(`scrolling with ${speed} px/s`);
      scrolled.push(await scroll(page, speed, seconds));
    }
    progress('jumping');
    const jumps = await jump(page, quick ? 6 : 20);
    const longest = (times: readonly GridTimes[]): number =>
      Math.max(0, ...times.flatMap(({ emptyRows }) => emptyRows));
    const each = [...scrolled.map((times) => [times]), jumps].map((times) => Math.round(longest(times)));
    const frames = scrolled.flatMap((times) => frameTimes({ frames: times.frames, events: [] }));
    const incomplete = [...scrolled, ...jumps].flatMap(({ incompleteRows }) => incompleteRows);
    const rows = [...scrolled, ...jumps].reduce((sum, times) => sum + times.rows, 0);
    return {
      figures: [
        {
          name: 'firstGridMs',
          value: (completeAtMs ?? NaN) - askedMs,
          explanation: `${images} images: from the request to all pictures in sight, none of which was made before`,
        },
        { name: 'scrollFrameMs', value: median(frames), explanation: 'frames while scrolling, median' },
        { name: 'scrollFrame99Ms', value: quantile(frames, 0.99), explanation: '99 % of them are no longer' },
        {
          name: 'scrollFramesPerSecond',
          value: (1000 * frames.length) / frames.reduce((sum, ms) => sum + ms, 0),
          explanation: 'all of these frames over their time',
        },
        {
          name: 'longestEmptyRowMs',
          value: longest([...scrolled, ...jumps]),
          explanation: `of ${rows} rows that came into sight, none was without any picture for longer`,
        },
        {
          name: 'incompleteRow99Ms',
          value: incomplete.length === 0 ? 0 : quantile(incomplete, 0.99),
          explanation: '99 % of the rows that lacked a picture were complete or out of sight after this',
        },
        {
          name: 'jumpCompleteMs',
          value: median(jumps.map((times) => Math.max(0, ...times.incompleteRows))),
          explanation: 'a jump to anywhere: until all pictures are there, median',
        },
      ],
      bars: [
        { figure: 'firstGridMs', bar: 1000, direction: 'at-most' },
        { figure: 'scrollFrameMs', bar: 17, direction: 'at-most' },
        { figure: 'scrollFramesPerSecond', bar: 55, direction: 'at-least' },
        { figure: 'longestEmptyRowMs', bar: 150, direction: 'at-most' },
      ],
      notes: [
        `Scrolling: wheel, ${speeds.join(' and ')} px/s, over pictures that were never made before; window of 1280 × 800 px, software rendering.`,
        `Longest empty row: ${each.join(' and ')} ms, the last of them after jumps.`,
      ],
    };
  } finally {
    await session.close();
    stopDisplay();
  }
}

/** Pixels as the time that has passed demands, so that a page which lags is not spared. */
async function scroll(page: Page, pxPerSecond: number, seconds: number): Promise<GridTimes> {
  await overGrid(page);
  await startProbe(page);
  const startMs = performance.now();
  let scrolledPx = 0;
  for (;;) {
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs > seconds * 1000) break;
    const duePx = Math.round((pxPerSecond * elapsedMs) / 1000) - scrolledPx;
    await page.mouse.wheel(0, duePx);
    scrolledPx += duePx;
    await page.waitForTimeout(wheelEveryMs);
  }
  return stopProbe(page);
}

/** As a click into the scrollbar. */
async function jump(page: Page, count: number): Promise<GridTimes[]> {
  const random = seededRandom(3);
  const times: GridTimes[] = [];
  for (let round = 0; round < count; round++) {
    await page.waitForTimeout(500);
    await startProbe(page, random());
    await gridComplete(page);
    times.push(await stopProbe(page));
  }
  return times;
}

async function overGrid(page: Page): Promise<void> {
  const box = await page.getByRole('listbox', { name: 'Images' }).boundingBox();
  if (box === null) throw new Error('The grid is not in the page.');
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
}
