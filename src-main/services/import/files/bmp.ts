/** BMP, which the image codec does not read: its header, and its pixels for the codec. */
import { readFile } from 'node:fs/promises';
import { decode } from 'bmp-ts';
import { FoveaError } from '../../../contract/errors.ts';

const HEADER_BYTES = 54;

export interface BmpFacts {
  widthPx: number;
  heightPx: number;
  channels: number;
}

/** Null where the bytes are no BMP. `head`: the first bytes of the file. */
export function bmpFacts(head: Uint8Array): BmpFacts | null {
  if (head.length < HEADER_BYTES || head[0] !== 0x42 || head[1] !== 0x4d) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  // Rows that go from the top down have a negative height.
  const [widthPx, heightPx] = [view.getInt32(18, true), Math.abs(view.getInt32(22, true))];
  return widthPx > 0 && heightPx > 0 ? { widthPx, heightPx, channels: 3 } : null;
}

/** uint8 [heightPx, widthPx, 3]. Throws FoveaError `bad-input`. */
export async function decodeBmp(file: string): Promise<BmpFacts & { pixels: Uint8Array }> {
  const bytes = await readFile(file);
  try {
    const { data, width, height } = decode(bytes, { toRGBA: true });
    const pixels = new Uint8Array(width * height * 3);
    for (let at = 0; at < width * height; at++) pixels.set(data.subarray(at * 4, at * 4 + 3), at * 3);
    return { widthPx: width, heightPx: height, channels: 3, pixels };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new FoveaError('bad-input', `${file} cannot be read as an image (${message}).`, { file }, { cause: error });
  }
}
