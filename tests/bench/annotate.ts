/**
 * The editor under load, in the real Electron renderer with real pointer events: 10,000 outlines moved and zoomed, beside
 * the same as plain Konva nodes; an edit among them; 200 masks with the brush; a box that is dragged; the next image.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Dataset } from '../../src-main/contract/model/dataset.ts';
import { ensureBuilt } from '../../src-main/setup/build.mjs';
import { ensureDebianPackages, forTests } from '../../src-main/setup/debian.mjs';
import startDisplay from '../helpers/display.ts';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';
import { callInPage } from '../helpers/page-calls.ts';
import { showKonvaNodes } from './annotate/konva-baseline.ts';
import { frameTimes, measured, quantile, type PageTimes } from './annotate/page-clock.ts';
import { imageNames, maskCount, polygonCount, ringsOfScene, writeScene } from './annotate/scene.ts';
import { median, type BenchContext, type BenchOutcome, type Figure } from './bench.ts';

const firstPaintMs = 60_000;

export async function runAnnotate({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  await ensureDebianPackages(forTests);
  await ensureBuilt();
  const stopDisplay = await startDisplay();
  progress('writing the data set');
  const scene = await writeScene();
  const session = await launchElectron();
  try {
    const rounds = quick ? 2 : 6;
    await openScene(session.page, scene);
    progress(`${maskCount} masks`);
    const masks = await measureMasks(session, rounds);
    progress('a box, and the next image');
    const box = await measureBox(session.page, rounds);
    const next = await measureNextImage(session.page);
    progress(`${polygonCount} outlines`);
    const outlines = await measureOutlines(session.page, rounds);
    return {
      figures: [...outlines, ...masks, ...box, ...next],
      bars: [
        { figure: 'framesPerSecond', bar: 55, direction: 'at-least' },
        { figure: 'frame99Ms', bar: 33, direction: 'at-most' },
        { figure: 'editCommitMs', bar: 16, direction: 'at-most' },
        { figure: 'rendererMemoryMb', bar: 500, direction: 'at-most' },
        { figure: 'brushMoveMs', bar: 8, direction: 'at-most' },
        { figure: 'boxPaintedFrames', bar: 2, direction: 'at-most' },
        { figure: 'nextImageMs', bar: 100, direction: 'at-most' },
      ],
      notes: ['Window of 1280 × 800 pixels, software rendering; a frame of the display takes 16.7 ms.'],
    };
  } finally {
    await session.close();
    stopDisplay();
    rmSync(scene, { recursive: true, force: true });
  }
}

async function openScene(page: Page, folder: string): Promise<void> {
  const parentFolder = mkdtempSync(join(tmpdir(), 'fovea-bench-project-'));
  const { projectId } = await callInPage(page, 'project.create', { name: 'Bench', parentFolder });
  await callInPage(page, 'dataset.import', { projectId, path: folder, format: 'coco', name: 'Scene' });
  let datasets: Dataset[] = [];
  while (datasets.length === 0) {
    await page.waitForTimeout(300);
    datasets = await callInPage(page, 'dataset.list', { projectId });
  }
  await page.reload();
  await page.locator('body[data-ready="true"]').waitFor({ state: 'attached' });
  await page.evaluate(`location.hash = '#/${projectId}/annotate'`);
  await shown(page, imageNames[0]);
}

/** The image is in view with its labels, and nothing is left to be drawn. */
async function shown(page: Page, name: string): Promise<void> {
  await page.getByRole('application', { name: new RegExp(name) }).waitFor({ timeout: firstPaintMs });
  await page.waitForTimeout(2500);
}

async function middleOf(page: Page): Promise<{ x: number; y: number }> {
  const box = await page.getByRole('application').boundingBox();
  if (box === null) throw new Error('The canvas is not in the page.');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

const moves = 60;
const betweenMovesMs = 12;
/** A page that cannot keep up is not waited for until it has seen every move. */
const longestMs = 4000;

/** To and fro, with the button held. */
async function pan(page: Page, button: 'left' | 'middle'): Promise<void> {
  const { x, y } = await middleOf(page);
  await page.mouse.move(x, y);
  await page.mouse.down({ button });
  const end = performance.now() + longestMs;
  for (let move = 0; move < 2 * moves && performance.now() < end; move++) {
    const reach = 5 * (move < moves ? move : 2 * moves - move);
    await page.mouse.move(x - reach, y - reach / 2);
    await page.waitForTimeout(betweenMovesMs);
  }
  await page.mouse.up({ button });
}

async function zoom(page: Page): Promise<void> {
  const { x, y } = await middleOf(page);
  await page.mouse.move(x, y);
  const end = performance.now() + longestMs;
  for (let step = 0; step < 2 * moves && performance.now() < end; step++) {
    await page.mouse.wheel(0, step < moves ? -30 : 30);
    await page.waitForTimeout(betweenMovesMs);
  }
}

async function measureOutlines(page: Page, rounds: number): Promise<Figure[]> {
  await page.getByRole('option', { name: new RegExp(imageNames[4]) }).click();
  await shown(page, imageNames[4]);
  const ours: number[] = [];
  const theirs: number[] = [];
  await page.keyboard.press('v');
  for (let round = 0; round < rounds; round++) {
    await page.keyboard.press('z');
    await page.waitForTimeout(800);
    ours.push(...frameTimes(await measured(page, () => pan(page, 'middle'))));
    ours.push(...frameTimes(await measured(page, () => zoom(page))));
    const remove = await showKonvaNodes(page, ringsOfScene());
    await page.waitForTimeout(800);
    theirs.push(...frameTimes(await measured(page, () => pan(page, 'left'))));
    theirs.push(...frameTimes(await measured(page, () => zoom(page))));
    await remove();
  }
  const edits = await measureEdits(page, 10 * rounds);
  return [
    { name: 'framesPerSecond', value: 1000 / median(ours), explanation: `${polygonCount} outlines moved and zoomed` },
    { name: 'frame99Ms', value: quantile(ours, 0.99), explanation: '99 % of these frames are no longer' },
    { name: 'meanFramesPerSecond', value: framesPerSecond(ours), explanation: 'all of these frames over their time' },
    { name: 'konvaMeanFramesPerSecond', value: framesPerSecond(theirs), explanation: 'the same as plain Konva nodes' },
    { name: 'konvaFrame99Ms', value: quantile(theirs, 0.99), explanation: '99 % of their frames are no longer' },
    ...edits,
  ];
}

function framesPerSecond(frames: readonly number[]): number {
  return (1000 * frames.length) / frames.reduce((sum, ms) => sum + ms, 0);
}

/** Script time of an edit among the 10,000: handlers of the key that moves a label, and the frame that shows it. */
async function measureEdits(page: Page, count: number): Promise<Figure[]> {
  await page.keyboard.press('z');
  await page.getByRole('application').focus();
  await page.keyboard.press('n');
  await page.waitForTimeout(500);
  const { events } = await measured(page, async () => {
    for (let edit = 0; edit < count; edit++) {
      await page.keyboard.press(edit % 2 === 0 ? 'ArrowRight' : 'ArrowLeft');
      await page.waitForTimeout(120);
    }
  });
  const commits = scriptTimes({ frames: [], events }, 'keydown');
  return [
    { name: 'editCommitMs', value: median(commits), explanation: 'script of an edit among them, with its frame' },
    { name: 'editCommit95Ms', value: quantile(commits, 0.95), explanation: '95 % of the edits take no longer' },
  ];
}

function scriptTimes({ events }: PageTimes, type: string): number[] {
  return events.filter((event) => event.type === type).map(({ handlersMs, frameMs }) => handlersMs + frameMs);
}

async function measureMasks({ app, page }: ElectronSession, rounds: number): Promise<Figure[]> {
  const memory = { peakMb: 0 };
  const note = async (): Promise<void> => {
    const metrics = await app.evaluate(({ app: electron }) => electron.getAppMetrics());
    const used = metrics.filter(({ type }) => type === 'Tab').map(({ memory: of }) => of.workingSetSize / 1024);
    memory.peakMb = Math.max(memory.peakMb, ...used);
  };
  await note();
  await page.keyboard.press('m');
  // 200 px of the image: from the first 20 px in steps of a quarter.
  for (let step = 0; step < 40; step++) {
    const text = (await page.getByRole('group', { name: 'Tool options' }).textContent()) ?? '';
    if (Number(/(\d+) px/.exec(text)?.[1]) >= 200) break;
    await page.keyboard.press(']');
  }
  const { x, y } = await middleOf(page);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const stroke = await measured(page, async () => {
      await page.mouse.move(x - 200, y - 100);
      await page.mouse.down();
      for (let move = 0; move < 2 * moves; move++) {
        await page.mouse.move(x - 200 + 3 * move, y - 100 + 60 * Math.sin(move / 9));
        await page.waitForTimeout(betweenMovesMs);
      }
      await page.mouse.up();
    });
    times.push(...scriptTimes(stroke, 'pointermove'));
    await note();
    await page.keyboard.press('Control+z');
    await page.waitForTimeout(500);
  }
  await note();
  return [
    {
      name: 'rendererMemoryMb',
      value: memory.peakMb,
      explanation: `${maskCount} masks on 12 megapixels, with strokes`,
    },
    {
      name: 'brushMoveMs',
      value: quantile(times, 0.95),
      explanation: '95 % of moves of a 200 px brush, with the frame',
    },
    { name: 'brushMoveMedianMs', value: median(times), explanation: 'half of them' },
  ];
}

async function measureBox(page: Page, rounds: number): Promise<Figure[]> {
  await page.keyboard.press('d');
  await shown(page, imageNames[1]);
  await page.keyboard.press('b');
  const { x, y } = await middleOf(page);
  const painted: number[] = [];
  const frames: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const drag = await measured(page, async () => {
      await page.mouse.move(x - 150, y - 100);
      await page.mouse.down();
      for (let move = 0; move < moves; move++) {
        await page.mouse.move(x - 150 + 4 * move, y - 100 + 2 * move);
        await page.waitForTimeout(betweenMovesMs);
      }
      await page.mouse.up();
    });
    painted.push(...drag.events.filter(({ type }) => type === 'pointermove').map(({ paintedMs }) => paintedMs));
    frames.push(...frameTimes(drag));
    await page.keyboard.press('Control+z');
  }
  const frameMs = median(frames);
  return [
    {
      name: 'boxPaintedFrames',
      value: median(painted) / frameMs,
      explanation: 'from pointer to paint of a dragged box',
    },
    { name: 'boxPainted95Ms', value: quantile(painted, 0.95), explanation: '95 % of its moves' },
  ];
}

/** From the key to the frame that shows the next image, which was decoded ahead. */
async function measureNextImage(page: Page): Promise<Figure[]> {
  const times: number[] = [];
  for (const [key, name] of [
    ['d', 2],
    ['d', 3],
    ['a', 2],
    ['a', 1],
    ['d', 2],
  ] as const) {
    await page.waitForTimeout(2500);
    const { events } = await measured(page, async () => {
      await page.evaluate('performance.clearMarks("annotate.image")');
      await page.keyboard.press(key);
      await page.getByRole('application', { name: new RegExp(imageNames[name]) }).waitFor();
    });
    const shownMs = await page.evaluate<number>('performance.getEntriesByName("annotate.image")[0].startTime');
    const pressed = events.find(({ type }) => type === 'keydown');
    if (pressed !== undefined) times.push(shownMs - pressed.atMs);
  }
  return [{ name: 'nextImageMs', value: median(times), explanation: 'from the key to the next image, decoded ahead' }];
}
