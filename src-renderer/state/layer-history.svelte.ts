/** A run's layers through its epochs: the lengths of their weights and gradients, and how the values of one of them spread. */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { LayerNorms, TensorSpread } from '../../src-main/contract/model/monitoring.ts';
import { LatestAnswer } from './latest-answer.ts';

export class LayerHistory {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  /** Null until the first answer. */
  norms = $state.raw<LayerNorms | null>(null);
  error = $state.raw<unknown>(null);
  /** Of the tensor that was asked for last; null while it is on its way, and where it has none. */
  spread = $state.raw<TensorSpread | null>(null);
  spreadError = $state.raw<unknown>(null);
  readonly #latestNorms = new LatestAnswer();
  readonly #latestSpread = new LatestAnswer();

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  read(): Promise<void> {
    return this.#latestNorms.to(
      this.#api.call('run.layers', this.#run),
      (norms) => {
        this.norms = norms;
        this.error = null;
      },
      (error) => (this.error = error),
    );
  }

  look(tensor: string): Promise<void> {
    if (this.spread?.name !== tensor) this.spread = null;
    return this.#latestSpread.to(
      this.#api.call('run.layerSpread', { ...this.#run, tensor }),
      (spread) => {
        this.spread = spread;
        this.spreadError = null;
      },
      (error) => (this.spreadError = error),
    );
  }
}
