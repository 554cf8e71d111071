/**
 * predictions.bin of a detection: what the network said of every image of the evaluation split after one epoch, before
 * overlapping boxes were sorted out, and the objects that are there; in evaluation order, boxes in px of the upright original
 * image. Confidence and overlap are chosen by who reads it. Written image by image. Little-endian:
 *   "FVDP", uint32 version = 1, uint32 epoch, uint32 images N, uint32 categories C, uint32 objects G, uint32 most candidates
 *   of an image, uint32 zero; float64 imageIds [N]; float64 firstObject [N + 1]; float64 firstCandidate [N + 1];
 *   float64 objects [G, 7] (`objectColumns`); float32 candidates [D, 6] (`candidateColumns`), the best first in each image
 */
import type { FileHandle } from 'node:fs/promises';
import { FoveaError, invariant } from '../../contract/errors.ts';
import { objectColumns, type ObjectLabels } from '../data/training-data.ts';
import { AtomicFile } from '../weights/atomic-file.ts';
import { bytesOf, damaged, readBytes, withFile } from './number-file.ts';

/** `category` is an ordinal. */
export const candidateColumns = ['x1', 'y1', 'x2', 'y2', 'score', 'category'] as const;
/** Of one image; those with the lowest scores are not kept. */
export const mostCandidates = 1000;

export interface DetectionPredictionsHead {
  /** Epochs done when the predictions were made. */
  readonly epoch: number;
  readonly categoryCount: number;
  /** Ids in the project's database, [N]. */
  readonly imageIds: ArrayLike<number>;
  /** Place of each image's first object, and behind the last the number of all: [N + 1]. */
  readonly firstObject: Float64Array;
  /** [G, 7] */
  readonly objects: Float64Array;
}

export interface DetectionPredictions extends DetectionPredictionsHead {
  /** Like `firstObject`. */
  readonly firstCandidate: Float64Array;
}

const magic = 0x50445646; // "FVDP" as a little-endian uint32
const version = 1;
const headerBytes = 32;
const objectWidth = objectColumns.length;
const candidateWidth = candidateColumns.length;

const firstObjectStart = (images: number): number => headerBytes + 8 * images;
const firstCandidateStart = (images: number): number => firstObjectStart(images) + 8 * (images + 1);
const objectsStart = (images: number): number => firstCandidateStart(images) + 8 * (images + 1);
const candidatesStart = (images: number, objects: number): number => objectsStart(images) + 8 * objectWidth * objects;

/** Ends with `commit` or `discard`, one of them always. Throws FoveaError `io`. */
export class DetectionPredictionsWriter {
  private readonly file: AtomicFile;
  private readonly images: number;
  private readonly firstCandidate: number[] = [0];

  private constructor(file: AtomicFile, images: number) {
    this.file = file;
    this.images = images;
  }

  /** What lies at `file` stays until the commit. */
  static async create(
    file: string,
    head: Pick<DetectionPredictionsHead, 'epoch' | 'categoryCount' | 'imageIds'> & { objects: ObjectLabels },
  ): Promise<DetectionPredictionsWriter> {
    const { epoch, categoryCount, imageIds, objects } = head;
    const images = imageIds.length;
    const objectCount = objects.rows.length / objectWidth;
    const target = await AtomicFile.create(file);
    try {
      const header = [magic, version, epoch, images, categoryCount, objectCount, mostCandidates, 0];
      await target.write(bytesOf(Uint32Array.from(header)));
      await target.write(bytesOf(Float64Array.from(imageIds)));
      await target.write(bytesOf(Float64Array.from(startsOf(objects.counts))));
      // The candidates' places; they are known at the end.
      await target.write(new Uint8Array(8 * (images + 1)));
      await target.write(bytesOf(Float64Array.from(objects.rows)));
      return new DetectionPredictionsWriter(target, images);
    } catch (error) {
      await target.discard();
      throw error;
    }
  }

  /** The next image's candidates, [any number, 6], the best first; no more than `mostCandidates` are kept. */
  async addImage(candidates: Float32Array): Promise<void> {
    const kept = candidates.subarray(0, mostCandidates * candidateWidth);
    await this.file.write(bytesOf(kept));
    this.firstCandidate.push(this.firstCandidate.at(-1)! + kept.length / candidateWidth);
  }

  async commit(): Promise<void> {
    const { images, firstCandidate } = this;
    invariant(firstCandidate.length === images + 1, `${firstCandidate.length - 1} of ${images} images`);
    try {
      await this.file.write(bytesOf(Float64Array.from(firstCandidate)), firstCandidateStart(images));
      await this.file.commit();
    } catch (error) {
      await this.file.discard();
      throw error;
    }
  }

  discard(): Promise<void> {
    return this.file.discard();
  }
}

function startsOf(counts: readonly number[]): number[] {
  let sum = 0;
  return [0, ...counts.map((count) => (sum += count))];
}

/** All but the candidates. Throws FoveaError `not-found`, `bad-input` where the file is damaged, `unsupported`. */
export function readDetectionPredictions(file: string): Promise<DetectionPredictions> {
  return withFile(file, (handle) => readHead(file, handle));
}

/** Candidates [D, 6] of the `count` images from `first` on, one image after the other. Throws as above. */
export function readCandidates(
  file: string,
  { firstCandidate, imageIds, objects }: DetectionPredictions,
  first = 0,
  count = imageIds.length,
): Promise<Float32Array> {
  const [from, to] = [firstCandidate[first]!, firstCandidate[first + count]!];
  const start = candidatesStart(imageIds.length, objects.length / objectWidth) + 4 * candidateWidth * from;
  return withFile(
    file,
    async (handle) => new Float32Array(await readBytes(file, handle, start, 4 * candidateWidth * (to - from))),
  );
}

async function readHead(file: string, handle: FileHandle): Promise<DetectionPredictions> {
  const header = new Uint32Array(await readBytes(file, handle, 0, headerBytes));
  const [fileMagic, fileVersion, epoch, images, categoryCount, objectCount] = header as unknown as number[];
  if (fileMagic !== magic) throw damaged(file, 'it does not begin with "FVDP"');
  if (fileVersion !== version) {
    throw new FoveaError('unsupported', `${file} has version ${fileVersion}; this program reads version ${version}.`, {
      file,
    });
  }
  const { size } = await handle.stat();
  const floats = async (start: number, length: number): Promise<Float64Array> => {
    // A damaged count must not ask for more memory than the file has bytes.
    if (start + 8 * length > size) throw damaged(file, `it ends at byte ${size}, inside of what it should hold`);
    return new Float64Array(await readBytes(file, handle, start, 8 * length));
  };
  const predictions = {
    epoch: epoch!,
    categoryCount: categoryCount!,
    imageIds: await floats(headerBytes, images!),
    firstObject: await floats(firstObjectStart(images!), images! + 1),
    firstCandidate: await floats(firstCandidateStart(images!), images! + 1),
    objects: await floats(objectsStart(images!), objectWidth * objectCount!),
  };
  const candidates = (size - candidatesStart(images!, objectCount!)) / (4 * candidateWidth);
  for (const [starts, last] of [
    [predictions.firstObject, objectCount!],
    [predictions.firstCandidate, candidates],
  ] as const) {
    if (starts.some((start, i) => !(start >= (starts[i - 1] ?? 0))) || starts.at(-1) !== last)
      throw damaged(file, 'its lists do not fit its length');
  }
  return predictions;
}
