/** What a run can start from: the catalogue with what is here, and what of the chosen weights fits the network. */
import type { Api } from '../api/client.svelte.ts';
import type { Calls } from '../../src-main/contract/ipc.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { CatalogueState, WeightsListing } from '../../src-main/contract/model/weights.ts';
import { LatestAnswer } from './latest-answer.ts';

export type WeightsFitAnswer = Calls['weights.fit']['response'];

export class WeightsChoice {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  /** Those for the network first; null before the first answer. */
  catalogue = $state.raw<readonly CatalogueState[] | null>(null);
  /** Of the weights that the plan starts from; null where it starts from scratch, or they cannot be read. */
  fit = $state.raw<WeightsFitAnswer>(null);
  readonly suiting = $derived(this.catalogue?.filter(({ suits }) => suits) ?? []);
  readonly #asking = new LatestAnswer();
  readonly #listing = new LatestAnswer();
  #model: RunConfig['model'] | null = null;

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Returns a function that ends the following. `changed` is called when a file has come or gone. */
  follow(changed: () => void): () => void {
    return this.#api.on('weights.changed', () => {
      if (this.#model !== null) void this.list(this.#model);
      changed();
    });
  }

  async list(model: RunConfig['model']): Promise<void> {
    this.#model = model;
    await this.#listing.to(
      this.#api.call('weights.catalogue', { model }),
      (entries) => (this.catalogue = entries.toSorted((a, b) => Number(b.suits) - Number(a.suits))),
      () => (this.catalogue = []),
    );
  }

  /** The checks of the plan say what is wrong where there is no answer. */
  async ask(config: RunConfig): Promise<void> {
    const isFromScratch = config.weights === null;
    await this.#asking.to(
      isFromScratch ? Promise.resolve(null) : this.#api.call('weights.fit', { projectId: this.#projectId, config }),
      (fit) => (this.fit = fit),
      () => (this.fit = null),
    );
  }

  inspect(path: string): Promise<WeightsListing> {
    return this.#api.call('weights.inspect', { path });
  }

  async remove(id: string): Promise<void> {
    await this.#api.call('weights.remove', { id });
  }
}
