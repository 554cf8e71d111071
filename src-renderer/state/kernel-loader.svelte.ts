/** The kernels of one run's checkpoint. The previous ones stay while newer ones are read. */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { CheckpointName, KernelSet } from '../../src-main/contract/model/run.ts';

export class KernelLoader {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  /** Null until the first answer. */
  sets = $state.raw<readonly KernelSet[] | null>(null);
  error = $state.raw<unknown>(null);
  /** A past epoch, of which only the first layers are kept; null for a checkpoint. */
  epoch = $state<number | null>(null);
  #reading = 0;

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  async read(checkpoint: CheckpointName): Promise<void> {
    const reading = ++this.#reading;
    try {
      const sets = await this.#api.call('run.kernels', { ...this.#run, epoch: this.epoch, checkpoint });
      if (reading !== this.#reading) return;
      this.sets = sets;
      this.error = null;
    } catch (error) {
      if (reading === this.#reading) this.error = error;
    }
  }
}
