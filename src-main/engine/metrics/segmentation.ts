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
