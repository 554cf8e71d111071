/** The curves of a comparison, moved along by a mouse that reports 125 times a second, in a browser without a GPU. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { Series } from '../../src-main/contract/model/run.ts';
import { startWebHost } from '../../src-main/hosts/web/server.ts';
import { repository } from '../helpers/app-session.ts';
import { launchChromium } from '../helpers/browser.ts';
import { sample } from '../helpers/fake-backend.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { createPreviewBackend } from '../helpers/preview-backend.ts';

export interface PannedCurves {
  runs: number;
  pointsPerRun: number;
}

const reportsEveryMs = 8;
const reportsPerRound = 500;
/** There and back, so that the curves never come to their end. */
const reportsOneWay = 150;
const pxPerReport = 2.5;

/** Milliseconds of each frame while the mouse moves; all charts of the comparison go along. */
export async function framesWhilePanning({ runs, pointsPerRun }: PannedCurves, rounds: number): Promise<number[]> {
  const backend = createPreviewBackend('overfull');
  const { 'run.series': seriesOf } = backend.handlers;
  backend.handlers['run.series'] = async (request) => {
    const all = await seriesOf(request);
    return all.map((series) => (series.series === 'step/loss' ? longSeries(request.runId, pointsPerRun) : series));
  };
  const host = await startWebHost({ backend, rendererFolder: join(repository, 'out', 'renderer'), port: 0 });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    await page.goto(host.url);
    await page.getByRole('heading').first().waitFor();
    const ids = Array.from({ length: runs }, (_, index) => index + 1).join('.');
    await page.evaluate(`location.hash = '#/${sample.project.projectId}/compare?runs=${ids}&tab=curves'`);
    await page.getByRole('radio', { name: 'Each step' }).click();
    await page.getByRole('radio', { name: 'Both' }).click();
    await setTimeout(1000);
    const frames: number[] = [];
    for (let round = 0; round < rounds; round++) frames.push(...(await moveAlong(page)));
    return frames;
  } finally {
    await browser.close();
    await host.close();
  }
}

async function moveAlong(page: Page): Promise<number[]> {
  const chart = page.getByRole('slider', { name: 'Cursor over Loss' });
  await chart.focus();
  await page.keyboard.press('0');
  await page.keyboard.press('+');
  const box = (await chart.boundingBox())!;
  await page.mouse.move(box.x + 900, box.y + 100);
  await page.keyboard.down('Shift');
  await page.mouse.down();
  await noteFrames(page);
  // A real mouse does not wait until the page has answered.
  const input = await page.context().newCDPSession(page);
  const began = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let report = 0; report < reportsPerRound; report++) {
    await setTimeout(Math.max(0, began + report * reportsEveryMs - performance.now()));
    const turn = report % (2 * reportsOneWay);
    const x = box.x + 900 - Math.min(turn, 2 * reportsOneWay - turn) * pxPerReport;
    const shift = 8;
    const event = { type: 'mouseMoved', x, y: box.y + 100, button: 'left', buttons: 1, modifiers: shift } as const;
    sent.push(input.send('Input.dispatchMouseEvent', event));
  }
  await Promise.all(sent);
  const frames = await notedFrames(page);
  await input.detach();
  await page.mouse.up();
  await page.keyboard.up('Shift');
  return frames;
}

/** From now on the page notes when each of its frames began. */
export async function noteFrames(page: Page): Promise<void> {
  await page.evaluate(`(() => {
    window.benchFrames = [];
    const note = (time) => {
      window.benchFrames.push(time);
      window.benchRequest = requestAnimationFrame(note);
    };
    window.benchRequest = requestAnimationFrame(note);
  })()`);
}

/** How long each frame took since then, ms; the page notes no more. */
export async function notedFrames(page: Page): Promise<number[]> {
  const times = await page.evaluate<number[]>('(cancelAnimationFrame(window.benchRequest), window.benchFrames)');
  return times.slice(1).map((time, index) => time - times[index]!);
}

function longSeries(runId: number, points: number): Series {
  const random = seededRandom(runId);
  const steps = Float64Array.from({ length: points }, (_, index) => index + 1);
  return {
    series: 'step/loss',
    steps,
    epochs: steps.map((step) => (step / points) * 20),
    values: steps.map((step) => 2.3 * Math.exp((-3 * step) / points) + 0.3 * random() + runId / 50),
    times: steps.map((step) => step * 9),
  };
}
