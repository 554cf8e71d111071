/**
 * Imports and downloads in progress: starts them, tells listeners how far they are (at most ten times a second), ends
 * them when asked. Knows nothing of what a job does; the job's own work cleans up before it settles.
 */
import { randomUUID } from 'node:crypto';
import type { Emit, Handlers } from '../contract/ipc.ts';
import { FoveaError, toErrorData } from '../contract/errors.ts';
import type { DatasetId, JobId, PredictionSetId, ProjectId } from '../contract/model/ids.ts';
import type { Job } from '../contract/model/job.ts';
import { explainSqliteError } from '../store/sqlite-errors.ts';

export interface JobStart {
  projectId: ProjectId;
  kind: Job['kind'];
  title: string;
  unit: Job['unit'];
  weightsId?: string;
  predictionSetId?: PredictionSetId;
  gestureId?: string;
  tuning?: null;
}

/** What the work of a job reports; absent fields stay as they are. A change of `unit` begins a new measurement. */
export type JobProgress = Partial<Pick<Job, 'step' | 'done' | 'total' | 'unit' | 'tuning'>>;

/** Rejects with the signal's reason (or FoveaError `cancelled`) once it has cleaned up after an abort. */
export type JobWork = (report: (progress: JobProgress) => void, signal: AbortSignal) => Promise<DatasetId | null>;

interface RunningJob {
  job: Job;
  abort: AbortController;
  settled: Promise<void>;
  rate: RateMeter;
  lastEmitMs: number;
  timer: NodeJS.Timeout | null;
}

const EMIT_EVERY_MS = 100;
const KEEP_FINISHED = 20;

export class JobRegistry {
  #emit: Emit;
  #running = new Map<JobId, RunningJob>();
  #finished: Job[] = [];
  #closed = false;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Begins the work and returns at once. */
  start(options: JobStart, work: JobWork): Job {
    if (this.#closed) throw new FoveaError('busy', 'Fovea is closing; no new job can start.');
    const entry: RunningJob = {
      job: {
        ...options,
        jobId: randomUUID() as JobId,
        state: 'running',
        step: 'Starting',
        done: 0,
        total: null,
        ratePerSecond: null,
        secondsLeft: null,
        error: null,
        datasetId: null,
      },
      abort: new AbortController(),
      settled: Promise.resolve(),
      rate: new RateMeter(),
      lastEmitMs: 0,
      timer: null,
    };
    const { job } = entry;
    this.#running.set(job.jobId, entry);
    this.#publish(entry);
    entry.settled = this.#follow(entry, work);
    return job;
  }

  /** Running jobs first, then finished ones, newest first. */
  list(projectId: ProjectId): Job[] {
    const running = [...this.#running.values()].map((entry) => entry.job);
    return [...running, ...this.#finished].filter((job) => job.projectId === projectId);
  }

  /** Resolves when the job has cleaned up. No-op for a finished job; throws `not-found` for an unknown one. */
  async cancel(jobId: JobId): Promise<void> {
    const entry = this.#running.get(jobId);
    if (!entry) {
      if (this.#finished.some((job) => job.jobId === jobId)) return;
      throw new FoveaError('not-found', 'This job is not known any more.', { jobId });
    }
    entry.abort.abort();
    await entry.settled;
  }

  /** No job begins any more, and those that run are being cancelled because the app ends. */
  get isClosing(): boolean {
    return this.#closed;
  }

  /** Cancels every job, waits for them, and takes no new ones. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running.keys()].map((jobId) => this.cancel(jobId)));
  }

  async #follow(entry: RunningJob, work: JobWork): Promise<void> {
    const { signal } = entry.abort;
    let end: Partial<Job>;
    try {
      const datasetId = await work((progress) => this.#report(entry, progress), signal);
      end = { state: 'done', step: 'Done', datasetId };
    } catch (error) {
      const isCancel = signal.aborted && (error === signal.reason || isCancelled(error));
      const { code, message } = toErrorData(explainSqliteError('The project’s database', error));
      end = isCancel
        ? { state: 'cancelled', step: 'Cancelled' }
        : { state: 'failed', step: 'Failed', error: { code, message } };
    }
    entry.job = { ...entry.job, ...end, ratePerSecond: null, secondsLeft: null };
    this.#running.delete(entry.job.jobId);
    this.#finished = [entry.job, ...this.#finished].slice(0, KEEP_FINISHED);
    this.#publish(entry);
  }

  #report(entry: RunningJob, progress: JobProgress): void {
    if (progress.unit !== undefined && progress.unit !== entry.job.unit) entry.rate = new RateMeter();
    // What is reported may be a message of a worker, with more in it than progress.
    const { step, done, total, unit, tuning } = { ...entry.job, ...progress };
    const job = { ...entry.job, step, done, total, unit, ...(tuning !== undefined && { tuning }) };
    const ratePerSecond = entry.rate.measure(job.done, performance.now());
    const left = job.total === null ? null : job.total - job.done;
    const secondsLeft = left === null || !ratePerSecond ? null : left / ratePerSecond;
    entry.job = { ...job, ratePerSecond, secondsLeft };
    const waitMs = entry.lastEmitMs + EMIT_EVERY_MS - performance.now();
    if (waitMs <= 0) this.#publish(entry);
    else entry.timer ??= setTimeout(() => this.#publish(entry), waitMs);
  }

  #publish(entry: RunningJob): void {
    if (entry.timer) clearTimeout(entry.timer);
    entry.timer = null;
    entry.lastEmitMs = performance.now();
    this.#emit('job.changed', entry.job);
  }
}

function isCancelled(error: unknown): boolean {
  return error instanceof FoveaError && error.code === 'cancelled';
}

/** Progress over the last few seconds, so that the time left follows the present pace. */
class RateMeter {
  #samples: { atMs: number; done: number }[] = [];

  /** Per second; null until there is something to measure. */
  measure(done: number, atMs: number): number | null {
    const windowMs = 5000;
    this.#samples.push({ atMs, done });
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? 0) < atMs - windowMs) this.#samples.shift();
    const oldest = this.#samples[0];
    if (!oldest || atMs - oldest.atMs < 200 || done <= oldest.done) return null;
    return ((done - oldest.done) * 1000) / (atMs - oldest.atMs);
  }
}

export function createJobHandlers(jobs: JobRegistry): Pick<Handlers, 'job.list' | 'job.cancel'> {
  return {
    'job.list': ({ projectId }) => Promise.resolve(jobs.list(projectId)),
    'job.cancel': async ({ jobId }) => {
      await jobs.cancel(jobId);
      return {};
    },
  };
}
