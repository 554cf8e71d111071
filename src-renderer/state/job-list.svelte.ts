/** Imports, downloads and exports of the open project: those in progress, and the ended ones until they are put away. */
import type { Api } from '../api/client.svelte.ts';
import type { ExportFormat } from '../../src-main/contract/model/dataset-export.ts';
import type { DatasetFormat } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, JobId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';

export class JobList {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #endListeners = new Set<(job: Job) => void>();
  all = $state.raw<readonly Job[]>([]);
  readonly running = $derived(this.all.filter((job) => job.state === 'running'));

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    void this.read();
    const stopEvents = this.#api.on('job.changed', (job) => {
      if (job.projectId === this.#projectId) this.#take(job);
    });
    const stopReconnect = this.#api.onReconnected(() => void this.read());
    return () => {
      stopEvents();
      stopReconnect();
    };
  }

  /** Ended jobs that were never seen running, or were put away, are history and stay out. */
  async read(): Promise<void> {
    const jobs = await this.#api.call('job.list', { projectId: this.#projectId }).catch(() => null);
    for (const job of jobs ?? []) if (job.state === 'running' || this.#find(job.jobId)) this.#take(job);
  }

  /** Calls the listener once for each job that ends from now on. */
  onEnd(listener: (job: Job) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  async import(path: string, format: DatasetFormat, name: string, copyFiles: boolean): Promise<Job> {
    const request = { projectId: this.#projectId, path, format, name, copyFiles };
    return this.#take(await this.#api.call('dataset.import', request));
  }

  async export(datasetId: DatasetId, format: ExportFormat, folder: string): Promise<Job> {
    const request = { projectId: this.#projectId, datasetId, format, folder };
    return this.#take(await this.#api.call('dataset.export', request));
  }

  /** Goes on from where an earlier, broken-off download stopped. */
  async download(source: 'cifar10'): Promise<Job> {
    return this.#take(await this.#api.call('dataset.download', { projectId: this.#projectId, source }));
  }

  async cancel(jobId: JobId): Promise<void> {
    await this.#api.call('job.cancel', { jobId });
  }

  /** Takes an ended job off the list. */
  putAway(jobId: JobId): void {
    this.all = this.all.filter((job) => job.jobId !== jobId);
  }

  /** An answer may arrive after a later event of the same job: an ended job never runs again. */
  #take(job: Job): Job {
    const known = this.#find(job.jobId);
    if (known !== undefined && known.state !== 'running') return known;
    this.all = known === undefined ? [...this.all, job] : this.all.map((other) => (other === known ? job : other));
    if (known?.state === 'running' && job.state !== 'running') for (const listener of this.#endListeners) listener(job);
    return job;
  }

  #find(jobId: JobId): Job | undefined {
    return this.all.find((job) => job.jobId === jobId);
  }
}
