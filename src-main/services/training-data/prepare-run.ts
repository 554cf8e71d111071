/** Sees to it that a run's data.json is there, and the packs that it names, before its training process starts. */
import { existsSync } from 'node:fs';
import { appendFile, stat } from 'node:fs/promises';
import type { LogLine, RunConfig } from '../../contract/model/run.ts';
import type { TrainingData } from '../../engine/data/training-data.ts';
import { encodeEventLine } from '../../engine/train/run-events.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { readTrainingData } from '../../engine/train/training-data-file.ts';
import { fileError } from '../file-errors.ts';
import type { OpenProject } from '../open-projects.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { runDataWorker } from './run-data-worker.ts';

export interface PreparedRun {
  opened: OpenProject;
  /** The run's folder. */
  folder: string;
  config: RunConfig;
  workers: WorkerPool;
}

export interface PrepareReport {
  /** Images done, of all. */
  progress(done: number, total: number): void;
  log(lines: LogLine[]): void;
}

/**
 * Nothing is done again for a run that goes on and finds all it needs. Throws FoveaError: what is wrong with its images or
 * labels, also that they changed since it began and are no longer kept; or the signal's reason.
 */
export async function prepareRun(
  { opened, folder, config, workers }: PreparedRun,
  report: PrepareReport,
  signal: AbortSignal,
): Promise<void> {
  const file = runFiles.data(folder);
  const before = existsSync(file) ? await readTrainingData(file) : null;
  if (before && (await arePacksWhole(before))) return;
  const log = new EventLog(folder, report);
  const task = {
    kind: 'prepare',
    database: opened.store.database.name,
    folder: opened.folder,
    config,
    runFolder: folder,
    goesOn: before !== null && existsSync(runFiles.checkpoint(folder, 'last')),
  } as const;
  try {
    await runDataWorker(workers, task, signal, (message) => {
      if (message.kind === 'progress') report.progress(message.done, message.total);
      if (message.kind === 'log') log.add(message.level, message.text);
    });
  } finally {
    await log.written();
  }
}

async function arePacksWhole({ packs }: TrainingData): Promise<boolean> {
  const sizes = await Promise.all(packs.map(({ file }) => stat(file).catch(() => null)));
  return packs.every((pack, at) => sizes[at]?.size === pack.count * pack.channels * pack.heightPx * pack.widthPx);
}

/** Lines that the run's own record begins with; its training process goes on writing there. */
class EventLog {
  #file: string;
  #report: PrepareReport;
  #written: Promise<void> = Promise.resolve();

  constructor(folder: string, report: PrepareReport) {
    this.#file = runFiles.events(folder);
    this.#report = report;
  }

  add(level: LogLine['level'], text: string): void {
    const time = new Date().toISOString();
    const lines = [{ time, level, text }];
    this.#report.log(lines);
    const line = encodeEventLine({ time, event: { kind: 'log', lines } });
    this.#written = this.#written.then(() => appendFile(this.#file, line));
  }

  /** Throws FoveaError `io`. */
  async written(): Promise<void> {
    await this.#written.catch((error: unknown) => {
      throw fileError(error, 'write the run’s record', this.#file);
    });
  }
}
