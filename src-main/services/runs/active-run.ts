/**
 * One run with its training process, from launch to exit. Turns the process's events and its death into the run's
 * status; owns the deadlines after which a process that does not answer is ended.
 */
import { existsSync } from 'node:fs';
import { toErrorData } from '../../contract/errors.ts';
import type { RunStatus } from '../../contract/model/run.ts';
import type { RunEvent } from '../../engine/train/run-events.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import type { TrainerEvent, TrainJob } from '../../training-process/messages.ts';
import type { TrainerProcess } from '../backend.ts';
import type { Exit } from '../../processes/child-process.ts';
import { describeDeath } from '../process-death.ts';
import { PointClock } from './point-clock.ts';
import type { RunRows } from './run-rows.ts';

export interface RunDeadlines {
  /** From launch to the process's first message. */
  startMs: number;
  /** From asking it to stop to its end; a step and a checkpoint must fit. */
  stopMs: number;
  /** From its last message to its exit. */
  exitMs: number;
}
export const usualDeadlines: RunDeadlines = { startMs: 60_000, stopMs: 60_000, exitMs: 5_000 };

/** Who asked for the stop: the person, or the app that is closing. */
export type StopCause = 'person' | 'closing';

/** What a run needs of the app to begin. */
export interface RunStart {
  /** Rejects where the run cannot be trained, or with the signal's reason. */
  prepare(signal: AbortSignal, rows: Pick<RunRows, 'progress' | 'log'>): Promise<void>;
  launchTrainer(): TrainerProcess;
}

interface Ending {
  status: RunStatus;
  reason: string | null;
}

export class ActiveRun {
  /** Resolves when the process is gone and the rows are written. Never rejects. */
  readonly ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;
  #rows: RunRows;
  #job: TrainJob;
  #deadlines: RunDeadlines;
  #process: TrainerProcess | null = null;
  #timer: NodeJS.Timeout | undefined;
  #hasJob = false;
  #stopCause: StopCause | null = null;
  /** Why we ended the process ourselves. */
  #killReason: string | null = null;
  #hasEnding = false;
  #earlierMs: number;
  #clock: PointClock;
  #startedAtMs: number | null = null;
  #preparing = new AbortController();

  constructor(rows: RunRows, job: TrainJob, deadlines: RunDeadlines) {
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#rows = rows;
    this.#job = job;
    this.#deadlines = deadlines;
    this.#earlierMs = rows.summary.durationMs;
    this.#clock = new PointClock(this.#earlierMs);
  }

  /** First what the run trains on is prepared, then its process is launched. */
  async start({ prepare, launchTrainer }: RunStart): Promise<void> {
    try {
      this.#rows.change({ status: 'running', reason: null, endedAt: null });
      await prepare(this.#preparing.signal, this.#rows);
      this.#preparing.signal.throwIfAborted();
    } catch (error) {
      this.#safely(() => this.#end(this.#endingOfPreparation(error)));
      this.#resolveEnded();
      return;
    }
    if (!this.#hasEnding) this.#launch(launchTrainer);
  }

  #launch(launchTrainer: () => TrainerProcess): void {
    try {
      const process = launchTrainer();
      this.#process = process;
      process.onEvent((event) => this.#safely(() => this.#handle(event)));
      process.onExit((exit) => this.#exited(exit));
      this.#killAfter(this.#deadlines.startMs, 'it gave no sign of life');
    } catch (error) {
      const reason = `The training process could not be started: ${toErrorData(error).message}`;
      this.#safely(() => this.#end({ status: 'failed', reason }));
      this.#resolveEnded();
    }
  }

  stop(cause: StopCause): void {
    if (this.#hasEnding) return;
    this.#stopCause ??= cause;
    this.#preparing.abort();
    if (this.#hasJob) this.#askToStop();
    else this.#process?.kill();
  }

  /** For an app that cannot wait longer: writes the rows as they are and hears nothing more. */
  abandon(): void {
    this.#preparing.abort();
    this.#safely(() => this.#end(this.#endingOfCancelled()));
    clearTimeout(this.#timer);
    this.#resolveEnded();
  }

  #handle(event: TrainerEvent): void {
    if (this.#hasEnding) return;
    switch (event.kind) {
      case 'ready':
        return this.#giveJob();
      case 'progress':
        return this.#rows.progress(event.progress);
      case 'points':
        return this.#rows.points(this.#clock.time(event.points, this.#durationMs()));
      case 'log':
        return this.#rows.log(event.lines);
      case 'started':
        return this.#begin(event.parameterCount, event.epochsDone);
      case 'changed':
        return this.#rows.change({
          interventions: [...this.#rows.summary.interventions, event.intervention],
          epochsTotal: event.epochsTotal,
        });
      case 'checkpoint':
        return this.#rows.change({
          epochsDone: Math.floor(event.epoch),
          durationMs: this.#durationMs(),
          resumable: true,
        });
      default:
        this.#finish(event);
    }
  }

  #giveJob(): void {
    clearTimeout(this.#timer);
    if (this.#stopCause !== null) {
      // Electron cannot end a process that is still being made, so the `kill` of `stop` may have had no effect.
      this.#process?.kill();
      return;
    }
    this.#hasJob = true;
    this.#process?.send({ kind: 'train', job: this.#job });
  }

  #begin(parameterCount: number, epochsDone: number): void {
    this.#startedAtMs = performance.now();
    this.#rows.rewind(epochsDone);
    const startedAt = this.#rows.summary.startedAt ?? new Date().toISOString();
    this.#rows.change({ parameterCount, epochsDone: Math.floor(epochsDone), startedAt });
  }

  #askToStop(): void {
    this.#process?.send({ kind: 'cancel' });
    this.#killAfter(this.#deadlines.stopMs, 'it did not stop when asked to');
  }

  #finish(event: Extract<RunEvent, { kind: 'finished' | 'cancelled' | 'failed' }>): void {
    if (event.kind === 'failed') this.#end({ status: 'failed', reason: event.error.message });
    else if (event.kind === 'cancelled') this.#end(this.#endingOfCancelled(), event.epochsDone);
    else this.#end({ status: 'finished', reason: event.reason ?? null }, event.epochsDone);
    this.#killAfter(this.#deadlines.exitMs, 'it did not exit');
  }

  #endingOfPreparation(error: unknown): Ending {
    return this.#stopCause === null
      ? { status: 'failed', reason: toErrorData(error).message }
      : this.#endingOfCancelled();
  }

  #endingOfCancelled(): Ending {
    if (this.#stopCause === 'person') return { status: 'cancelled', reason: null };
    const reason =
      this.#stopCause === 'closing'
        ? 'Fovea was closed while it trained.'
        : 'The system asked the training process to stop.';
    return { status: 'interrupted', reason };
  }

  #exited(exit: Exit): void {
    clearTimeout(this.#timer);
    if (!this.#hasEnding) this.#safely(() => this.#end(this.#endingOfDeath(exit)));
    this.#resolveEnded();
  }

  #endingOfDeath(exit: Exit): Ending {
    if (this.#stopCause === 'closing' || (this.#stopCause && !this.#hasJob)) return this.#endingOfCancelled();
    const status = this.#stopCause === 'person' ? 'cancelled' : 'interrupted';
    if (this.#killReason !== null) return { status, reason: `The training process was ended: ${this.#killReason}.` };
    return { status, reason: describeDeath(exit, 'The training process') };
  }

  #end(ending: Ending, epochsDone?: number): void {
    if (this.#hasEnding) return;
    this.#hasEnding = true;
    this.#rows.change({
      ...ending,
      endedAt: new Date().toISOString(),
      durationMs: this.#durationMs(),
      epochsDone: epochsDone === undefined ? undefined : Math.floor(epochsDone),
      resumable: this.#canGoOn(ending.status),
    });
  }

  /** From its checkpoint; or from the start, where it was interrupted before it began. */
  #canGoOn(status: RunStatus): boolean {
    const neverBegan = status === 'interrupted' && this.#rows.summary.startedAt === null;
    return status !== 'finished' && (neverBegan || existsSync(runFiles.checkpoint(this.#job.folder, 'last')));
  }

  #durationMs(): number {
    return this.#earlierMs + (this.#startedAtMs === null ? 0 : performance.now() - this.#startedAtMs);
  }

  #killAfter(milliseconds: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#killReason = reason;
      this.#process?.kill();
    }, milliseconds);
    this.#timer.unref();
  }

  /** Rows that cannot be written must not take the app down: the run is stopped, and says why where it still can. */
  #safely(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Stops the process, because what it reports can no longer be kept. */
  fail(error: unknown): void {
    const { message } = toErrorData(error);
    console.error(`Run ${this.#rows.runId}: ${message}`);
    this.#preparing.abort();
    this.#askToStop();
    if (this.#hasEnding) return;
    try {
      this.#end({ status: 'failed', reason: `Its results could not be stored: ${message}` });
    } catch {
      // Already reported above; the run is found as unfinished when the project is opened next.
    }
  }
}
