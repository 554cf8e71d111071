/** Counts which pixels of which category were predicted as which, image by image; what follows is in the contract. */
import { invariant } from '../../contract/errors.ts';
import type { CellCounts } from '../../contract/model/segmentation-measures.ts';

/** Masks hold a byte a pixel. */
const byteValues = 256;

/** Counts image by image, so that no more than one image's masks need be in memory. */
export class PixelCounter {
  private readonly categoryCount: number;
  private readonly starts: number[] = [0];
  private readonly triples: number[] = [];
  private readonly table = new Uint32Array(byteValues * byteValues);

  constructor(categoryCount: number) {
    this.categoryCount = categoryCount;
  }

  /** One image's masks: a category a pixel, as many pixels in both. `labels` may have others, which are ignored. */
  add(predicted: Uint8Array, labels: Uint8Array): void {
    invariant(predicted.length === labels.length, `${predicted.length} predicted pixels for ${labels.length} labels`);
    const { table, categoryCount } = this;
    table.fill(0);
    for (let pixel = 0; pixel < labels.length; pixel++) table[labels[pixel]! * byteValues + predicted[pixel]!]!++;
    for (let label = 0; label < categoryCount; label++) {
      for (let category = 0; category < categoryCount; category++) {
        const pixels = table[label * byteValues + category]!;
        if (pixels > 0) this.triples.push(label, category, pixels);
      }
    }
    this.starts.push(this.triples.length / 3);
  }

  get pairs(): CellCounts {
    return { starts: Uint32Array.from(this.starts), triples: Uint32Array.from(this.triples) };
  }
}

/** How sure the network was of each category, in bytes: of all pixels, and of those that are it, [categories, 256] each. */
export interface SurenessCounts {
  all: Float64Array;
  right: Float64Array;
}

/** Counts pixels by the share that each category has in them, from which its precision over recall follows. */
export class SurenessCounter {
  readonly counts: SurenessCounts;
  private readonly categoryCount: number;
  private readonly first: number;

  /** Categories before `first` are merely what is left. */
  constructor(categoryCount: number, first: number) {
    this.categoryCount = categoryCount;
    this.first = first;
    this.counts = {
      all: new Float64Array(categoryCount * byteValues),
      right: new Float64Array(categoryCount * byteValues),
    };
  }

  /** shares: a byte a pixel of every category that is counted, [C, pixels]; labels: [pixels], others are ignored. */
  add(shares: Uint8Array, labels: Uint8Array): void {
    const { categoryCount, first } = this;
    const { all, right } = this.counts;
    const pixels = labels.length;
    const channels = categoryCount - first;
    invariant(
      shares.length === channels * pixels,
      `${shares.length} shares of ${channels} categories in ${pixels} pixels`,
    );
    for (let channel = 0; channel < channels; channel++) {
      const category = channel + first;
      const start = channel * pixels;
      const bin = category * byteValues;
      for (let pixel = 0; pixel < pixels; pixel++) {
        const label = labels[pixel]!;
        if (label >= categoryCount) continue;
        const at = bin + shares[start + pixel]!;
        all[at]!++;
        if (label === category) right[at]!++;
      }
    }
  }
}
