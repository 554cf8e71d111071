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
  /** A past epoch; null for the latest. */
  #moment: number | null = null;
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

  /** The place in the list stays chosen, though another image may be there. Nothing is read that nobody has looked at yet. */
  goTo(epoch: number | null): void {
    if (epoch === this.#moment) return;
    this.#moment = epoch;
    if (this.epoch === null) return;
    const { selected } = this;
    this.reload();
    this.selected = selected;
    if (selected !== null) this.pages.want(selected, selected);
  }

  /** After a change of the filter, or when the run has new predictions. */
  reload(): void {
    this.selected = null;
    this.pages = this.#newPages(this.filter);
    this.pages.want(0, 0);
  }

  #newPages(filter: PredictionFilter): ImagePages<Prediction> {
    return new ImagePages(async (offset, limit) => {
      const epoch = this.#moment;
      const page = await this.#api.call('run.predictions', { ...this.#run, epoch, filter, offset, limit });
      if (epoch === this.#moment) this.epoch = page.epoch;
      return page;
    });
  }
}
