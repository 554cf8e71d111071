/**
 * What watching and comparing runs takes where there is much: the list of a thousand runs and the values of a comparison
 * from a real store; curves of eight runs with 100,000 points each, moved along by the mouse; the main process and the
 * window while a run reports hundreds of steps a second; and what all of that costs the training itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { metricDefinitions, type MetricName } from '../../src-main/contract/model/run.ts';
import { ensureBuilt } from '../../src-main/setup/build.mjs';
import { ensureDebianPackages, forBrowser, forTests } from '../../src-main/setup/debian.mjs';
import { createProjectStore, type ProjectStore } from '../../src-main/store/project-store.ts';
import { sample } from '../helpers/fake-backend.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { median, type BenchContext, type BenchOutcome } from './bench.ts';
import { watchLive } from './runs-live.ts';
import { measureLooking, monitoringPercent } from './runs-monitoring.ts';
import { framesWhilePanning } from './runs-panning.ts';

const runCount = 1000;
const epochs = 300;
const comparedRuns = 8;
const pointsPerRun = 100_000;
const metrics = Object.keys(metricDefinitions) as MetricName[];

export async function runRuns({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  await ensureDebianPackages([...forTests, ...forBrowser]);
  await ensureBuilt();
  const stored = storeTimes(quick ? 5 : 20, progress);
  progress(`moving the curves of ${comparedRuns} runs`);
  const frames = await framesWhilePanning({ runs: comparedRuns, pointsPerRun }, quick ? 2 : 5);
  progress('watching a run live');
  const live = await watchLive(quick ? 15 : 60);
  progress('training with everything watched');
  const watching = await monitoringPercent(quick ? 2 : 6);
  const looking = await measureLooking(quick ? 40 : 120);
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
        value: perSecond(frames),
        explanation: `${comparedRuns} × ${pointsPerRun} points, moved along`,
      },
      {
        name: 'medianFrameMs',
        value: median(frames),
        explanation: 'of them; on a busy machine it says more than their mean',
      },
      { name: 'slowestFrameMs', value: Math.max(...frames), explanation: 'of them' },
      { name: 'stepsPerSecond', value: live.stepsPerSecond, explanation: 'of a LeNet-5 run that is watched live' },
      { name: 'loopDelayMs', value: live.loopDelayMs, explanation: "the main process's meanwhile, 99 % within" },
      { name: 'liveFramesPerSecond', value: perSecond(live.framesMs), explanation: 'its window meanwhile' },
      {
        name: 'monitoringPercent',
        value: watching + Math.max(0, looking.percent),
        explanation: 'of the time of a LeNet-5 run, everything on but histograms',
      },
      {
        name: 'lookingPercent',
        value: looking.percent,
        explanation: 'of it, for taking the gradient out of the steps',
      },
      { name: 'lookingGraphMs', value: looking.graphMs, explanation: 'once a run, for the graph that does' },
    ],
    bars: [
      { figure: 'listMs', bar: 100, direction: 'at-most' },
      { figure: 'comparisonMs', bar: 300, direction: 'at-most' },
      { figure: 'framesPerSecond', bar: 50, direction: 'at-least' },
      { figure: 'stepsPerSecond', bar: 200, direction: 'at-least' },
      { figure: 'loopDelayMs', bar: 20, direction: 'at-most' },
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

const perSecond = (framesMs: readonly number[]): number =>
  (1000 * framesMs.length) / framesMs.reduce((sum, ms) => sum + ms, 0);
