/** Mask images: images/SPLIT, masks/SPLIT with one PNG an image, and classes.json with what its values mean. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '../../../contract/errors.ts';
import { rasterisePolygon } from '../../../contract/geometry/polygon.ts';
import { paintMask } from '../../../formats/mask-pixels.ts';
import type { ExportedImage } from '../exported-images.ts';
import { encodePng } from '../indexed-png.ts';
import { LabelFiles } from './label-files.ts';
import { isUnlabelled, type ExportWriter, type PlacedImage, type WriterTask } from './writer.ts';

const MOST_VALUES = 256;

export class MasksWriter implements ExportWriter {
  #task: WriterTask;
  #kind: 'grey' | 'palette' | 'colour';
  #values: readonly number[];
  #background: number;
  #files: LabelFiles;

  /** Throws FoveaError `unsupported` where there are more classes than a mask has values. */
  constructor(task: WriterTask, kind: 'grey' | 'palette' | 'colour') {
    this.#task = task;
    this.#files = new LabelFiles(task.root);
    this.#kind = kind;
    this.#values = maskValues(task);
    this.#background = [0, 255].find((value) => !this.#values.includes(value)) ?? -1;
    if (this.#background < 0 || this.#values.some((value) => value >= MOST_VALUES)) {
      throw new FoveaError('unsupported', `A mask image holds at most 255 classes; there are ${this.#values.length}.`);
    }
  }

  copyPath({ split, name }: ExportedImage): string {
    return `images/${split}/${name}`;
  }

  async image(image: PlacedImage): Promise<void> {
    if (isUnlabelled(image)) return;
    const values = paintLabels(image, this.#values, this.#background).pixels;
    const pixels = this.#kind === 'colour' ? coloured(values) : values;
    const palette = Array.from({ length: MOST_VALUES }, (_, value) => colourOfValue(value));
    this.#files.write(image, await encodePng({ ...image, kind: this.#kind, pixels, palette }));
  }

  async finish(): Promise<void> {
    const names = ['background', ...this.#task.categories.map(({ name }) => name)];
    const rows = [this.#background, ...this.#values].map((id, place) => {
      const colour = colourOfValue(id);
      return { id, name: names[place], rgb: [colour >> 16, (colour >> 8) & 0xff, colour & 0xff] };
    });
    await writeFile(join(this.#task.root, 'classes.json'), `${JSON.stringify(rows, null, 1)}\n`);
  }

  async abandon(): Promise<void> {}
}

/** The source's own numbers where masks can hold them, else the places, counted from 1. */
function maskValues({ categories, sourceIds }: Pick<WriterTask, 'categories' | 'sourceIds'>): number[] {
  const own = sourceIds.filter((id): id is number => id !== null && id >= 0 && id < MOST_VALUES);
  const isUsable = own.length === categories.length && new Set(own).size === own.length && own.length < MOST_VALUES;
  return isUsable ? own : categories.map(({ ordinal }) => ordinal + 1);
}

/** `covered`: how many labels lose pixels to later ones. */
export function paintLabels(
  { labels, widthPx, heightPx }: Pick<ExportedImage, 'labels' | 'widthPx' | 'heightPx'>,
  values: readonly number[],
  background: number,
): { pixels: Uint8Array; covered: number } {
  const pixels = new Uint8Array(widthPx * heightPx).fill(background);
  let covered = 0;
  for (const { category, shape } of labels) {
    if (shape.kind !== 'polygon' && shape.kind !== 'mask') continue;
    const rle = shape.kind === 'mask' ? shape.rle : rasterisePolygon(shape.parts, { widthPx, heightPx });
    if (paintMask(pixels, rle, values[category] ?? background, background) > 0) covered++;
  }
  return { pixels, covered };
}

/** Three bytes a pixel. */
export function coloured(values: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(values.length * 3);
  values.forEach((value, at) => {
    const colour = colourOfValue(value);
    pixels.set([colour >> 16, (colour >> 8) & 0xff, colour & 0xff], at * 3);
  });
  return pixels;
}

/** Pascal VOC's colours: the bits of the value dealt out to red, green and blue, the highest first. */
export function colourOfValue(value: number): number {
  let [red, green, blue] = [0, 0, 0];
  for (let bit = 0; bit < 8; bit++) {
    const shift = 7 - bit;
    red |= ((value >> (3 * bit)) & 1) << shift;
    green |= ((value >> (3 * bit + 1)) & 1) << shift;
    blue |= ((value >> (3 * bit + 2)) & 1) << shift;
  }
  return (red << 16) | (green << 8) | blue;
}
