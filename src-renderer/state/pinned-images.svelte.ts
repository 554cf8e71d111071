/** Images of a data set that a person wants to see after every epoch, whichever run is looked at. Kept with the view. */
import type { DatasetId, ImageId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { ViewSettings } from './view-settings.svelte.ts';

const mostPinned = 12;

export class PinnedImages {
  readonly #view: ViewSettings;
  readonly #key: string;
  readonly ids = $derived.by((): readonly ImageId[] =>
    this.#view
      .text(this.#key, '')
      .split('.')
      .map(Number)
      .filter((id) => Number.isSafeInteger(id) && id > 0)
      .map((id) => id as ImageId),
  );

  constructor(view: ViewSettings, projectId: ProjectId, datasetId: DatasetId) {
    this.#view = view;
    this.#key = `pinned.${projectId}.${datasetId}`;
  }

  /** The oldest goes where there are too many. */
  toggle(imageId: ImageId): void {
    const others = this.ids.filter((id) => id !== imageId);
    const next = others.length < this.ids.length ? others : [...others, imageId].slice(-mostPinned);
    this.#view.set(this.#key, next.join('.'));
  }
}
