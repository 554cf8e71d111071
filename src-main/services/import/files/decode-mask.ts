/** Decodes a mask image into values, one a pixel, as they stand in the file: no colour is changed, nothing is turned. */
import { FoveaError } from '../../../contract/errors.ts';
import { pngPalette, type MaskPixels } from '../../../formats/mask-pixels.ts';
import { rgbKey } from '../../../formats/mask-table.ts';
import { fileError } from '../../file-errors.ts';
import { codecMessage, imageCodec } from '../../image-codec.ts';
import { readHead } from '../read-head.ts';
import { MAX_PIXELS } from './probe-image.ts';

const HEAD_BYTES = 64 * 1024;

/** Throws FoveaError `bad-input` or `io`. */
export async function decodeMask(file: string): Promise<MaskPixels> {
  return decode(file, await readPalette(file), file);
}

/** The same for a file in memory. */
export async function decodeMaskBytes(bytes: Uint8Array): Promise<MaskPixels> {
  return decode(bytes, pngPalette(bytes), '');
}

async function decode(source: string | Uint8Array, palette: number[] | null, file: string): Promise<MaskPixels> {
  const sharp = await imageCodec();
  try {
    const image = sharp(source, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
    const { channels, depth } = await image.metadata();
    if (channels <= 2 && palette === null) {
      const isDeep = depth === 'ushort';
      const { data, info } = await image
        .removeAlpha()
        .toColourspace(isDeep ? 'grey16' : 'b-w')
        .raw({ depth: isDeep ? 'ushort' : 'uchar' })
        .toBuffer({ resolveWithObject: true });
      const levels = isDeep ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
      return {
        kind: 'grey',
        widthPx: info.width,
        heightPx: info.height,
        values: Uint32Array.from(levels),
        palette: null,
      };
    }
    const { data, info } = await image
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return fromColours(data, { widthPx: info.width, heightPx: info.height, palette });
  } catch (error) {
    if (error instanceof FoveaError) throw error;
    const reason = `The mask is damaged (${codecMessage(error, file)}).`;
    throw new FoveaError('bad-input', reason, { file }, { cause: error });
  }
}

function fromColours(data: Uint8Array, facts: Pick<MaskPixels, 'widthPx' | 'heightPx' | 'palette'>): MaskPixels {
  const { palette } = facts;
  const values = new Uint32Array(facts.widthPx * facts.heightPx);
  const indexOf = palette === null ? null : new Map(palette.map((colour, index) => [colour, index] as const).reverse());
  let isGrey = indexOf === null;
  for (let at = 0; at < values.length; at++) {
    const [red = 0, green = 0, blue = 0] = [data[at * 3], data[at * 3 + 1], data[at * 3 + 2]];
    if (red !== green || green !== blue) isGrey = false;
    values[at] = rgbKey(red, green, blue);
  }
  if (indexOf !== null) {
    return { ...facts, kind: 'palette', values: values.map((colour) => indexOf.get(colour) ?? 0) };
  }
  return isGrey
    ? { ...facts, kind: 'grey', values: values.map((colour) => colour & 0xff) }
    : { ...facts, kind: 'colour', values };
}

async function readPalette(file: string): Promise<number[] | null> {
  try {
    return pngPalette(await readHead(file, HEAD_BYTES));
  } catch (error) {
    throw fileError(error, 'read', file);
  }
}
