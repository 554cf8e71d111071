/** Imports, downloads and exports of the open project: those in progress, and the ended ones until they are put away. */
import type { Api } from '../api/client.svelte.ts';
import type { Calls } from '../../src-main/contract/ipc.ts';
import type { DatasetFormat } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, JobId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { SampleSet } from '../../src-main/contract/model/sample.ts';

export interface ImportRequest {
  path: string;
  format: DatasetFormat;
  /** One of those that the report names; null where it names none. */
  labelSource: string | null;
  name: string;
  copyFiles: boolean;
}

export type ExportRequest = Omit<Calls['dataset.export']['request'], 'projectId'>;
export type PredictRequest = Omit<Calls['predict.start']['request'], 'projectId'>;
export type WriteRequest = Omit<Calls['predict.write']['request'], 'projectId'>;

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

  async import({ labelSource, ...wanted }: ImportRequest): Promise<Job> {
    const request = { projectId: this.#projectId, ...wanted, ...(labelSource === null ? {} : { labelSource }) };
    return this.#take(await this.#api.call('dataset.import', request));
  }

  async export(request: ExportRequest): Promise<Job> {
    return this.#take(await this.#api.call('dataset.export', { projectId: this.#projectId, ...request }));
  }

  /** Looks for images that are the same or look alike. */
  async fingerprint(datasetId: DatasetId): Promise<Job> {
    return this.#take(await this.#api.call('dataset.fingerprint', { projectId: this.#projectId, datasetId }));
  }

  /** Has a run's network look at image files; the job knows under which name they are kept. */
  async predict(request: PredictRequest): Promise<Job> {
    const { job } = await this.#api.call('predict.start', { projectId: this.#projectId, ...request });
    return this.#take(job);
  }

  async writePredictions(request: WriteRequest): Promise<Job> {
    return this.#take(await this.#api.call('predict.write', { projectId: this.#projectId, ...request }));
  }

  async freeze(datasetId: DatasetId): Promise<Job> {
    return this.#take(await this.#api.call('version.freeze', { projectId: this.#projectId, datasetId }));
  }

  /** Goes on from where an earlier, broken-off download stopped. */
  async download(source: 'cifar10'): Promise<Job> {
    return this.#take(await this.#api.call('dataset.download', { projectId: this.#projectId, source }));
  }

  async downloadWeights(id: string): Promise<Job> {
    return this.#take(await this.#api.call('weights.download', { projectId: this.#projectId, id }));
  }

  /** Measures how the plan's layers are computed fastest here. */
  async measureLayers(config: RunConfig): Promise<Job> {
    return this.#take(await this.#api.call('tuning.start', { projectId: this.#projectId, config }));
  }

  async importSample(set: SampleSet): Promise<Job> {
    return this.#take(await this.#api.call('dataset.importSample', { projectId: this.#projectId, set }));
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
