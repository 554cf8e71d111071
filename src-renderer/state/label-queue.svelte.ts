/**
 * Saves jobs one after the other, in order. What cannot be saved now stays in memory and is tried again; what will never be
 * accepted stops the line until the person decides. Nothing is dropped in silence.
 */
import { FoveaError, type ErrorCode } from '../../src-main/contract/errors.ts';
import type { LabelJob } from './label-jobs.ts';

/** Errors that go by: a full disk that is cleared, a service that is started again. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['io', 'busy', 'network', 'process-died', 'out-of-memory']);

export function isPassing(error: unknown): boolean {
  return error instanceof FoveaError && passing.has(error.code);
}

const firstDelayMs = 300;
const longestDelayMs = 10_000;

export type Saving = 'saved' | 'saving' | 'retrying' | 'failed';

export class LabelQueue {
  readonly #send: (job: LabelJob) => Promise<void>;
  #jobs: LabelJob[] = [];
  #running = false;
  #delayMs = firstDelayMs;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #waiting: (() => void)[] = [];

  unsavedCount = $state(0);
  /** 'retrying': it goes on by itself; 'failed': it waits for `retry` or `dropFirst`. */
  saving: Saving = $state('saved');
  error: FoveaError | null = $state.raw(null);

  /** `send` saves one job; it may change the jobs that wait. */
  constructor(send: (job: LabelJob) => Promise<void>) {
    this.#send = send;
  }

  /** Not saved yet, the one that is being saved included. */
  get jobs(): readonly LabelJob[] {
    return this.#jobs;
  }

  add(job: LabelJob): void {
    this.#jobs.push(job);
    this.unsavedCount = this.#jobs.length;
    if (this.saving === 'saved') this.saving = 'saving';
    void this.#run();
  }

  /** Tries at once what waits. */
  retry(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.saving === 'failed' || this.saving === 'retrying') this.saving = 'saving';
    void this.#run();
  }

  /** Gives up the job that failed, by the person's own decision. */
  dropFirst(): LabelJob | null {
    if (this.saving !== 'failed') return null;
    const dropped = this.#jobs.shift() ?? null;
    this.error = null;
    this.unsavedCount = this.#jobs.length;
    this.saving = this.#jobs.length > 0 ? 'saving' : 'saved';
    this.#rest();
    void this.#run();
    return dropped;
  }

  /** Resolves once all that waits now is saved, or nothing goes on without the person. */
  settled(): Promise<void> {
    if (!this.#running && (this.#jobs.length === 0 || this.saving === 'failed')) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #run(): Promise<void> {
    if (this.#running || this.saving === 'failed' || this.#timer !== null) return;
    this.#running = true;
    try {
      for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
        await this.#send(job);
        this.#jobs.shift();
        this.unsavedCount = this.#jobs.length;
        this.#delayMs = firstDelayMs;
        this.error = null;
        this.saving = this.#jobs.length > 0 ? 'saving' : 'saved';
      }
    } catch (error) {
      this.#stop(error);
    } finally {
      this.#running = false;
      this.#rest();
    }
  }

  #stop(error: unknown): void {
    this.error = error instanceof FoveaError ? error : new FoveaError('internal', `internal: ${String(error)}`);
    if (!isPassing(this.error)) {
      this.saving = 'failed';
      return;
    }
    this.saving = 'retrying';
    this.#timer = setTimeout(() => this.retry(), this.#delayMs);
    this.#delayMs = Math.min(longestDelayMs, this.#delayMs * 2);
  }

  #rest(): void {
    if (this.#running || (this.#jobs.length > 0 && this.saving !== 'failed')) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
