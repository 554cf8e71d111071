/**
 * The images of one split as training reads them: bytes in memory where they fit, else read from their packs batch by
 * batch. Either way a step names its images by row of one array, so the graph is the same.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import type { ImagePack, PackRows } from './training-data.ts';

/** More than this is not kept in memory; one buffer of 2 GiB or more cannot be had everywhere. */
export const residentLimitBytes = 2 ** 30;

/** Rows of `images` (uint8 [rows, C, H, W]) that hold the asked-for images, in their order. */
export interface ImageFeed {
  images: Uint8Array;
  rows: ArrayLike<number>;
  /** Labels that moved with their images, row by row beside them, where the images were made anew. */
  masks?: Uint8Array;
  /** float32 [rows, capacity, 6]: 1 (0 in padding), category, x1, y1, x2, y2 in px of the image. */
  boxes?: Float32Array;
  /** float32 [rows, capacity, 3·K]: x, y in px of the image and visibility of each point of the objects of `boxes`. */
  keypoints?: Float32Array;
}

/** The images of a split, as steps are fed with them. */
export interface ExampleImages {
  /** Images of the split. */
  readonly count: number;
  /** [C, H, W] of every image. */
  readonly imageShape: readonly [number, number, number];
  /** All of them, where they are in memory and the same in every epoch. */
  readonly residentBytes: Uint8Array | null;
  /** Rows that a feed's array has when `asked` images are asked for at a time. */
  feedRows(asked: number): number;
  /** `positions`: places in the split, 0-based. An array that is read anew has room for `asked` images. */
  feed(positions: ArrayLike<number>, asked: number, epoch: number): Promise<ImageFeed>;
  close(): Promise<void>;
}

/** Of images that are read for a dispatch. Steps on images of which few fit take so long that one is enough. */
const dispatchBytes = 16 * 2 ** 20;

/** The most steps of a dispatch, at most `limit`: fewer where each has large images of its own. */
export function stepsPerDispatch(
  images: Pick<ExampleImages, 'feedRows' | 'imageShape'>,
  batchSize: number,
  limit: number,
): number {
  const ownRows = images.feedRows(batchSize) === batchSize;
  const [channels, height, width] = images.imageShape;
  const most = Math.floor(dispatchBytes / (batchSize * channels * height * width));
  return ownRows ? Math.max(1, Math.min(limit, most)) : limit;
}

export class SplitImages implements ExampleImages {
  /** Images of the split. */
  readonly count: number;
  /** [C, H, W] of every image. */
  readonly imageShape: readonly [number, number, number];
  private readonly imageBytes: number;
  private readonly split: PackRows;
  private readonly packs: readonly ImagePack[];
  private readonly handles: readonly FileHandle[];
  private resident: Uint8Array | null = null;

  private constructor(
    split: PackRows,
    packs: readonly ImagePack[],
    handles: readonly FileHandle[],
    shape: readonly [number, number, number],
  ) {
    this.split = split;
    this.packs = packs;
    this.handles = handles;
    this.imageShape = shape;
    this.imageBytes = shape[0] * shape[1] * shape[2];
    this.count = split.rows.length;
  }

  /** The caller closes it. Throws FoveaError `bad-input` for a missing or short pack, or for images of several sizes. */
  static async open(
    split: PackRows,
    packs: readonly ImagePack[],
    limitBytes = residentLimitBytes,
  ): Promise<SplitImages> {
    const used = [...new Set(split.packs)].map((index) => packs[index]!);
    const shapes = new Set(used.map((pack) => `${pack.channels}×${pack.heightPx}×${pack.widthPx}`));
    if (shapes.size !== 1) {
      throw new FoveaError(
        'bad-input',
        `All images of a split must have one size, got ${[...shapes].join(' and ') || 'no image'}.`,
      );
    }
    const { channels, heightPx, widthPx } = used[0]!;
    const handles: FileHandle[] = [];
    try {
      for (const pack of packs) handles.push(await openPack(pack));
      const images = new SplitImages(split, packs, handles, [channels, heightPx, widthPx]);
      if (images.count * images.imageBytes <= limitBytes) await images.load();
      return images;
    } catch (error) {
      await Promise.all(handles.map((handle) => handle.close()));
      throw error;
    }
  }

  /** All of them, where they are in memory. */
  get residentBytes(): Uint8Array | null {
    return this.resident;
  }

  /** Rows that a feed's array has when `asked` images are asked for at a time: all of them where they are in memory. */
  feedRows(asked: number): number {
    return this.resident ? this.count : asked;
  }

  /** `positions`: places in the split, 0-based. An array that is read anew has room for `asked` images, zeros at its end. */
  async feed(positions: ArrayLike<number>, asked = positions.length): Promise<ImageFeed> {
    if (this.resident) return { images: this.resident, rows: positions };
    const images = new Uint8Array(asked * this.imageBytes);
    for (let i = 0; i < positions.length; i++) await this.readInto(images, i, positions[i]!);
    return { images, rows: Array.from({ length: positions.length }, (_, i) => i) };
  }

  async close(): Promise<void> {
    this.resident = null;
    await Promise.all(this.handles.map((handle) => handle.close()));
  }

  private async load(): Promise<void> {
    const all = new Uint8Array(this.count * this.imageBytes);
    let position = 0;
    while (position < this.count) {
      const run = this.consecutiveFrom(position);
      await this.read(all.subarray(position * this.imageBytes, (position + run) * this.imageBytes), position);
      position += run;
    }
    this.resident = all;
  }

  /** How many images from `position` on lie one after another in the same pack. */
  private consecutiveFrom(position: number): number {
    const { packs, rows } = this.split;
    let length = 1;
    while (packs[position + length] === packs[position] && rows[position + length] === rows[position]! + length)
      length++;
    return length;
  }

  private readInto(images: Uint8Array, row: number, position: number): Promise<void> {
    return this.read(images.subarray(row * this.imageBytes, (row + 1) * this.imageBytes), position);
  }

  private async read(target: Uint8Array, position: number): Promise<void> {
    const packIndex = this.split.packs[position]!;
    const start = this.split.rows[position]! * this.imageBytes;
    const { bytesRead } = await this.handles[packIndex]!.read(target, 0, target.length, start);
    if (bytesRead !== target.length) {
      const { file } = this.packs[packIndex]!;
      throw new FoveaError(
        'bad-input',
        `${file} ends too early: image ${this.split.rows[position]} is not whole. Import the data set again.`,
        {
          file,
          offset: start + bytesRead,
        },
      );
    }
  }
}

async function openPack(pack: ImagePack): Promise<FileHandle> {
  try {
    return await open(pack.file, 'r');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError(
      'bad-input',
      `The images in ${pack.file} cannot be read: ${reason}`,
      { file: pack.file },
      { cause },
    );
  }
}
