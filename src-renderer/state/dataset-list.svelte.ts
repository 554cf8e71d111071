/** The open project's data sets, kept up to date while they change. */
import type { Api } from '../api/client.svelte.ts';
import type { Dataset } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ProjectId } from '../../src-main/contract/model/ids.ts';

export class DatasetList {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  /** Null until the first answer. */
  all = $state.raw<readonly Dataset[] | null>(null);
  /** Why the latest reading failed. */
  error = $state.raw<unknown>(null);
  readonly byId = $derived(new Map(this.all?.map((dataset) => [dataset.datasetId, dataset])));
  #reading = 0;

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    void this.read();
    const stopEvents = this.#api.on('dataset.changed', ({ projectId }) => {
      if (projectId === this.#projectId) void this.read();
    });
    const stopReconnect = this.#api.onReconnected(() => void this.read());
    return () => {
      stopEvents();
      stopReconnect();
    };
  }

  async read(): Promise<void> {
    const reading = ++this.#reading;
    try {
      const all = await this.#api.call('dataset.list', { projectId: this.#projectId });
      if (reading !== this.#reading) return;
      this.all = all;
      this.error = null;
    } catch (error) {
      if (reading === this.#reading) this.error = error;
    }
  }

  async rename(datasetId: DatasetId, name: string): Promise<void> {
    const renamed = await this.#api.call('dataset.rename', { projectId: this.#projectId, datasetId, name });
    this.all = this.all?.map((dataset) => (dataset.datasetId === datasetId ? renamed : dataset)) ?? null;
  }

  async delete(datasetId: DatasetId): Promise<void> {
    await this.#api.call('dataset.delete', { projectId: this.#projectId, datasetId });
    this.all = this.all?.filter((dataset) => dataset.datasetId !== datasetId) ?? null;
  }
}
