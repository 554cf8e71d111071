/** The predictions of a run on its evaluation split: filter, pages, and which one is looked at. */
import type { Api } from '../api/client.svelte.ts';
import type { CategoryId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { Prediction, PredictionFilter } from '../../src-main/contract/model/run.ts';
import { ImagePages } from './image-pages.svelte.ts';

const everything: PredictionFilter = {
  outcome: 'all',
  groundTruthCategoryId: null,
  predictedCategoryId: null,
  order: 'wrong-first',
};

export class PredictionBrowser {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  filter = $state.raw<PredictionFilter>(everything);
  pages = $state.raw<ImagePages<Prediction>>(this.#newPages(everything));
  /** The epoch that the predictions come from; null until the first answer. */
  epoch = $state<number | null>(null);
  /** Place in the filtered list. */
  selected = $state<number | null>(null);
  readonly selection = $derived(this.selected === null ? undefined : this.pages.at(this.selected));

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  narrow(changes: Partial<PredictionFilter>): void {
    this.filter = { ...this.filter, ...changes };
    this.reload();
  }

  showAll(): void {
    this.narrow({ ...everything, order: this.filter.order });
  }

  /** One cell of the confusion matrix. */
  showMixUp(groundTruthCategoryId: CategoryId, predictedCategoryId: CategoryId): void {
    this.narrow({ outcome: 'all', groundTruthCategoryId, predictedCategoryId });
  }

  /** After a change of the filter, or when the run has new predictions. */
  reload(): void {
    this.selected = null;
    this.pages = this.#newPages(this.filter);
    this.pages.want(0, 0);
  }

  #newPages(filter: PredictionFilter): ImagePages<Prediction> {
    return new ImagePages(async (offset, limit) => {
      const page = await this.#api.call('run.predictions', { ...this.#run, filter, offset, limit });
      this.epoch = page.epoch;
      return page;
    });
  }
}
