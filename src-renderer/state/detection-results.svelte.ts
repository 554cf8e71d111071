/**
 * What a detection says of its evaluation split: measures, the images in an order (worst first), and the stored boxes of
 * the one that is looked at. Confidence and overlap act at once on the boxes; the measures follow when they rest.
 */
import type { Api } from '../api/client.svelte.ts';
import type { ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import {
  usualDetectionSettings,
  type DetectionReport,
  type DetectionSettings,
  type ImageBoxes,
} from '../../src-main/contract/model/run-results.ts';
import { countsInCell } from '../../src-main/contract/model/segmentation-measures.ts';
import { shownBoxes } from '../../src-main/contract/model/box-matching.ts';
import { Kept } from './kept.ts';
import { ranked, type ImageOrder, type RankedImage } from './segmentation-results.svelte.ts';

/** How long the sliders must rest before the measures are worked out anew. */
const restMs = 400;
const keptBoxes = 50;

export class DetectionResults {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  report = $state.raw<DetectionReport | null>(null);
  error = $state.raw<unknown>(null);
  /** The report is of other settings than those that are chosen. */
  measuring = $state(false);
  settings = $state.raw<DetectionSettings>(usualDetectionSettings);
  order = $state<ImageOrder>('worst-first');
  /** Only images with such objects, most first. Ordinals; behind the last class stands the background. */
  cell = $state.raw<{ truth: number; predicted: number } | null>(null);
  selected = $state<ImageId | null>(null);
  boxes = $state.raw<ImageBoxes | null>(null);
  boxesError = $state.raw<unknown>(null);
  readonly #kept = new Kept<Promise<ImageBoxes>>(keptBoxes);
  /** A past epoch; null for the latest. */
  #epoch: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading = false;
  #again = false;

  readonly images = $derived.by((): readonly RankedImage[] => {
    if (this.report === null) return [];
    const { imageIds, scores, cells } = this.report;
    if (this.cell !== null) {
      const found = countsInCell(cells, this.cell.truth, this.cell.predicted);
      const listed = Array.from(imageIds, (id, index) => ({ imageId: id as ImageId, value: found[index]! }));
      return listed.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
    }
    const listed = Array.from(imageIds, (id, index) => ({
      imageId: id as ImageId,
      value: Number.isNaN(scores[index]) ? null : scores[index]!,
    }));
    return ranked(listed, this.order);
  });
  readonly place = $derived(this.images.findIndex(({ imageId }) => imageId === this.selected));
  readonly shown = $derived(this.boxes === null ? null : shownBoxes(this.boxes, this.settings));

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  /** When the run has new predictions, too. One question at a time: what is asked meanwhile is asked once it is answered. */
  async read(): Promise<void> {
    this.measuring = true;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    do {
      this.#again = false;
      await this.#readOnce();
    } while (this.#again);
    this.#reading = false;
    this.measuring = false;
  }

  async #readOnce(): Promise<void> {
    try {
      const epoch = this.#epoch;
      const { settings } = this;
      const report = await this.#api.call('run.detectionMeasures', { ...this.#run, epoch, settings });
      if (epoch !== this.#epoch) return;
      const isNew = report.epoch !== this.report?.epoch;
      if (isNew && epoch === null) this.#kept.clear();
      this.report = report;
      this.error = null;
      if (this.selected === null) this.selected = this.images[0]?.imageId ?? null;
      if (isNew) await this.#showBoxes();
    } catch (error) {
      this.error = error;
    }
  }

  set(changes: Partial<DetectionSettings>): void {
    this.settings = { ...this.settings, ...changes };
    this.#readWhenResting();
  }

  /** The boxes at once; the measures when it rests there. Nothing is read that nobody has looked at yet. */
  goTo(epoch: number | null): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    if (this.report === null && this.error === null) return;
    void this.#showBoxes();
    this.#readWhenResting();
  }

  #readWhenResting(): void {
    this.measuring = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.read(), restMs);
  }

  select(imageId: ImageId | null): void {
    if (imageId === this.selected) return;
    this.selected = imageId;
    void this.#showBoxes();
  }

  step(by: number): void {
    const next = this.images[this.place + by];
    if (next !== undefined) this.select(next.imageId);
  }

  showCell(cell: { truth: number; predicted: number }): void {
    this.cell = cell;
    void this.read().then(() => this.select(this.images[0]?.imageId ?? null));
  }

  async #showBoxes(): Promise<void> {
    const imageId = this.selected;
    const epoch = this.#epoch;
    if (imageId === null) return;
    const key = `${imageId} ${epoch}`;
    try {
      const boxes = await this.#kept.get(key, () => this.#api.call('run.boxes', { ...this.#run, epoch, imageId }));
      if (imageId !== this.selected || epoch !== this.#epoch) return;
      this.boxes = boxes;
      this.boxesError = null;
    } catch (error) {
      this.#kept.forget(key);
      if (imageId === this.selected && epoch === this.#epoch) this.boxesError = error;
    }
  }
}
