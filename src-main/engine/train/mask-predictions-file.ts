/**
 * predictions.bin of a segmentation: the predicted mask of every image of the evaluation split after one epoch, in
 * evaluation order, how sure the network is of each pixel, and which pixels were called what. Written image by image, read
 * one by one. Little-endian:
 *   "FVSP", uint32 version = 4, uint32 epoch, uint32 images N, uint32 categories C, uint32 first category that counts,
 *   uint32 H, uint32 W, float64 imageIds [N], uint8 masks and confidences [N, 2, H, W], uint32 starts [N + 1], uint32 triples
 *   [starts[N], 3], float64 pixels and right ones by sureness, [2, C, 256]
 * Starts and triples are those of CellCounts; from them every measure follows; precision over recall follows from the last
 * part. Version 3 had no such part, and version 2 no confidences either.
 */
import type { FileHandle } from 'node:fs/promises';
import { FoveaError, invariant } from '../../contract/errors.ts';
import type { CellCounts } from '../../contract/model/segmentation-measures.ts';
import { AtomicFile } from '../weights/atomic-file.ts';
import type { SurenessCounts } from '../metrics/segmentation.ts';
import { bytesOf, damaged, readBytes, withFile } from './number-file.ts';

export interface MaskPredictionsHead {
  /** Epochs done when the predictions were made. */
  readonly epoch: number;
  readonly categoryCount: number;
  /** Categories before it are merely what is left: their pixels are not measured. */
  readonly firstCounted: number;
  readonly height: number;
  readonly width: number;
  /** Ids in the project's database, [N]. */
  readonly imageIds: ArrayLike<number>;
}

export interface MaskPredictions extends MaskPredictionsHead {
  readonly pairs: CellCounts;
  /** Null in a file of an earlier version. */
  readonly sureness: SurenessCounts | null;
}

const magic = 0x50535646; // "FVSP" as a little-endian uint32
const version = 4;
const versionWithoutSureness = 3;
const versionWithoutConfidence = 2;
const surenessBins = 256;
const headerBytes = 32;

const masksStart = (images: number): number => headerBytes + 8 * images;

/** Ends with `commit` or `discard`, one of them always. Throws FoveaError `io`. */
export class MaskPredictionsWriter {
  private readonly file: AtomicFile;
  private readonly head: MaskPredictionsHead;
  private masks = 0;

  private constructor(file: AtomicFile, head: MaskPredictionsHead) {
    this.file = file;
    this.head = head;
  }

  /** What lies at `file` stays until the commit. */
  static async create(file: string, head: MaskPredictionsHead): Promise<MaskPredictionsWriter> {
    const { epoch, categoryCount, firstCounted, height, width, imageIds } = head;
    const target = await AtomicFile.create(file);
    try {
      const header = [magic, version, epoch, imageIds.length, categoryCount, firstCounted, height, width];
      await target.write(bytesOf(Uint32Array.from(header)));
      await target.write(bytesOf(Float64Array.from(imageIds)));
      return new MaskPredictionsWriter(target, head);
    } catch (error) {
      await target.discard();
      throw error;
    }
  }

  /** uint8 [any number of images, H, W] each, behind those before; a confidence of 255 is 1. */
  async addMasks(masks: Uint8Array, confidences: Uint8Array): Promise<void> {
    const pixels = this.head.height * this.head.width;
    for (let at = 0; at < masks.length; at += pixels) {
      await this.file.write(masks.subarray(at, at + pixels));
      await this.file.write(confidences.subarray(at, at + pixels));
      this.masks++;
    }
  }

  async commit({ starts, triples }: CellCounts, { all, right }: SurenessCounts): Promise<void> {
    const { imageIds, categoryCount } = this.head;
    const bins = categoryCount * surenessBins;
    invariant(all.length === bins && right.length === bins, `${all.length} counts of ${categoryCount} categories`);
    invariant(
      this.masks === imageIds.length && starts.length === imageIds.length + 1,
      `${imageIds.length} images with ${this.masks} masks and pixels of ${starts.length - 1}`,
    );
    try {
      await this.file.write(bytesOf(starts));
      await this.file.write(bytesOf(triples));
      await this.file.write(bytesOf(all));
      await this.file.write(bytesOf(right));
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

/** All but the masks. Throws FoveaError `not-found`, `bad-input` where the file is damaged, `unsupported`. */
export async function readMaskPredictions(file: string): Promise<MaskPredictions> {
  return withFile(file, async (handle) => {
    const { images, bytesOfImage, hasSureness, ...head } = await readHead(file, handle);
    const imageIds = new Float64Array(await readBytes(file, handle, headerBytes, 8 * images));
    const startsAt = masksStart(images) + images * bytesOfImage;
    const starts = new Uint32Array(await readBytes(file, handle, startsAt, 4 * (images + 1)));
    const triplesAt = startsAt + 4 * (images + 1);
    const triples = new Uint32Array(await readBytes(file, handle, triplesAt, 12 * starts[images]!));
    const surenessAt = triplesAt + 12 * starts[images]!;
    const bytes = 8 * surenessBins * head.categoryCount;
    const read = async (part: number): Promise<Float64Array> =>
      new Float64Array(await readBytes(file, handle, surenessAt + part * bytes, bytes));
    const sureness = hasSureness ? { all: await read(0), right: await read(1) } : null;
    return { ...head, imageIds, pairs: { starts, triples }, sureness };
  });
}

/** Of every pixel, [H, W]; 255 is a confidence of 1. */
interface PredictedMask {
  predicted: Uint8Array;
  /** Null in a file of an earlier version. */
  confidence: Uint8Array | null;
}

/** The `index`-th image. Throws as `readMaskPredictions` does. */
export async function readPredictedMask(file: string, index: number): Promise<PredictedMask> {
  return withFile(file, async (handle) => {
    const { images, height, width, bytesOfImage } = await readHead(file, handle);
    invariant(index >= 0 && index < images, `mask ${index} of ${images}`);
    const pixels = height * width;
    const both = new Uint8Array(await readBytes(file, handle, masksStart(images) + index * bytesOfImage, bytesOfImage));
    const confidence = bytesOfImage > pixels ? both.slice(pixels) : null;
    return { predicted: both.slice(0, pixels), confidence };
  });
}

async function readHead(
  file: string,
  handle: FileHandle,
): Promise<Omit<MaskPredictionsHead, 'imageIds'> & { images: number; bytesOfImage: number; hasSureness: boolean }> {
  const header = new Uint32Array(await readBytes(file, handle, 0, headerBytes));
  const [fileMagic, fileVersion, epoch, images, categoryCount, firstCounted, height, width] =
    header as unknown as number[];
  if (fileMagic !== magic) throw damaged(file, 'it does not begin with "FVSP"');
  if (![version, versionWithoutSureness, versionWithoutConfidence].includes(fileVersion!)) {
    throw new FoveaError('unsupported', `${file} has version ${fileVersion}; this program reads version ${version}.`, {
      file,
    });
  }
  return {
    epoch: epoch!,
    categoryCount: categoryCount!,
    firstCounted: firstCounted!,
    height: height!,
    width: width!,
    images: images!,
    hasSureness: fileVersion === version,
    bytesOfImage: height! * width! * (fileVersion === versionWithoutConfidence ? 1 : 2),
  };
}
