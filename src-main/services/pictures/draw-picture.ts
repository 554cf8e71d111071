/** Draws pictures of images: whole ones, smaller or at their own size, and what is in a box. Throws what explains the file. */
import type { PixelSource } from '../../store/image-repository.ts';
import { imageCodec } from '../image-codec.ts';
import { explainPicture, openPicture } from '../image-pixels.ts';
import type { BboxXyxy } from './messages.ts';

export const thumbnailPx = 256;

/** At most `maxPx` on its longer side, or at its own size where that is null. Packs as PNG; thumbnails of files as WebP. */
export async function drawWhole(folder: string, source: PixelSource, maxPx: number | null): Promise<Uint8Array> {
  try {
    const image = await openPicture(folder, source);
    if (maxPx !== null) image.resize({ width: maxPx, height: maxPx, fit: 'inside', withoutEnlargement: true });
    if (source.kind === 'file' && maxPx !== null) {
      return await image.toColourspace('srgb').webp({ quality: 82, effort: 0 }).toBuffer();
    }
    if (source.kind === 'pack' && source.packed.pack.channels < 3) image.toColourspace('b-w');
    return await image.png({ compressionLevel: 3 }).toBuffer();
  } catch (error) {
    throw await explainPicture(error, folder, source);
  }
}

/** Of the box's longer side, on each side of it. */
const CROP_MARGIN = 0.1;

/** WebP. */
export async function drawCrop(folder: string, source: PixelSource, [x1, y1, x2, y2]: BboxXyxy): Promise<Uint8Array> {
  try {
    const { data, info } = await (
      await openPicture(folder, source)
    )
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const margin = CROP_MARGIN * Math.max(x2 - x1, y2 - y1) + 1;
    const left = Math.min(info.width - 1, Math.max(0, Math.floor(x1 - margin)));
    const top = Math.min(info.height - 1, Math.max(0, Math.floor(y1 - margin)));
    const width = Math.max(1, Math.min(info.width, Math.ceil(x2 + margin)) - left);
    const height = Math.max(1, Math.min(info.height, Math.ceil(y2 + margin)) - top);
    const sharp = await imageCodec();
    return await sharp(data, { raw: info })
      .extract({ left, top, width, height })
      .resize({ width: thumbnailPx, height: thumbnailPx, fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 82, effort: 0 })
      .toBuffer();
  } catch (error) {
    throw await explainPicture(error, folder, source);
  }
}
