/**
 * Runs of a small project whose training processes do what a test tells them to: begun and asked about as the app does it,
 * through the calls of its services.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { MetricPoint, RunSummary, Series, SeriesName } from '../../src-main/contract/model/run.ts';
import { encodeEventLine, type RunEvent } from '../../src-main/engine/train/run-events.ts';
import type { ServiceContext } from '../../src-main/services/context.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import { fakeTrainers, type FakeTrainer } from './fake-trainer.ts';
import { createRunProject, runContext, testConfig, until, type Emitted, type RunProject } from './run-project.ts';
import { launchIdleWorker } from './worker-process.ts';

export class SupervisedRuns {
  project!: RunProject;
  services!: RunServices;
  emitted: Emitted[] = [];
  launched: FakeTrainer[] = [];

  get projectId(): ProjectId {
    return this.project.opened.project.projectId;
  }

  async begin(): Promise<void> {
    this.project = await createRunProject(this.#connect().projects);
  }

  /** As after the app has died and is there again: its processes are gone, and what they told it. */
  async reopen(): Promise<void> {
    const { folder } = this.project.opened;
    this.project.projects.closeAll();
    const { projects } = this.#connect();
    this.project = { ...this.project, projects, opened: await projects.open(folder) };
  }

  /** Services of an app that has just begun. */
  #connect(): ServiceContext {
    const { launched, launch } = fakeTrainers();
    const { context, emitted } = runContext(launch, launchIdleWorker);
    Object.assign(this, { launched, emitted });
    this.services = createRunHandlers(context);
    return context;
  }

  /** Resolves when its process is launched, or at once where it waits for its turn. */
  start(name: string | null = null): Promise<RunSummary> {
    const request = { projectId: this.projectId, config: testConfig(this.project.datasetId), name };
    return this.#onceLaunched(() => this.services.handlers['run.start'](request));
  }
  resume(runId: RunId): Promise<RunSummary> {
    return this.#onceLaunched(() => this.services.handlers['run.resume']({ projectId: this.projectId, runId }));
  }
  cancel(runId: RunId): Promise<unknown> {
    return this.services.handlers['run.cancel']({ projectId: this.projectId, runId });
  }
  delete(runId: RunId): Promise<unknown> {
    return this.services.handlers['run.delete']({ projectId: this.projectId, runId });
  }
  series(runId: RunId, series: SeriesName[]): Promise<readonly Series[]> {
    return this.services.handlers['run.series']({ projectId: this.projectId, runId, series });
  }

  /** As its rows have it. */
  summary(runId: RunId): RunSummary {
    return this.project.opened.store.runs.get(runId);
  }
  folder(runId: RunId): string {
    return join(this.project.opened.folder, this.project.opened.store.runs.folder(runId));
  }

  /** By the order of their launches. */
  trainer(index: number): FakeTrainer {
    const found = this.launched[index];
    if (!found) throw new Error(`no trainer ${index} was launched`);
    return found;
  }

  writeCheckpoint(runId: RunId): Promise<void> {
    return writeFile(join(this.folder(runId), 'checkpoints', 'last.safetensors'), 'x');
  }
  /** What its process has recorded; `tail` is of a line that was cut short. */
  writeEvents(runId: RunId, events: RunEvent[], tail = ''): Promise<void> {
    const lines = events.map((event) => encodeEventLine({ time: '2026-01-02T03:04:05.000Z', event }));
    return writeFile(join(this.folder(runId), 'events.jsonl'), lines.join('') + tail);
  }

  /** A run's process is launched when its data is prepared, which takes a moment; a waiting run has none yet. */
  async #onceLaunched(begin: () => Promise<RunSummary>): Promise<RunSummary> {
    const before = this.launched.length;
    const run = await begin();
    await until('it is launched', () => this.launched.length > before || this.summary(run.runId).status !== 'running');
    return run;
  }
}

/** New ones for each test of the file. */
export function superviseRuns(): SupervisedRuns {
  const runs = new SupervisedRuns();
  beforeEach(() => runs.begin());
  afterEach(() => runs.project.dispose());
  return runs;
}

export const point = (series: MetricPoint['series'], step: number, epoch: number, value: number): MetricPoint => ({
  series,
  step,
  epoch,
  value,
});

/** What an epoch of four steps reports at its end. */
export const epochPoints = (epoch: number, accuracy: number): RunEvent => ({
  kind: 'points',
  points: [point('test/accuracy', epoch * 4, epoch, accuracy), point('train/loss', epoch * 4, epoch, 2 - epoch / 10)],
});
