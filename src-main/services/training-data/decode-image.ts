/** An image of a data set as the network's input: decoded, set upright, and made the input's size. */
import { FoveaError } from '../../contract/errors.ts';
import type { InputFit } from '../../contract/model/run-images.ts';
import { place, type SizePx } from '../../engine/data/letterbox.ts';
import { resizeInto } from '../../engine/data/resize.ts';
import type { PixelSource } from '../../store/image-repository.ts';
import { explainPicture, openPicture } from '../image-pixels.ts';

export interface InputGeometry {
  network: SizePx;
  fit: InputFit;
}

/** Colour images; grey ones become so. */
export const preparedChannels = 3;

/**
 * uint8 [3, H, W]. `size`: the upright one that the labels refer to. Throws FoveaError for what cannot be read, and
 * `bad-input` where the image has another size by now.
 */
export async function decodeImage(
  projectFolder: string,
  source: PixelSource,
  size: SizePx,
  { network, fit }: InputGeometry,
): Promise<Uint8Array> {
  try {
    const picture = await openPicture(projectFolder, source);
    const { data, info } = await picture
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.width !== size.widthPx || info.height !== size.heightPx) {
      throw new FoveaError(
        'bad-input',
        `it has ${info.width} × ${info.height} px, but had ${size.widthPx} × ${size.heightPx} px when it was imported`,
      );
    }
    return resizeInto(data, preparedChannels, place(size, network, fit));
  } catch (error) {
    throw await explainPicture(error, projectFolder, source);
  }
}
