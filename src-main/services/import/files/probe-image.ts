/**
 * What an image file is, from its content: type, upright size, channels; or why it cannot be used. Reads the header, and
 * of JPEG and PNG the end as well, so that a file which was cut off is found without decoding it.
 */
import { close, closeSync, fstat, fstatSync, open, openSync, read, readSync, type Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { FoveaError } from '../../../contract/errors.ts';
import { fileError } from '../../file-errors.ts';
import { codecMessage, imageCodec } from '../../image-codec.ts';
import { bmpFacts, decodeBmp, type BmpFacts } from './bmp.ts';
import { QUICK_HEADER_BYTES, quickHeader, type HeaderFacts } from './quick-header.ts';

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
/** What the last bytes of a whole file hold. */
const ends = { 'image/jpeg': Buffer.of(0xff, 0xd9), 'image/png': Buffer.from('IEND') } as const;

/** Throws FoveaError `bad-input`, `unsupported` or `io`; the message is for the report on this file. */
export async function probeImage(file: string): Promise<ImageFacts> {
  const { facts, head, tail } = await readEnds(file);
  if (facts.size === 0) throw emptyFile(file);
  const bmp = bmpFacts(head);
  if (bmp !== null) return probeBmp(file, bmp, facts);
  const metadata = quickHeader(head) ?? (await codecHeader(file));
  const { mediaType } = metadata;
  if (metadata.width * metadata.height > MAX_PIXELS) throw tooLarge(file, metadata.width, metadata.height);
  if (await isCutOff(file, tail, mediaType)) {
    throw new FoveaError('bad-input', 'The image is cut off: its end is missing.', { file });
  }
  return imageFacts(metadata, facts);
}

const HEAD = Buffer.alloc(QUICK_HEADER_BYTES);
const TAIL = Buffer.alloc(TAIL_BYTES);

/**
 * As `probeImage`, for usual files on a quick disk, without any waiting: several times quicker. Null where the first and
 * the last bytes do not tell.
 */
export function probeEnds(file: string): ImageFacts | null {
  let handle: number | null = null;
  try {
    handle = openSync(file, 'r');
    const facts = fstatSync(handle);
    if (facts.size === 0) throw emptyFile(file);
    const head = HEAD.subarray(0, readSync(handle, HEAD, 0, QUICK_HEADER_BYTES, 0));
    const metadata = quickHeader(head);
    if (metadata === null || metadata.width * metadata.height > MAX_PIXELS) return null;
    const isWhole = facts.size <= head.length;
    const tail = isWhole
      ? head.subarray(Math.max(0, head.length - TAIL_BYTES))
      : TAIL.subarray(0, readSync(handle, TAIL, 0, TAIL_BYTES, facts.size - TAIL_BYTES));
    return tail.includes(ends[metadata.mediaType]) ? imageFacts(metadata, facts) : null;
  } catch (error) {
    throw fileError(error, 'read', file);
  } finally {
    if (handle !== null) closeSync(handle);
  }
}

function imageFacts(
  { width, height, channels, orientation, mediaType }: CodecFacts,
  { size, mtimeMs }: { size: number; mtimeMs: number },
): ImageFacts {
  const isTurned = orientation >= 5;
  return {
    widthPx: isTurned ? height : width,
    heightPx: isTurned ? width : height,
    channels,
    orientation,
    mediaType,
    sizeBytes: size,
    modifiedMs: Math.round(mtimeMs),
  };
}

function emptyFile(file: string): FoveaError {
  return new FoveaError('bad-input', 'The file is empty.', { file });
}

type CodecFacts = Omit<HeaderFacts, 'mediaType'> & { mediaType: string };

/** What the codec says of any other kind of image, and of what is unusual. */
async function codecHeader(file: string): Promise<CodecFacts> {
  const sharp = await imageCodec();
  const metadata = await sharp(file, { limitInputPixels: MAX_PIXELS })
    .metadata()
    .catch((error: unknown) => {
      throw unreadable(file, error);
    });
  const { width, height, channels, format, orientation = 1 } = metadata;
  const mediaType = mediaTypes[format];
  if (mediaType === undefined || (format === 'heif' && metadata.compression !== 'av1')) {
    throw new FoveaError('unsupported', `The file is ${format}, which this version does not read.`, { file });
  }
  return { width, height, channels, mediaType, orientation: orientation >= 1 && orientation <= 8 ? orientation : 1 };
}

/** Numbers of files instead of handles: handles die only in a major collection, which a hundred thousand of them put off too long. */
const numbered = { open: promisify(open), fstat: promisify(fstat), read: promisify(read), close: promisify(close) };

/** The first and the last bytes, with what the file system says of the file. Throws FoveaError `io` or `not-found`. */
async function readEnds(file: string): Promise<{ facts: Stats; head: Buffer; tail: Buffer }> {
  let handle: number | null = null;
  try {
    handle = await numbered.open(file, 'r');
    const facts = await numbered.fstat(handle);
    const head = await readAt(handle, Math.min(facts.size, QUICK_HEADER_BYTES), 0);
    if (facts.size <= head.length) return { facts, head, tail: head.subarray(Math.max(0, head.length - TAIL_BYTES)) };
    return { facts, head, tail: await readAt(handle, TAIL_BYTES, facts.size - TAIL_BYTES) };
  } catch (error) {
    throw fileError(error, 'read', file);
  } finally {
    if (handle !== null) await numbered.close(handle);
  }
}

async function readAt(handle: number, length: number, position: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await numbered.read(handle, buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Decodes it, because its header says too little of whether the rest can be read. */
async function probeBmp(
  file: string,
  { widthPx, heightPx, channels }: BmpFacts,
  { size, mtimeMs }: { size: number; mtimeMs: number },
): Promise<ImageFacts> {
  if (widthPx * heightPx > MAX_PIXELS) throw tooLarge(file, widthPx, heightPx);
  await decodeBmp(file).catch((error: unknown) => {
    throw new FoveaError(
      'bad-input',
      'The image is damaged, or of a kind of BMP that cannot be read.',
      { file },
      { cause: error },
    );
  });
  const own = { orientation: 1, mediaType: 'image/bmp', sizeBytes: size, modifiedMs: Math.round(mtimeMs) };
  return { widthPx, heightPx, channels, ...own };
}

function tooLarge(file: string, widthPx: number, heightPx: number): FoveaError {
  return new FoveaError('unsupported', `The image has ${widthPx} × ${heightPx} px, which is too large.`, { file });
}

/**
 * Whether a JPEG or PNG lacks its end. (Decoding it would not tell: the codec lets some cut images pass.) Reads the whole
 * file only where its last bytes are something else.
 */
async function isCutOff(file: string, tail: Buffer, mediaType: string): Promise<boolean> {
  if (mediaType !== 'image/jpeg' && mediaType !== 'image/png') return false;
  const end = ends[mediaType];
  if (tail.includes(end)) return false;
  const whole = await readFile(file);
  return !whole.includes(end, mediaType === 'image/png' ? 0 : jpegDataStart(whole));
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
  const message = codecMessage(error, file);
  const isUnknown = /unsupported image format/i.test(message);
  const reason = isUnknown
    ? 'The content is no image of a known format (JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF).'
    : `The image is damaged (${message}).`;
  return new FoveaError('bad-input', reason, { file }, { cause: error });
}
