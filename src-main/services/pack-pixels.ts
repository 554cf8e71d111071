/** Reads single images out of pack files by position, and lays their pixels out for an encoder. */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError, invariant } from '../contract/errors.ts';
import type { PackRow } from '../store/image-repository.ts';
import { packsFolder } from './datasets/discard-dataset.ts';
import { fileError } from './file-errors.ts';

/**
 * Pixels of each image, uint8 [channels, heightPx, widthPx], in the order of `rows`; each pack is opened once. Throws
 * FoveaError `bad-input` where a pack ends before one of them.
 */
export async function readPackImages(projectFolder: string, rows: readonly PackRow[]): Promise<Uint8Array[]> {
  const byFile = Map.groupBy(rows, ({ pack }) => join(packsFolder(projectFolder), pack.file));
  const pixels = new Map<PackRow, Uint8Array>();
  for (const [file, own] of byFile) {
    const handle = await open(file, 'r').catch((error: unknown) => {
      throw fileError(error, 'read the image', file);
    });
    try {
      const read = await Promise.all(own.map((row) => readImage(handle, file, row)));
      own.forEach((row, index) => pixels.set(row, read[index] ?? new Uint8Array()));
    } finally {
      await handle.close();
    }
  }
  return rows.map((row) => pixels.get(row) ?? new Uint8Array());
}

async function readImage(handle: FileHandle, file: string, { pack, row }: PackRow): Promise<Uint8Array> {
  const length = pack.channels * pack.heightPx * pack.widthPx;
  const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, row * length);
  if (bytesRead === length) return buffer;
  throw new FoveaError(
    'bad-input',
    `${file}: ends inside image ${row}. The file is damaged; import the data set again.`,
    { file, row },
  );
}

/** Planes one after the other to values pixel by pixel: [C, H, W] → [H, W, C]. */
export function interleave(planes: Uint8Array, channels: number): Uint8Array {
  if (channels === 1) return planes;
  const planeLength = planes.length / channels;
  const pixels = new Uint8Array(planes.length);
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * planeLength;
    for (let index = 0; index < planeLength; index++) pixels[index * channels + channel] = planes[plane + index] ?? 0;
  }
  return pixels;
}

/** Narrows to the numbers of channels that the encoder knows. */
export function channelCount(channels: number): 1 | 2 | 3 | 4 {
  invariant(channels === 1 || channels === 2 || channels === 3 || channels === 4, `a pack has ${channels} channels`);
  return channels;
}
