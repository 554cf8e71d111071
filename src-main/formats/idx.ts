/**
 * IDX files as MNIST uses them: big-endian header (magic number, then one 32-bit count a dimension), then unsigned
 * bytes. Images have three dimensions (count, rows, columns), labels one. Decompressing is the caller's part.
 * Knows no database and no files. Source: http://yann.lecun.com/exdb/mnist/ ("THE IDX FILE FORMAT").
 */
import { FoveaError } from '../contract/errors.ts';
import { ByteReader, type ByteChunks } from './byte-reader.ts';
import { byFolder, type Failure, type SourceEntry } from './source-entry.ts';

const IMAGES_MAGIC = 0x00000803;
const LABELS_MAGIC = 0x00000801;
const MAX_SIDE_PX = 16_384;
const BLOCK_BYTES = 1 << 20;

/** The files of one split; `.gz` ones are compressed. */
export interface IdxPair {
  split: 'train' | 'test';
  images: SourceEntry;
  labels: SourceEntry;
}

export interface IdxLayout {
  pairs: IdxPair[];
}

export interface IdxImages {
  count: number;
  heightPx: number;
  widthPx: number;
  /** Whole images, some at a time: uint8 [n, heightPx, widthPx]. Throws `bad-input` where the file ends early or late. */
  blocks(): AsyncGenerator<Uint8Array, void>;
}

/** MNIST's names, with a dash or a dot before "idx", plain or compressed. */
const NAME = /^(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(?:\.gz)?$/;

/** Null where nothing looks like IDX; failures where images lack their labels or the other way round. */
export function findIdx(entries: readonly SourceEntry[]): { layout: IdxLayout } | { failures: Failure[] } | null {
  const [best, second] = [...byFolder(entries)]
    .map(([folder, files]) => ({ folder, roles: sortByRole(files) }))
    .filter(({ roles }) => roles.size > 0)
    .sort((a, b) => b.roles.size - a.roles.size);
  if (!best) return null;
  if (second?.roles.size === best.roles.size) {
    const reason = `IDX files are in “${best.folder || '.'}” and in “${second.folder || '.'}”. Choose one of the two folders.`;
    return { failures: [{ source: second.folder, reason }] };
  }
  const { roles } = best;
  const failures: Failure[] = [];
  const pairs: IdxPair[] = [];
  for (const split of ['train', 'test'] as const) {
    const images = roles.get(`${split} images`);
    const labels = roles.get(`${split} labels`);
    if (images && labels) pairs.push({ split, images, labels });
    else if (images) failures.push({ source: images.path, reason: `${images.path} has no file of labels beside it.` });
    else if (labels) failures.push({ source: labels.path, reason: `${labels.path} has no file of images beside it.` });
  }
  return failures.length > 0 ? { failures } : { layout: { pairs } };
}

/** Files by role ("train images"). Where a file is there plain and compressed, the plain one is taken. */
function sortByRole(files: ReadonlyMap<string, SourceEntry>): Map<string, SourceEntry> {
  const roles = new Map<string, SourceEntry>();
  for (const [name, entry] of files) {
    const match = NAME.exec(name);
    if (!match) continue;
    const role = `${match[1] === 'train' ? 'train' : 'test'} ${match[2]}`;
    if (!roles.has(role) || !name.endsWith('.gz')) roles.set(role, entry);
  }
  return roles;
}

/** Reads the header of an images file. Throws `bad-input` with the file and the byte offset. */
export async function openIdxImages(file: string, chunks: ByteChunks): Promise<IdxImages> {
  const reader = new ByteReader(chunks);
  const [count, heightPx, widthPx] = await readHeader(file, reader, IMAGES_MAGIC, 3);
  checkSide(file, heightPx, 8);
  checkSide(file, widthPx, 12);
  const imageBytes = heightPx * widthPx;
  const endOffset = 16 + count * imageBytes;
  return {
    count,
    heightPx,
    widthPx,
    async *blocks() {
      const perBlock = Math.max(1, Math.floor(BLOCK_BYTES / imageBytes));
      for (let done = 0; done < count; done += perBlock) {
        const block = new Uint8Array(Math.min(perBlock, count - done) * imageBytes);
        if ((await reader.fill(block)) < block.length) {
          throw endsEarly(file, reader.offset, endOffset, `${count} images of ${widthPx}×${heightPx} px`);
        }
        yield block;
      }
      await requireEnd(file, reader);
    },
  };
}

/** All labels of a labels file. Throws `bad-input` with the file and the byte offset. */
export async function readIdxLabels(file: string, chunks: ByteChunks): Promise<Uint8Array> {
  const reader = new ByteReader(chunks);
  const [count] = await readHeader(file, reader, LABELS_MAGIC, 1);
  const pieces: Uint8Array[] = [];
  for (let done = 0; done < count; done += BLOCK_BYTES) {
    const piece = new Uint8Array(Math.min(BLOCK_BYTES, count - done));
    if ((await reader.fill(piece)) < piece.length) throw endsEarly(file, reader.offset, 8 + count, `${count} labels`);
    pieces.push(piece);
  }
  await requireEnd(file, reader);
  return concatenate(pieces, count);
}

/** Throws `bad-input` where there are not as many labels as images. */
export function requireSameCount(imagesFile: string, imageCount: number, labelsFile: string, labelCount: number): void {
  if (imageCount === labelCount) return;
  throw new FoveaError(
    'bad-input',
    `${labelsFile}: has ${labelCount} labels (count at byte 4), but ${imagesFile} has ${imageCount} images. The two files ` +
      'do not belong together.',
    { file: labelsFile, offset: 4, labels: labelCount, images: imageCount },
  );
}

/** `pixels`: uint8 [count, heightPx, widthPx]. */
export function serialiseIdxImages(heightPx: number, widthPx: number, pixels: Uint8Array): Uint8Array {
  return withHeader(IMAGES_MAGIC, [pixels.length / (heightPx * widthPx), heightPx, widthPx], pixels);
}

export function serialiseIdxLabels(labels: Uint8Array): Uint8Array {
  return withHeader(LABELS_MAGIC, [labels.length], labels);
}

function withHeader(magic: number, dimensions: readonly number[], body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * dimensions.length + body.length);
  const view = new DataView(bytes.buffer);
  [magic, ...dimensions].forEach((value, index) => view.setUint32(4 * index, value));
  bytes.set(body, 4 + 4 * dimensions.length);
  return bytes;
}

type Dimensions<N extends 1 | 3> = N extends 3 ? [number, number, number] : [number];

async function readHeader<N extends 1 | 3>(
  file: string,
  reader: ByteReader,
  magic: number,
  dimensions: N,
): Promise<Dimensions<N>> {
  const header = new Uint8Array(4 + 4 * dimensions);
  const filled = await reader.fill(header);
  const view = new DataView(header.buffer);
  const kind = dimensions === 3 ? 'images' : 'labels';
  if (filled >= 4 && view.getUint32(0) !== magic) {
    throw new FoveaError(
      'bad-input',
      `${file}: magic number ${hex(view.getUint32(0))} at byte 0, expected ${hex(magic)} (unsigned bytes, ${dimensions} ` +
        `${dimensions === 1 ? 'dimension' : 'dimensions'}). It is no IDX file of ${kind}.`,
      { file, offset: 0 },
    );
  }
  if (filled < header.length) throw endsEarly(file, filled, header.length, 'the fields of its header');
  const sizes = Array.from({ length: dimensions }, (_, index) => view.getUint32(4 + 4 * index));
  if (sizes[0] === 0) {
    throw new FoveaError('bad-input', `${file}: has no ${kind} (count 0 at byte 4).`, { file, offset: 4 });
  }
  return sizes as Dimensions<N>;
}

function checkSide(file: string, sidePx: number, offset: number): void {
  if (sidePx >= 1 && sidePx <= MAX_SIDE_PX) return;
  throw new FoveaError(
    'bad-input',
    `${file}: image side of ${sidePx} px at byte ${offset}, expected 1 to ${MAX_SIDE_PX}. The file is damaged.`,
    { file, offset },
  );
}

function endsEarly(file: string, offset: number, expected: number, what: string): FoveaError {
  return new FoveaError(
    'bad-input',
    `${file}: ends at byte ${offset}, but ${what} take ${expected} bytes. The file is cut off; copy or download it again.`,
    { file, offset, expected },
  );
}

async function requireEnd(file: string, reader: ByteReader): Promise<void> {
  const end = reader.offset;
  const extra = await reader.skipRest();
  if (extra === 0) return;
  throw new FoveaError(
    'bad-input',
    `${file}: goes on for ${extra} bytes after byte ${end}, where its header says it ends. The file is damaged.`,
    { file, offset: end, extra },
  );
}

function concatenate(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
