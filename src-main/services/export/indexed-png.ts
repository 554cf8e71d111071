/**
 * Writes PNG files of one byte a pixel, grey or with a palette in a given order, and of three bytes: the codec chooses
 * palettes itself, and the order of theirs is what a mask means. Source: PNG specification.
 */
import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';

const compress = promisify(deflate);
const SIGNATURE = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const COLOUR_TYPES = { grey: 0, colour: 2, palette: 3 } as const;

export interface PngImage {
  widthPx: number;
  heightPx: number;
  kind: keyof typeof COLOUR_TYPES;
  /** Row-major; one byte a pixel, three where the kind is `colour`. */
  pixels: Uint8Array;
  /** 0xrrggbb of each value, where the kind is `palette`; at most 256. */
  palette?: readonly number[];
}

export async function encodePng({ widthPx, heightPx, kind, pixels, palette = [] }: PngImage): Promise<Buffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  header.set([8, COLOUR_TYPES[kind]], 8);
  const rowBytes = widthPx * (kind === 'colour' ? 3 : 1);
  const rows = Buffer.alloc((rowBytes + 1) * heightPx); // Each row begins with its filter, none.
  for (let y = 0; y < heightPx; y++)
    rows.set(pixels.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 0xff, colour & 0xff]));
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    ...(kind === 'palette' ? [chunk('PLTE', colours)] : []),
    chunk('IDAT', await compress(rows, { level: 6 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const whole = Buffer.alloc(12 + data.length);
  whole.writeUInt32BE(data.length, 0);
  whole.write(type, 4, 'latin1');
  whole.set(data, 8);
  whole.writeUInt32BE(crc32(whole.subarray(4, 8 + data.length)), 8 + data.length);
  return whole;
}
