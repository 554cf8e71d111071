/**
 * What an image file is, from its content: type, upright size, channels; or why it cannot be used. Reads the header, and
 * of JPEG and PNG the end as well, so that a file which was cut off is found without decoding it.
 */
import { open, stat } from 'node:fs/promises';
import { FoveaError } from '../../../contract/errors.ts';
import { fileError } from '../../file-errors.ts';
import { imageCodec } from '../../image-codec.ts';

export interface ImageFacts {
  /** Upright, after the EXIF orientation. */
  widthPx: number;
  heightPx: number;
  channels: number;
  orientation: number;
  mediaType: string;
  sizeBytes: number;
  modifiedMs: number;
}

const mediaTypes: Readonly<Record<string, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  tiff: 'image/tiff',
  gif: 'image/gif',
  heif: 'image/avif',
};
/** Larger images are refused before anything is decoded. */
export const MAX_PIXELS = 268_000_000;
const TAIL_BYTES = 64;
const JPEG_END = Buffer.of(0xff, 0xd9);
const PNG_END = 'IEND';

/** Throws FoveaError `bad-input`, `unsupported` or `io`; the message is for the report on this file. */
export async function probeImage(file: string): Promise<ImageFacts> {
  const facts = await stat(file).catch((error: unknown) => {
    throw fileError(error, 'read', file);
  });
  if (facts.size === 0) throw new FoveaError('bad-input', 'The file is empty.', { file });
  const sharp = await imageCodec();
  const metadata = await sharp(file, { limitInputPixels: MAX_PIXELS })
    .metadata()
    .catch((error: unknown) => {
      throw unreadable(file, error);
    });
  const mediaType = mediaTypes[metadata.format];
  if (mediaType === undefined || (metadata.format === 'heif' && metadata.compression !== 'av1')) {
    throw new FoveaError('unsupported', `The file is ${metadata.format}, which this version does not read.`, { file });
  }
  if (metadata.width * metadata.height > MAX_PIXELS) {
    throw new FoveaError(
      'unsupported',
      `The image has ${metadata.width} × ${metadata.height} px, which is too large.`,
      { file },
    );
  }
  if (await isCutOff(file, facts.size, mediaType)) {
    throw new FoveaError('bad-input', 'The image is cut off: its end is missing.', { file });
  }
  const orientation = metadata.orientation ?? 1;
  const isTurned = orientation >= 5;
  return {
    widthPx: isTurned ? metadata.height : metadata.width,
    heightPx: isTurned ? metadata.width : metadata.height,
    channels: metadata.channels,
    orientation: orientation >= 1 && orientation <= 8 ? orientation : 1,
    mediaType,
    sizeBytes: facts.size,
    modifiedMs: Math.round(facts.mtimeMs),
  };
}

/**
 * Whether a JPEG or PNG lacks its end. (Decoding it would not tell: the codec lets some cut images pass.) Reads the whole
 * file only where its last bytes are something else.
 */
async function isCutOff(file: string, sizeBytes: number, mediaType: string): Promise<boolean> {
  if (mediaType !== 'image/jpeg' && mediaType !== 'image/png') return false;
  const end = mediaType === 'image/png' ? PNG_END : JPEG_END;
  const length = Math.min(TAIL_BYTES, sizeBytes);
  const handle = await open(file, 'r');
  try {
    const tail = await handle.read(Buffer.alloc(length), 0, length, sizeBytes - length);
    if (tail.buffer.includes(end)) return false;
    const whole = Buffer.alloc(sizeBytes);
    await handle.read(whole, 0, sizeBytes, 0);
    return !whole.includes(end, mediaType === 'image/png' ? 0 : jpegDataStart(whole));
  } finally {
    await handle.close();
  }
}

/** Where the compressed data begin, after the segments, of which one may hold a thumbnail with an end of its own. */
function jpegDataStart(bytes: Buffer): number {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    at += bytes[at + 1] === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return at;
}

function unreadable(file: string, error: unknown): FoveaError {
  const message = error instanceof Error ? error.message : String(error);
  const isUnknown = /unsupported image format/i.test(message);
  const reason = isUnknown
    ? 'The content is no image of a known format (JPEG, PNG, WebP, TIFF, GIF, AVIF).'
    : `The image is damaged (${message.split('\n')[0]}).`;
  return new FoveaError('bad-input', reason, { file }, { cause: error });
}
