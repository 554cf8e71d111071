/** Images that a network has looked at and that belong to no data set: the list, and what is said of the one that is looked at. */
import type { Api } from '../api/client.svelte.ts';
import type { PredictionSetId, ProjectId } from '../../src-main/contract/model/ids.ts';
import { suppressed, type FoundBox, type Seen } from '../../src-main/contract/model/image-prediction.ts';
import type { OpenPredictionSet } from '../../src-main/contract/model/prediction-set.ts';
import { usualDetectionSettings, type DetectionSettings } from '../../src-main/contract/model/run-results.ts';
import { Kept } from './kept.ts';

const keptImages = 12;

export class PredictedImages {
  readonly id: PredictionSetId;
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #kept = new Kept<Promise<Seen>>(keptImages);
  set = $state.raw<OpenPredictionSet | null>(null);
  error = $state.raw<unknown>(null);
  /** Place in the set. */
  selected = $state<number | null>(null);
  seen = $state.raw<Seen | null>(null);
  seenError = $state.raw<unknown>(null);
  settings = $state.raw<DetectionSettings>(usualDetectionSettings);
  readonly images = $derived(this.set?.images.map((_, index) => ({ imageId: index, value: null })) ?? []);
  readonly place = $derived(this.selected ?? -1);
  /** Those that count at the settings, the best first. */
  readonly boxes = $derived.by((): readonly FoundBox[] =>
    this.seen?.kind === 'boxes' ? suppressed(this.seen.boxes, this.settings) : [],
  );

  constructor(api: Api, projectId: ProjectId, id: PredictionSetId) {
    this.#api = api;
    this.#projectId = projectId;
    this.id = id;
  }

  /** Again while the network is at work: the list grows. */
  async read(): Promise<void> {
    try {
      this.set = await this.#api.call('predict.get', { projectId: this.#projectId, predictionSetId: this.id });
      this.error = null;
      if (this.selected === null && this.set.images.length > 0) this.select(0);
    } catch (error) {
      this.error = error;
    }
  }

  select(index: number): void {
    this.selected = index;
    void this.#show(index);
  }

  step(by: number): void {
    const next = this.place + by;
    if (next >= 0 && next < this.images.length) this.select(next);
  }

  change(settings: Partial<DetectionSettings>): void {
    this.settings = { ...this.settings, ...settings };
  }

  async #show(index: number): Promise<void> {
    const request = { projectId: this.#projectId, predictionSetId: this.id, index };
    const key = String(index);
    try {
      const seen = await this.#kept.get(key, () => this.#api.call('predict.image', request));
      if (index !== this.selected) return;
      this.seen = seen;
      this.seenError = null;
    } catch (error) {
      this.#kept.forget(key);
      if (index === this.selected) this.seenError = error;
    }
  }
}
