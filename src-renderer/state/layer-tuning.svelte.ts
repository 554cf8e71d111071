/** How layers are computed fastest on this machine: whether that was measured, and the measurement in progress or done last. */
import type { Api } from '../api/client.svelte.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { JobList } from './job-list.svelte.ts';

export class LayerTuning {
  readonly #api: Api;
  readonly #jobs: JobList;
  /** Runs that begin compute their layers as it was measured. */
  isMeasured = $state(false);
  /** Null before the first one. */
  readonly job: Job | null = $derived.by(() => this.#jobs.all.findLast(({ kind }) => kind === 'tuning') ?? null);
  readonly isRunning = $derived(this.job?.state === 'running');

  constructor(api: Api, jobs: JobList) {
    this.#api = api;
    this.#jobs = jobs;
  }

  async read(): Promise<void> {
    const { isMeasured } = await this.#api.call('tuning.get', {});
    this.isMeasured = isMeasured;
  }

  /** Returns a function that ends the following. `onEnd`: a measurement was done, so that steps may take less from now on. */
  follow(onEnd: () => void): () => void {
    this.read().catch(() => {});
    return this.#jobs.onEnd(({ kind, state }) => {
      if (kind !== 'tuning' || state !== 'done') return;
      this.isMeasured = true;
      onEnd();
    });
  }

  async start(config: RunConfig): Promise<void> {
    this.#putAway();
    await this.#jobs.measureLayers(config);
  }

  async cancel(): Promise<void> {
    if (this.job !== null) await this.#jobs.cancel(this.job.jobId);
  }

  async forget(): Promise<void> {
    await this.#api.call('tuning.forget', {});
    this.isMeasured = false;
    this.#putAway();
  }

  #putAway(): void {
    if (this.job !== null && !this.isRunning) this.#jobs.putAway(this.job.jobId);
  }
}
