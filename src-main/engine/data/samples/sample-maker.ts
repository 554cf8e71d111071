/** Makes samples: reads the images of each from their packs and renders them. Synchronous: it lives in a worker thread. */
import { closeSync, openSync, readSync } from 'node:fs';
import { FoveaError } from '../../../contract/errors.ts';
import type { ImagePack, PackRows, SplitData } from '../training-data.ts';
import { boxRowWidth, keptBoxes, objectNumbers, writeBoxRows } from './boxes.ts';
import { renderSample, type TileImage } from './render.ts';
import { SampleSplit, type SampleData, type SampleSettings } from './sample-split.ts';

/** Consecutive samples. */
export interface SampleBatch {
  /** uint8 [samples, C, H, W] */
  images: Uint8Array<ArrayBuffer>;
  /** uint8 [samples, 1, H, W], where the split has masks. */
  masks: Uint8Array<ArrayBuffer> | null;
  /** float32 [samples, capacity, 6], where it has objects. */
  boxes: Float32Array<ArrayBuffer> | null;
  /** float32 [samples, capacity, 3·K], where it has poses. */
  keypoints: Float32Array<ArrayBuffer> | null;
}

export interface SampleMakerOptions {
  data: SampleData;
  split: SplitData;
  settings: SampleSettings;
  labelCapacity: number;
}

export class SampleMaker {
  private readonly options: SampleMakerOptions;
  private readonly split: SampleSplit;
  private readonly files = new Map<string, number>();

  constructor(options: SampleMakerOptions) {
    this.options = options;
    this.split = new SampleSplit(options.data, options.split, options.settings);
  }

  /** Throws FoveaError `bad-input` for a pack that is missing or too short. */
  make(epoch: number, positions: Uint32Array): SampleBatch {
    const { split } = this;
    const { labelCapacity } = this.options;
    const plane = split.network.widthPx * split.network.heightPx;
    const images = new Uint8Array(positions.length * split.channels * plane);
    const masks = split.hasMasks ? new Uint8Array(positions.length * plane) : null;
    const boxes = split.hasObjects ? new Float32Array(positions.length * labelCapacity * boxRowWidth) : null;
    const pointsLength = labelCapacity * split.pointsWidth;
    const keypoints = pointsLength > 0 ? new Float32Array(positions.length * pointsLength) : null;
    positions.forEach((position, sample) => {
      const recipe = split.recipe(epoch, position);
      const part = <A extends Uint8Array | Float32Array>(all: A, length: number): A =>
        all.subarray(sample * length, (sample + 1) * length) as A;
      const kept = keptBoxes(split.boxes(recipe), labelCapacity);
      const numbers = boxes && masks && objectNumbers(kept, recipe.tiles.length);
      const tiles = recipe.tiles.map((tile, at) => this.read(tile.position, numbers?.[at] ?? null));
      renderSample(recipe, tiles, split.network, part(images, split.channels * plane), masks && part(masks, plane));
      if (boxes) writeBoxRows(kept, part(boxes, labelCapacity * boxRowWidth));
      if (keypoints) split.writePoints(recipe, kept, part(keypoints, pointsLength));
    });
    return { images, masks, boxes, keypoints };
  }

  close(): void {
    for (const handle of this.files.values()) closeSync(handle);
    this.files.clear();
  }

  private read(position: number, numbers: TileImage['numbers']): TileImage {
    const { split } = this.options;
    return {
      planes: this.readRow(split, position),
      mask: split.masks ? this.readRow(split.masks, position) : null,
      numbers,
      contentXyxy: this.split.contentOf(position),
    };
  }

  private readRow({ packs, rows }: PackRows, position: number): Uint8Array {
    const pack = this.options.data.packs[packs[position]!]!;
    const length = pack.channels * pack.heightPx * pack.widthPx;
    const bytes = new Uint8Array(length);
    const start = rows[position]! * length;
    if (readSync(this.open(pack), bytes, 0, length, start) === length) return bytes;
    throw new FoveaError('bad-input', `${pack.file} ends too early: image ${rows[position]} is not whole.`, {
      file: pack.file,
    });
  }

  private open({ file }: ImagePack): number {
    const known = this.files.get(file);
    if (known !== undefined) return known;
    try {
      const handle = openSync(file, 'r');
      this.files.set(file, handle);
      return handle;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new FoveaError('bad-input', `The images in ${file} cannot be read: ${reason}`, { file }, { cause });
    }
  }
}
