/**
 * What the screens about runs take where there are many: the list of a thousand runs and the values of a comparison
 * from a real store; and curves of eight runs with 100,000 points each, moved along by the mouse in a browser.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { metricDefinitions, type MetricName, type Series } from '../../src-main/contract/model/run.ts';
import { startWebHost } from '../../src-main/hosts/web/server.ts';
import { ensureBuilt } from '../../src-main/setup/build.mjs';
import { ensureDebianPackages, forBrowser } from '../../src-main/setup/debian.mjs';
import { createProjectStore, type ProjectStore } from '../../src-main/store/project-store.ts';
import { repository } from '../helpers/app-session.ts';
import { launchChromium } from '../helpers/browser.ts';
import { sample } from '../helpers/fake-backend.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { createPreviewBackend } from '../helpers/preview-backend.ts';
import { monitoringPercent } from './runs-monitoring.ts';
import { median, type BenchContext, type BenchOutcome } from './bench.ts';

const runCount = 1000;
const epochs = 300;
const comparedRuns = 8;
const pointsPerRun = 100_000;
const metrics = Object.keys(metricDefinitions) as MetricName[];

export async function runRuns({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  await ensureDebianPackages(forBrowser);
  await ensureBuilt();
  const stored = storeTimes(quick ? 5 : 20, progress);
  progress(`moving the curves of ${comparedRuns} runs`);
  const frames = await framesWhileMoving(quick ? 1 : 3);
  progress('training with everything watched');
  const monitoring = await monitoringPercent(quick ? 2 : 6);
  const seconds = frames.reduce((sum, ms) => sum + ms, 0) / 1000;
  return {
    figures: [
      { name: 'listMs', value: stored.listMs, explanation: `${runCount} runs from the store, median` },
      {
        name: 'comparisonMs',
        value: stored.comparisonMs,
        explanation: `${comparedRuns} runs with all values of epochs`,
      },
      {
        name: 'framesPerSecond',
        value: frames.length / seconds,
        explanation: `${comparedRuns} × ${pointsPerRun} points`,
      },
      {
        name: 'medianFrameMs',
        value: median(frames),
        explanation: 'of them; on a busy machine it says more than their mean',
      },
      { name: 'slowestFrameMs', value: Math.max(...frames), explanation: 'of them' },
      { name: 'monitoringPercent', value: monitoring, explanation: 'of the time of a LeNet-5 run, everything on' },
    ],
    bars: [
      { figure: 'listMs', bar: 100, direction: 'at-most' },
      { figure: 'comparisonMs', bar: 300, direction: 'at-most' },
      { figure: 'framesPerSecond', bar: 50, direction: 'at-least' },
      { figure: 'monitoringPercent', bar: 1, direction: 'at-most' },
    ],
    notes: ['Frames are those of a browser without a GPU, with 1920 × 1080 pixels.'],
  };
}

function storeTimes(rounds: number, progress: BenchContext['progress']): { listMs: number; comparisonMs: number } {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-runs-'));
  const createdAt = '2026-01-02T03:04:05.000Z';
  const projectId = crypto.randomUUID() as ProjectId;
  const store = createProjectStore(join(folder, 'project.sqlite'), { projectId, name: 'Bench', createdAt });
  try {
    progress(`storing ${runCount} runs of ${epochs} epochs`);
    fill(store, createdAt);
    store.runs.list(); // scores are worked out once
    return { listMs: timed(rounds, () => store.runs.list()), comparisonMs: timed(rounds, () => compared(store)) };
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function fill(store: ProjectStore, createdAt: string): void {
  const random = seededRandom(1);
  for (let run = 1; run <= runCount; run++) {
    const { config } = sample;
    const runId = store.runs.insert({ name: `run ${run}`, config, datasetName: 'x', folder: `runs/${run}`, createdAt });
    const points = metrics.flatMap((series) =>
      Array.from({ length: epochs }, (_, epoch) => ({
        series,
        step: (epoch + 1) * 100,
        epoch: epoch + 1,
        value: random(),
        elapsedMs: epoch * 1000,
      })),
    );
    store.runs.appendPoints(runId, points);
    store.runs.update(runId, { status: 'finished' });
  }
}

function compared({ runs }: ProjectStore): void {
  for (const { runId } of runs.list().slice(0, comparedRuns)) {
    runs.get(runId);
    runs.config(runId);
    runs.series(runId, metrics);
  }
}

function timed(rounds: number, action: () => void): number {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now();
    action();
    return performance.now() - start;
  });
  return median(times);
}

/** Milliseconds of each frame while the mouse moves. */
async function framesWhileMoving(rounds: number): Promise<number[]> {
  const backend = createPreviewBackend('overfull');
  const { 'run.series': seriesOf } = backend.handlers;
  backend.handlers['run.series'] = async (request) => {
    const all = await seriesOf(request);
    return all.map((series) => (series.series === 'step/loss' ? longSeries(request.runId) : series));
  };
  const host = await startWebHost({ backend, rendererFolder: join(repository, 'out', 'renderer'), port: 0 });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    await page.goto(host.url);
    await page.getByRole('heading').first().waitFor();
    const ids = Array.from({ length: comparedRuns }, (_, index) => index + 1).join('.');
    await page.evaluate(`location.hash = '#/${sample.project.projectId}/compare?runs=${ids}&tab=curves'`);
    await page.getByRole('radio', { name: 'Each step' }).click();
    await page.getByRole('radio', { name: 'Both' }).click();
    await page.waitForTimeout(1000);
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
  await page.evaluate(`(() => {
    window.benchFrames = [];
    const note = (time) => {
      window.benchFrames.push(time);
      window.benchRequest = requestAnimationFrame(note);
    };
    window.benchRequest = requestAnimationFrame(note);
  })()`);
  const moves = 150;
  for (let move = 0; move < moves; move++) {
    await page.mouse.move(box.x + 900 - (move < moves / 2 ? move : moves - move) * 5, box.y + 100);
    await page.waitForTimeout(10);
  }
  const times = await page.evaluate<number[]>('(cancelAnimationFrame(window.benchRequest), window.benchFrames)');
  await page.mouse.up();
  await page.keyboard.up('Shift');
  return times.slice(1).map((time, index) => time - times[index]!);
}

function longSeries(runId: number): Series {
  const random = seededRandom(runId);
  const steps = Float64Array.from({ length: pointsPerRun }, (_, index) => index + 1);
  return {
    series: 'step/loss',
    steps,
    epochs: steps.map((step) => (step / pointsPerRun) * 20),
    values: steps.map((step) => 2.3 * Math.exp((-3 * step) / pointsPerRun) + 0.3 * random() + runId / 50),
    times: steps.map((step) => step * 9),
  };
}
