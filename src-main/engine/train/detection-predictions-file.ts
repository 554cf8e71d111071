/**
 * predictions.bin of a detection: what the network said of every image of the evaluation split after one epoch, before
 * overlapping boxes were sorted out, and the objects that are there; in evaluation order, boxes in px of the upright original
 * image. Confidence and overlap are chosen by who reads it. Written image by image. Little-endian:
 *   "FVDP", uint32 version = 1, uint32 epoch, uint32 images N, uint32 categories C, uint32 objects G, uint32 most candidates
 *   of an image, uint32 head: 0 for boxes only; float64 imageIds [N]; float64 firstObject [N + 1]; float64 firstCandidate
 *   [N + 1]; float64 objects [G, 7] (`objectColumns`); float32 candidates [D, 6] (`candidateColumns`), the best first in each image
 * With a head (1 masks, 2 keypoints), version = 2, and what is said beside boxes (`HeadSaid`) is there too: behind firstCandidate
 *   float64 firstByte [N + 1]; behind the objects float64 starts [G + 1] and the objects' bytes, zeros up to a multiple of 8; of
 *   each image, behind its candidates, uint32 lengths and the candidates' bytes, zeros up to a multiple of 4. Image i's begin
 *   `firstByte[i]` bytes behind the objects' bytes.
 */
import type { FileHandle } from 'node:fs/promises';
import { FoveaError, invariant } from '../../contract/errors.ts';
import { joinPayloads, type HeadKind, type Payloads } from '../../contract/model/run-results.ts';
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
  /** What is known of the objects beside their boxes; null where the network says boxes only. */
  readonly head: { readonly kind: HeadKind; readonly objects: Payloads } | null;
}

export interface DetectionPredictions extends DetectionPredictionsHead {
  /** Like `firstObject`. */
  readonly firstCandidate: Float64Array;
  /** Where in the file each image's candidates begin, and behind the last its end: [N + 1]. */
  readonly candidateBytes: Float64Array;
}

/** Candidates of some images, one image after the other. */
export interface ReadCandidates {
  /** [D, 6] */
  rows: Float32Array;
  /** Of each candidate, where there is a head. */
  payloads: Payloads | null;
}

const magic = 0x50445646; // "FVDP" as a little-endian uint32
const heads: readonly (HeadKind | null)[] = [null, 'masks', 'keypoints'];
const versionOf = (head: number): number => (head === 0 ? 1 : 2);
const headerBytes = 32;
const objectWidth = objectColumns.length;
const candidateWidth = candidateColumns.length;

const firstObjectStart = (images: number): number => headerBytes + 8 * images;
const firstCandidateStart = (images: number): number => firstObjectStart(images) + 8 * (images + 1);
/** Only with a head. */
const firstByteStart = (images: number): number => firstCandidateStart(images) + 8 * (images + 1);
const objectsStart = (images: number, hasHead: boolean): number =>
  firstByteStart(images) + (hasHead ? 8 * (images + 1) : 0);
const objectsEnd = (images: number, objects: number, hasHead: boolean): number =>
  objectsStart(images, hasHead) + 8 * objectWidth * objects;
const multipleOf = (unit: number, bytes: number): number => unit * Math.ceil(bytes / unit);

/** Ends with `commit` or `discard`, one of them always. Throws FoveaError `io`. */
export class DetectionPredictionsWriter {
  private readonly file: AtomicFile;
  private readonly images: number;
  private readonly hasHead: boolean;
  private readonly firstCandidate: number[] = [0];
  private readonly firstByte: number[] = [0];

  private constructor(file: AtomicFile, images: number, hasHead: boolean) {
    this.file = file;
    this.images = images;
    this.hasHead = hasHead;
  }

  /** What lies at `file` stays until the commit. */
  static async create(
    file: string,
    start: Pick<DetectionPredictionsHead, 'epoch' | 'categoryCount' | 'imageIds' | 'head'> & { objects: ObjectLabels },
  ): Promise<DetectionPredictionsWriter> {
    const { epoch, categoryCount, imageIds, objects, head } = start;
    const images = imageIds.length;
    const objectCount = objects.rows.length / objectWidth;
    const target = await AtomicFile.create(file);
    const kind = heads.indexOf(head?.kind ?? null);
    try {
      const header = [magic, versionOf(kind), epoch, images, categoryCount, objectCount, mostCandidates, kind];
      await target.write(bytesOf(Uint32Array.from(header)));
      await target.write(bytesOf(Float64Array.from(imageIds)));
      await target.write(bytesOf(Float64Array.from(startsOf(objects.counts))));
      // The candidates' places; they are known at the end.
      await target.write(new Uint8Array(8 * (images + 1) * (head ? 2 : 1)));
      await target.write(bytesOf(Float64Array.from(objects.rows)));
      if (head) {
        invariant(head.objects.starts.length === objectCount + 1, 'as many payloads as objects');
        await target.write(bytesOf(Float64Array.from(head.objects.starts)));
        await target.write(padded(head.objects.bytes, 8));
      }
      return new DetectionPredictionsWriter(target, images, head !== null);
    } catch (error) {
      await target.discard();
      throw error;
    }
  }

  /**
   * The next image's candidates, [any number, 6], the best first; no more than `mostCandidates` are kept. `payloads`: one of each
   * that is kept, where there is a head.
   */
  async addImage(candidates: Float32Array, payloads: readonly Uint8Array[] = []): Promise<void> {
    const kept = candidates.subarray(0, mostCandidates * candidateWidth);
    const count = kept.length / candidateWidth;
    await this.file.write(bytesOf(kept));
    this.firstCandidate.push(this.firstCandidate.at(-1)! + count);
    if (!this.hasHead) return;
    invariant(payloads.length === count, `${payloads.length} payloads of ${count} candidates`);
    const bytes = padded(joinPayloads(payloads).bytes, 4);
    await this.file.write(bytesOf(Uint32Array.from(payloads, ({ length }) => length)));
    await this.file.write(bytes);
    this.firstByte.push(this.firstByte.at(-1)! + kept.byteLength + 4 * count + bytes.length);
  }

  async commit(): Promise<void> {
    const { images, firstCandidate, firstByte } = this;
    invariant(firstCandidate.length === images + 1, `${firstCandidate.length - 1} of ${images} images`);
    const places = this.hasHead ? [...firstCandidate, ...firstByte] : firstCandidate;
    try {
      await this.file.write(bytesOf(Float64Array.from(places)), firstCandidateStart(images));
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

function padded(bytes: Uint8Array, unit: number): Uint8Array {
  const whole = new Uint8Array(multipleOf(unit, bytes.length));
  whole.set(bytes);
  return whole;
}

function startsOf(counts: readonly number[]): number[] {
  let sum = 0;
  return [0, ...counts.map((count) => (sum += count))];
}

/** All but the candidates. Throws FoveaError `not-found`, `bad-input` where the file is damaged, `unsupported`. */
export function readDetectionPredictions(file: string): Promise<DetectionPredictions> {
  return withFile(file, (handle) => readHead(file, handle));
}

/** Of the `count` images from `first` on. Throws as above. */
export async function readCandidates(
  file: string,
  predictions: DetectionPredictions,
  first = 0,
  count = predictions.imageIds.length,
): Promise<ReadCandidates> {
  const { firstCandidate, candidateBytes, head } = predictions;
  const [from, to] = [candidateBytes[first]!, candidateBytes[first + count]!];
  const bytes = await withFile(file, (handle) => readBytes(file, handle, from, to - from));
  if (head === null) return { rows: new Float32Array(bytes), payloads: null };
  const rows = new Float32Array((firstCandidate[first + count]! - firstCandidate[first]!) * candidateWidth);
  const payloads: Uint8Array[] = [];
  let at = 0;
  for (let image = first; image < first + count; image++) {
    const candidates = firstCandidate[image + 1]! - firstCandidate[image]!;
    let place = candidateBytes[image]! - from;
    const end = candidateBytes[image + 1]! - from;
    if (end - place < 4 * (candidateWidth + 1) * candidates) throw damaged(file, `image ${image} has too few bytes`);
    rows.set(new Float32Array(bytes, place, candidates * candidateWidth), at);
    at += candidates * candidateWidth;
    const lengths = new Uint32Array(bytes, place + 4 * candidateWidth * candidates, candidates);
    place += 4 * (candidateWidth + 1) * candidates;
    for (const length of lengths) {
      if (place + length > end) throw damaged(file, `image ${image} says more than it has bytes`);
      payloads.push(new Uint8Array(bytes, place, length));
      place += length;
    }
  }
  return { rows, payloads: joinPayloads(payloads) };
}

async function readHead(file: string, handle: FileHandle): Promise<DetectionPredictions> {
  const header = new Uint32Array(await readBytes(file, handle, 0, headerBytes));
  const [fileMagic, fileVersion, epoch, images, categoryCount, objectCount, , kind] = header as unknown as number[];
  if (fileMagic !== magic) throw damaged(file, 'it does not begin with "FVDP"');
  const head = heads[kind!];
  if (head === undefined || fileVersion !== versionOf(kind!)) {
    throw new FoveaError('unsupported', `${file} has version ${fileVersion}; this program reads versions 1 and 2.`, {
      file,
    });
  }
  const { size } = await handle.stat();
  const room = (start: number, length: number): void => {
    // A damaged count must not ask for more memory than the file has bytes.
    if (!(length >= 0 && start + length <= size))
      throw damaged(file, `it ends at byte ${size}, inside of what it should hold`);
  };
  const floats = async (start: number, length: number): Promise<Float64Array> => {
    room(start, 8 * length);
    return new Float64Array(await readBytes(file, handle, start, 8 * length));
  };
  const hasHead = head !== null;
  const predictions = {
    epoch: epoch!,
    categoryCount: categoryCount!,
    imageIds: await floats(headerBytes, images!),
    firstObject: await floats(firstObjectStart(images!), images! + 1),
    firstCandidate: await floats(firstCandidateStart(images!), images! + 1),
    objects: await floats(objectsStart(images!, hasHead), objectWidth * objectCount!),
  };
  const begin = objectsEnd(images!, objectCount!, hasHead);
  requireAscending(file, predictions.firstObject, objectCount!);
  if (!hasHead) {
    const candidateBytes = predictions.firstCandidate.map((first) => begin + 4 * candidateWidth * first);
    requireAscending(file, predictions.firstCandidate, (size - begin) / (4 * candidateWidth));
    return { ...predictions, candidateBytes, head: null };
  }
  const starts = await floats(begin, objectCount! + 1);
  const bytesBegin = begin + 8 * (objectCount! + 1);
  const length = starts.at(-1)!;
  room(bytesBegin, length);
  requireAscending(file, starts, length);
  requireAscending(file, predictions.firstCandidate, predictions.firstCandidate.at(-1)!);
  const bytes = new Uint8Array(await readBytes(file, handle, bytesBegin, length));
  const candidatesBegin = bytesBegin + multipleOf(8, length);
  const firstByte = await floats(firstByteStart(images!), images! + 1);
  requireAscending(file, firstByte, size - candidatesBegin);
  return {
    ...predictions,
    candidateBytes: firstByte.map((first) => candidatesBegin + first),
    head: { kind: head, objects: { starts: Uint32Array.from(starts), bytes } },
  };
}

function requireAscending(file: string, starts: Float64Array, last: number): void {
  const isBad = starts.some((start, i) => !(start >= (starts[i - 1] ?? 0)));
  if (isBad || starts[0] !== 0 || starts.at(-1) !== last) throw damaged(file, 'its lists do not fit its length');
}
