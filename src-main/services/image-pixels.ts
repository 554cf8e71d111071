/** Opens an image for the codec wherever its pixels are: a row of a pack, or a file of its own, which is set upright. */
import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Sharp } from 'sharp';
import { FoveaError, invariant } from '../contract/errors.ts';
import type { ImageFile, PackRow, PixelSource } from '../store/image-repository.ts';
import { fileError, systemCode } from './file-errors.ts';
import { codecMessage, imageCodec } from './image-codec.ts';
import { decodeBmp } from './import/files/bmp.ts';
import { MAX_PIXELS } from './import/files/probe-image.ts';
import { channelCount, interleave, readPackImages } from './pack-pixels.ts';

export function filePath(projectFolder: string, { root, path }: ImageFile): string {
  return isAbsolute(root) ? join(root, path) : join(projectFolder, root, path);
}

/** What fails while it is decoded is to be explained with `explainPicture`. */
export async function openPicture(projectFolder: string, source: PixelSource): Promise<Sharp> {
  if (source.kind === 'pack') return openPacked(projectFolder, source.packed);
  const sharp = await imageCodec();
  const file = filePath(projectFolder, source.file);
  if (source.file.mediaType === 'image/bmp') {
    const { pixels, widthPx, heightPx } = await decodeBmp(file);
    return sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 3 } });
  }
  return sharp(file, { limitInputPixels: MAX_PIXELS, failOn: 'error', sequentialRead: true }).autoOrient();
}

async function openPacked(projectFolder: string, row: PackRow): Promise<Sharp> {
  const [planes] = await readPackImages(projectFolder, [row]);
  invariant(planes, 'a pack gave no image');
  const { channels, heightPx, widthPx } = row.pack;
  const sharp = await imageCodec();
  const raw = { width: widthPx, height: heightPx, channels: channelCount(channels) };
  return sharp(interleave(planes, channels), { raw });
}

/**
 * The codec's error in words. Whether the file is there is asked of the system: the codec keeps one text of errors for all
 * that it decodes at once, so what it says of this file may be, or lack, what befell another.
 */
export async function explainPicture(error: unknown, projectFolder: string, source: PixelSource): Promise<unknown> {
  if (error instanceof FoveaError || source.kind === 'pack') return error;
  const file = filePath(projectFolder, source.file);
  const missing = await stat(file).then(
    () => null,
    (failure: unknown) => failure,
  );
  if (systemCode(missing) === 'ENOENT' || systemCode(missing) === 'ENOTDIR') {
    const gone = `${file} is not there any more. Put it back, or import the data set again from where it is now.`;
    return new FoveaError('not-found', gone, { file }, { cause: error });
  }
  if (missing !== null) return fileError(missing, 'read the image', file);
  if (systemCode(error) !== null) return fileError(error, 'read the image', file);
  const message = codecMessage(error, file);
  return new FoveaError('bad-input', `${file} cannot be read as an image (${message}).`, { file }, { cause: error });
}
