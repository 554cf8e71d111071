/** What goes on inside a run's network: the spread of each layer's values, and the feature maps of one layer on one image. */
import type { Api } from '../api/client.svelte.ts';
import type { ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { FeatureMaps, NetworkInside } from '../../src-main/contract/model/network-inside.ts';
import type { CheckpointName } from '../../src-main/contract/model/run.ts';
import { LatestAnswer } from './latest-answer.ts';

export class InsideLoader {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  /** Null until the first answer. */
  inside = $state.raw<NetworkInside | null>(null);
  error = $state.raw<unknown>(null);
  maps = $state.raw<FeatureMaps | null>(null);
  mapsError = $state.raw<unknown>(null);
  /** Maps of another layer or image than those that are shown are on their way. */
  looking = $state(false);
  readonly #latest = new LatestAnswer();
  #wanted = '';

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  read(checkpoint: CheckpointName): Promise<void> {
    return this.#latest.to(
      this.#api.call('run.inside', { ...this.#run, checkpoint }),
      (inside) => {
        this.inside = inside;
        this.error = null;
      },
      (error) => (this.error = error),
    );
  }

  /** The one that is asked for last is shown, whichever comes last. `epoch`: of the checkpoint, which replaces its file. */
  async look(checkpoint: CheckpointName, layer: string, imageId: ImageId, epoch: number): Promise<void> {
    const key = JSON.stringify([checkpoint, layer, imageId, epoch]);
    if (key === this.#wanted) return;
    this.#wanted = key;
    this.looking = true;
    try {
      const maps = await this.#api.call('run.features', { ...this.#run, checkpoint, layer, imageId });
      if (key !== this.#wanted) return;
      this.maps = maps;
      this.mapsError = null;
    } catch (error) {
      if (key === this.#wanted) this.mapsError = error;
    }
    if (key === this.#wanted) this.looking = false;
  }
}
