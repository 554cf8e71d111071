/** Which 64 images the montage shows: a stretch of the list, or a sample from all over it. */
import type { ImageSummary } from '../../src-main/contract/model/dataset.ts';
import { samplePlaces, type DatasetBrowser } from './dataset-browser.svelte.ts';

export const montageSide = 8;
export const montageSize = montageSide * montageSide;

export interface MontageTile {
  /** Place in the filtered list. */
  place: number;
  /** Undefined while it is read. */
  image: ImageSummary | undefined;
}

export class MontageState {
  readonly #browser: DatasetBrowser;
  start = $state(0);
  /** Null while the montage goes in order. */
  sample = $state.raw<readonly MontageTile[] | null>(null);
  readonly total: number = $derived.by(() => this.#browser.pages.total ?? 0);
  readonly tiles: readonly MontageTile[] = $derived.by(() => this.sample ?? this.#stretch());

  constructor(browser: DatasetBrowser) {
    this.#browser = browser;
  }

  /** Asks for the images of the present stretch. Reactive; call it in an effect. */
  want(): void {
    this.#browser.pages.want(this.start, this.start + montageSize - 1);
  }

  turn(pages: number): void {
    const target = this.start + pages * montageSize;
    if (target >= 0 && target < this.total) this.start = target;
  }

  inOrder(): void {
    this.sample = null;
  }

  async shuffle(random: () => number): Promise<void> {
    const places = samplePlaces(this.total, montageSize, random);
    const images = await this.#browser.readSample(places);
    this.sample = places.map((place, tile) => ({ place, image: images[tile] }));
  }

  #stretch(): MontageTile[] {
    const known = this.#browser.pages.total !== null;
    const count = known ? Math.min(montageSize, this.total - this.start) : montageSize;
    return Array.from({ length: Math.max(0, count) }, (_, step) => {
      const place = this.start + step;
      return { place, image: this.#browser.pages.at(place) };
    });
  }
}
