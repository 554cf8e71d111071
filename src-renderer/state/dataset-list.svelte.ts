/** The open project's data sets, kept up to date while they change. */
import type { Api } from '../api/client.svelte.ts';
import type { Dataset } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ProjectId } from '../../src-main/contract/model/ids.ts';
import { FollowedList } from './followed-list.svelte.ts';

export class DatasetList extends FollowedList<Dataset> {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly byId = $derived(new Map(this.all?.map((dataset) => [dataset.datasetId, dataset])));

  constructor(api: Api, projectId: ProjectId) {
    super(() => api.call('dataset.list', { projectId }));
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

  async rename(datasetId: DatasetId, name: string): Promise<void> {
    const renamed = await this.#api.call('dataset.rename', { projectId: this.#projectId, datasetId, name });
    this.change((all) => all.map((dataset) => (dataset.datasetId === datasetId ? renamed : dataset)));
  }

  async delete(datasetId: DatasetId): Promise<void> {
    await this.#api.call('dataset.delete', { projectId: this.#projectId, datasetId });
    this.change((all) => all.filter((dataset) => dataset.datasetId !== datasetId));
  }
}
