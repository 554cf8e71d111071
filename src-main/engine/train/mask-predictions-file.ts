/**
 * predictions.bin of a segmentation: the predicted mask of every image of the evaluation split after one epoch, in
 * evaluation order, how sure the network is of each pixel, and which pixels were called what. Written image by image, read
 * one by one. Little-endian:
 *   "FVSP", uint32 version = 3, uint32 epoch, uint32 images N, uint32 categories C, uint32 first category that counts,
 *   uint32 H, uint32 W, float64 imageIds [N], uint8 masks and confidences [N, 2, H, W], uint32 starts [N + 1], uint32 triples
 *   [starts[N], 3]
 * Starts and triples are those of CellCounts; from them every measure follows. Version 2 had no confidences.
 */
import type { FileHandle } from 'node:fs/promises';
import { FoveaError, invariant } from '../../contract/errors.ts';
import type { CellCounts } from '../../contract/model/segmentation-measures.ts';
import { AtomicFile } from '../weights/atomic-file.ts';
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
}

const magic = 0x50535646; // "FVSP" as a little-endian uint32
const version = 3;
const versionWithoutConfidence = 2;
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

  async commit({ starts, triples }: CellCounts): Promise<void> {
    const { imageIds } = this.head;
    invariant(
      this.masks === imageIds.length && starts.length === imageIds.length + 1,
      `${imageIds.length} images with ${this.masks} masks and pixels of ${starts.length - 1}`,
    );
    try {
      await this.file.write(bytesOf(starts));
      await this.file.write(bytesOf(triples));
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
    const { images, bytesOfImage, ...head } = await readHead(file, handle);
    const imageIds = new Float64Array(await readBytes(file, handle, headerBytes, 8 * images));
    const startsAt = masksStart(images) + images * bytesOfImage;
    const starts = new Uint32Array(await readBytes(file, handle, startsAt, 4 * (images + 1)));
    const triplesAt = startsAt + 4 * (images + 1);
    const triples = new Uint32Array(await readBytes(file, handle, triplesAt, 12 * starts[images]!));
    return { ...head, imageIds, pairs: { starts, triples } };
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
): Promise<Omit<MaskPredictionsHead, 'imageIds'> & { images: number; bytesOfImage: number }> {
  const header = new Uint32Array(await readBytes(file, handle, 0, headerBytes));
  const [fileMagic, fileVersion, epoch, images, categoryCount, firstCounted, height, width] =
    header as unknown as number[];
  if (fileMagic !== magic) throw damaged(file, 'it does not begin with "FVSP"');
  if (fileVersion !== version && fileVersion !== versionWithoutConfidence) {
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
    bytesOfImage: height! * width! * (fileVersion === versionWithoutConfidence ? 1 : 2),
  };
}
