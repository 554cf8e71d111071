/** A run's layers through its epochs: the lengths of their weights and gradients, and how the values of one of them spread. */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { LayerNorms, TensorSpread } from '../../src-main/contract/model/monitoring.ts';

export class LayerHistory {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  /** Null until the first answer. */
  norms = $state.raw<LayerNorms | null>(null);
  error = $state.raw<unknown>(null);
  /** Of the tensor that was asked for last; null while it is on its way, and where it has none. */
  spread = $state.raw<TensorSpread | null>(null);
  spreadError = $state.raw<unknown>(null);
  #reading = 0;
  #looking = 0;

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  async read(): Promise<void> {
    const reading = ++this.#reading;
    try {
      const norms = await this.#api.call('run.layers', this.#run);
      if (reading !== this.#reading) return;
      this.norms = norms;
      this.error = null;
    } catch (error) {
      if (reading === this.#reading) this.error = error;
    }
  }

  async look(tensor: string): Promise<void> {
    const looking = ++this.#looking;
    if (this.spread?.name !== tensor) this.spread = null;
    try {
      const spread = await this.#api.call('run.layerSpread', { ...this.#run, tensor });
      if (looking !== this.#looking) return;
      this.spread = spread;
      this.spreadError = null;
    } catch (error) {
      if (looking === this.#looking) this.spreadError = error;
    }
  }
}
