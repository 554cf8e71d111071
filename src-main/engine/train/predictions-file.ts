/**
 * predictions.bin: what the network said about every image of the evaluation split after one epoch, in evaluation
 * order. It carries the image ids and labels, so it can be read without data.json. Little-endian:
 *   "FVPR", uint32 version = 1, uint32 epoch, uint32 count N, uint32 categoryCount C, 3 × uint32 zero   (32 bytes)
 *   float64 imageIds [N], int32 labels [N], float32 logits [N, C]
 */
import { readFile } from 'node:fs/promises';
import { FoveaError, invariant } from '../../contract/errors.ts';
import { writeFileAtomic } from '../weights/atomic-file.ts';

export interface Predictions {
  /** Epochs done when the predictions were made. */
  readonly epoch: number;
  readonly categoryCount: number;
  /** Ids in the project's database, [N]. */
  readonly imageIds: Float64Array;
  /** Category ordinals, [N]. */
  readonly labels: Int32Array;
  /** Before softmax, row-major [N, C]. */
  readonly logits: Float32Array;
}

const magic = 0x52505646; // "FVPR" as a little-endian uint32
const version = 1;
const headerBytes = 32;

/** Replaces `file` atomically. Throws FoveaError `io`. */
export async function writePredictions(file: string, predictions: Predictions): Promise<void> {
  const { epoch, categoryCount, imageIds, labels, logits } = predictions;
  const count = imageIds.length;
  invariant(
    labels.length === count && logits.length === count * categoryCount,
    `${count} images with ${labels.length} labels and ${logits.length} logits of ${categoryCount} categories`,
  );
  const header = Uint32Array.of(magic, version, epoch, count, categoryCount, 0, 0, 0);
  await writeFileAtomic(file, [header, imageIds, labels, logits].map(bytesOf));
}

/** Throws FoveaError `not-found` where there is none yet, `bad-input` where the file is damaged, `unsupported`. */
export async function readPredictions(file: string): Promise<Predictions> {
  const { buffer, byteLength } = await readWhole(file);
  if (byteLength < headerBytes) throw damaged(file, `it has ${byteLength} bytes, fewer than its header`);
  const [fileMagic, fileVersion, epoch, count, categoryCount] = new Uint32Array(buffer, 0, headerBytes / 4);
  if (fileMagic !== magic) throw damaged(file, 'it does not begin with "FVPR"');
  if (fileVersion !== version) {
    throw new FoveaError('unsupported', `${file} has version ${fileVersion}; this program reads version ${version}.`, {
      file,
    });
  }
  const images = count!;
  const categories = categoryCount!;
  const labelsStart = headerBytes + images * 8;
  const logitsStart = labelsStart + images * 4;
  const expected = logitsStart + images * categories * 4;
  if (byteLength !== expected) {
    throw damaged(
      file,
      `${images} images and ${categories} categories need ${expected} bytes, but it has ${byteLength}`,
    );
  }
  return {
    epoch: epoch!,
    categoryCount: categories,
    imageIds: new Float64Array(buffer, headerBytes, images),
    labels: new Int32Array(buffer, labelsStart, images),
    logits: new Float32Array(buffer, logitsStart, images * categories),
  };
}

async function readWhole(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // A copy, because a small Buffer is a slice of a shared pool at any offset, and the arrays need alignment.
    return new Uint8Array(await readFile(file));
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = missing ? `${file} does not exist yet.` : `${file} could not be read: ${String(error)}`;
    throw new FoveaError(missing ? 'not-found' : 'io', message, { file }, { cause: error });
  }
}

const bytesOf = (array: Uint32Array | Float64Array | Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function damaged(file: string, what: string): FoveaError {
  return new FoveaError('bad-input', `${file} is damaged: ${what}.`, { file });
}
