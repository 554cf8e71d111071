/** Looking through one data set under one filter: its pages, its counts, and the image that has the focus. */
import type { Api } from '../api/client.svelte.ts';
import type { Facets, ImageFilter, ImageOrder, ImageSummary } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ImageId, ProjectId } from '../../src-main/contract/model/ids.ts';
import { ImagePages } from './image-pages.svelte.ts';
import { ImageSelection } from './image-selection.svelte.ts';

export class DatasetBrowser {
  readonly #api: Api;
  readonly projectId: ProjectId;
  readonly datasetId: DatasetId;
  readonly filter: ImageFilter;
  readonly order: ImageOrder;
  readonly pages: ImagePages;
  readonly selection: ImageSelection;
  /** Place in the filtered list. */
  index = $state<number | null>(null);
  readonly focused: ImageSummary | undefined = $derived.by(() =>
    this.index === null ? undefined : this.pages.at(this.index),
  );

  constructor(
    api: Api,
    projectId: ProjectId,
    datasetId: DatasetId,
    filter: ImageFilter,
    order: ImageOrder = { by: 'added', descending: false },
  ) {
    this.#api = api;
    this.projectId = projectId;
    this.datasetId = datasetId;
    this.filter = filter;
    this.order = order;
    this.pages = new ImagePages((offset, limit) =>
      api.call('image.list', { projectId, datasetId, filter, order, offset, limit }),
    );
    this.selection = new ImageSelection(async (offset, limit) => {
      const read = Array.from({ length: limit }, (_, step) => this.pages.at(offset + step)?.imageId);
      if (read.every((id) => id !== undefined)) return read;
      const { imageIds } = await api.call('image.ids', { projectId, datasetId, filter, order, offset, limit });
      return imageIds;
    });
  }

  /** What an action is about: the selected images, or the one that has the focus. */
  readonly chosen: readonly ImageId[] = $derived.by(() => {
    if (this.selection.count > 0) return [...this.selection.ids];
    return this.focused === undefined ? [] : [this.focused.imageId];
  });

  readFacets(): Promise<Facets> {
    const { projectId, datasetId, filter } = this;
    return this.#api.call('dataset.facets', { projectId, datasetId, filter });
  }

  /** Single images at given places, for a sample from all over the list. */
  async readSample(places: readonly number[]): Promise<ImageSummary[]> {
    const { projectId, datasetId, filter, order } = this;
    const answers = await Promise.all(
      places.map((offset) => this.#api.call('image.list', { projectId, datasetId, filter, order, offset, limit: 1 })),
    );
    return answers.flatMap((answer) => answer.items);
  }
}

/** Distinct places below `total`, in rising order. `random` gives numbers in [0, 1). */
export function samplePlaces(total: number, count: number, random: () => number): number[] {
  const chosen = new Set<number>();
  // Floyd's algorithm: each place is equally likely, and no draw is wasted.
  for (let top = Math.max(0, total - count); top < total; top++) {
    const candidate = Math.floor(random() * (top + 1));
    chosen.add(chosen.has(candidate) ? top : candidate);
  }
  return [...chosen].sort((a, b) => a - b);
}
