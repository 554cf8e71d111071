/**
 * What a segmentation says of its evaluation split: its pixels by class, the images in an order (worst first), and the
 * masks of the one that is looked at. Every number comes from the same pixels.
 */
import type { Api } from '../api/client.svelte.ts';
import type { ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { ImageMasks, PixelResults } from '../../src-main/contract/model/run-results.ts';
import {
  measureEach,
  measureTogether,
  pixelCounts,
  countsInCell,
  type SegmentationCounts,
  type SegmentationMeasure,
} from '../../src-main/contract/model/segmentation-measures.ts';
import { Kept } from './kept.ts';

export interface RankedImage {
  imageId: ImageId;
  /** By what it is ranked; null where there is nothing to measure in it. */
  value: number | null;
}

/** One cell of the confusion: pixels of a class that were called another. Ordinals. */
export interface PixelCell {
  truth: number;
  predicted: number;
}

export type ImageOrder = 'worst-first' | 'best-first' | 'dataset';

const keptMasks = 24;

export class SegmentationResults {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  pixels = $state.raw<PixelResults | null>(null);
  error = $state.raw<unknown>(null);
  measure = $state<SegmentationMeasure>('iou');
  /** Place among the counted classes; null: the mean over those that are there. */
  category = $state<number | null>(null);
  order = $state<ImageOrder>('worst-first');
  /** Only images with such pixels, most first; it overrides measure and order. */
  cell = $state.raw<PixelCell | null>(null);
  selected = $state<ImageId | null>(null);
  masks = $state.raw<ImageMasks | null>(null);
  masksError = $state.raw<unknown>(null);
  readonly #kept = new Kept<Promise<ImageMasks>>(keptMasks);
  /** A past epoch; null for the latest. */
  #epoch: number | null = null;

  /** Ordinals of the classes that are measured. */
  readonly counted = $derived.by(() => {
    const { classes = [], firstCounted = 0 } = this.pixels ?? {};
    return classes.map((_, ordinal) => ordinal).slice(firstCounted);
  });
  readonly counts = $derived<SegmentationCounts>(
    this.pixels === null ? [] : pixelCounts(this.pixels.pairs, this.counted),
  );
  readonly images = $derived.by((): readonly RankedImage[] => {
    if (this.pixels === null) return [];
    const imageIds = Array.from(this.pixels.imageIds, (id) => id as ImageId);
    if (this.cell !== null) {
      const found = countsInCell(this.pixels.pairs, this.cell.truth, this.cell.predicted);
      const listed = imageIds.map((imageId, index) => ({ imageId, value: found[index]! }));
      return listed.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
    }
    const values = this.valuesOf(this.measure, this.category);
    return ranked(
      imageIds.map((imageId, index) => ({ imageId, value: values[index]! })),
      this.order,
    );
  });
  readonly place = $derived(this.images.findIndex(({ imageId }) => imageId === this.selected));

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  /** Of each image, in evaluation order: of one class, or the mean over the classes that are there. */
  valuesOf(measure: SegmentationMeasure, category: number | null): (number | null)[] {
    const options = { measure, zeroDivision: null };
    if (category === null) return this.counts.map((image) => measureTogether([image], 'macro', options));
    return measureEach(this.counts, options).map((image) => image[category] ?? null);
  }

  /** When the run has new predictions, too. */
  async read(): Promise<void> {
    try {
      const epoch = this.#epoch;
      const pixels = await this.#api.call('run.pixels', { ...this.#run, epoch });
      if (epoch !== this.#epoch) return;
      const isNew = pixels.epoch !== this.pixels?.epoch;
      if (isNew && epoch === null) this.#kept.clear();
      this.pixels = pixels;
      this.error = null;
      if (this.selected === null) this.selected = this.images[0]?.imageId ?? null;
      if (isNew) await this.#showMasks();
    } catch (error) {
      this.error = error;
    }
  }

  /** Nothing is read that nobody has looked at yet. */
  goTo(epoch: number | null): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    if (this.pixels === null && this.error === null) return;
    void this.#showMasks();
    void this.read();
  }

  select(imageId: ImageId | null): void {
    if (imageId === this.selected) return;
    this.selected = imageId;
    void this.#showMasks();
  }

  /** By so many places in the list. */
  step(by: number): void {
    const next = this.images[this.place + by];
    if (next !== undefined) this.select(next.imageId);
  }

  /** The images that a number is made of. */
  rank(measure: SegmentationMeasure, category: number | null): void {
    this.cell = null;
    this.measure = measure;
    this.category = category;
    this.order = 'worst-first';
    this.select(this.images[0]?.imageId ?? null);
  }

  showCell(cell: PixelCell): void {
    this.cell = cell;
    this.select(this.images[0]?.imageId ?? null);
  }

  /** The one that is asked for last is shown, whichever comes last. */
  async #showMasks(): Promise<void> {
    const imageId = this.selected;
    const epoch = this.#epoch;
    if (imageId === null) return;
    const key = `${imageId} ${epoch}`;
    try {
      const masks = await this.#kept.get(key, () => this.#api.call('run.masks', { ...this.#run, epoch, imageId }));
      if (imageId !== this.selected || epoch !== this.#epoch) return;
      this.masks = masks;
      this.masksError = null;
    } catch (error) {
      this.#kept.forget(key);
      if (imageId === this.selected && epoch === this.#epoch) this.masksError = error;
    }
  }
}

/** Images without a value come last in either direction. */
export function ranked(images: readonly RankedImage[], order: ImageOrder): RankedImage[] {
  if (order === 'dataset') return [...images];
  const sign = order === 'worst-first' ? 1 : -1;
  return images.toSorted((a, b) => {
    if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
    return sign * (a.value - b.value);
  });
}
