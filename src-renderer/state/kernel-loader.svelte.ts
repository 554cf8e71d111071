/** The kernels of one run's checkpoint. The previous ones stay while newer ones are read. */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { CheckpointName, KernelSet } from '../../src-main/contract/model/run.ts';
import { LatestAnswer } from './latest-answer.ts';

export class KernelLoader {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  /** Null until the first answer. */
  sets = $state.raw<readonly KernelSet[] | null>(null);
  error = $state.raw<unknown>(null);
  /** A past epoch, of which only the first layers are kept; null for a checkpoint. */
  epoch = $state<number | null>(null);
  readonly #latest = new LatestAnswer();

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  read(checkpoint: CheckpointName): Promise<void> {
    return this.#latest.to(
      this.#api.call('run.kernels', { ...this.#run, epoch: this.epoch, checkpoint }),
      (sets) => {
        this.sets = sets;
        this.error = null;
      },
      (error) => (this.error = error),
    );
  }
}
