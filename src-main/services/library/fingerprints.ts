/**
 * Fingerprints of images: a hash of the content, and 64 bits that are alike for pictures that look alike (each says
 * whether a point of a grey 9 × 8 version of the picture is brighter than its right neighbour). Runs in the worker; what
 * was read before and has not changed is not read again. Source: N. Krawetz, "Kind of Like That", 2013 (dHash).
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Sharp } from 'sharp';
import type { DatasetId, ImageId } from '../../contract/model/ids.ts';
import type { Fingerprint } from '../../store/library-repository.ts';
import type { PixelSource } from '../../store/image-repository.ts';
import { filePath, openPicture } from '../image-pixels.ts';
import { readPackImages } from '../pack-pixels.ts';
import type { LibraryReader, TellProgress } from './library-reader.ts';

const AT_ONCE = 4;
const PER_MESSAGE = 50;
const COLUMNS = 9;
const ROWS = 8;
/** Grey levels between the darkest and the brightest point below which a picture has nothing to be known by. */
const LEAST_CONTRAST = 8;

export interface FingerprintAsk {
  datasetId: DatasetId;
}

/** Images that could not be read are left out. */
export async function takeFingerprints(
  { store, folder }: LibraryReader,
  { datasetId }: FingerprintAsk,
  tell: TellProgress,
  emit: (fingerprints: Fingerprint[]) => void,
): Promise<{ taken: number; unreadable: number }> {
  const known = new Map(store.library.fingerprints(datasetId).map((one) => [one.imageId, one]));
  const whole = store.images.idRange(datasetId);
  const ids = whole === null ? [] : store.images.idsInRange(datasetId, { splits: [], categoryIds: [] }, whole);
  let [taken, unreadable] = [0, 0];
  let block: Fingerprint[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const results = await Promise.allSettled(
      some.map((imageId) => fingerprint(folder, imageId, store.images.pixelSource(imageId), known.get(imageId))),
    );
    for (const result of results) {
      if (result.status === 'rejected') unreadable++;
      else if (result.value !== null) block.push(result.value);
    }
    if (block.length >= PER_MESSAGE || at + AT_ONCE >= ids.length) {
      taken += block.length;
      if (block.length > 0) emit(block);
      block = [];
    }
    tell({ step: 'Comparing images', done: Math.min(at + AT_ONCE, ids.length), total: ids.length });
  }
  return { taken, unreadable };
}

/** Null where the known one still holds. */
async function fingerprint(
  folder: string,
  imageId: ImageId,
  source: PixelSource,
  known: Fingerprint | undefined,
): Promise<Fingerprint | null> {
  const grey = async (): Promise<Uint8Array | null> =>
    openPicture(folder, source)
      .then(smallGrey)
      .catch(() => null);
  if (source.kind === 'pack') {
    if (known !== undefined) return null;
    const [planes = new Uint8Array()] = await readPackImages(folder, [source.packed]);
    const contentHash = createHash('sha256').update(planes).digest();
    return { imageId, contentHash, perceptualHash: perceptualHash(await grey()), sizeBytes: null, modifiedMs: null };
  }
  const file = filePath(folder, source.file);
  const facts = await stat(file);
  const [sizeBytes, modifiedMs] = [facts.size, Math.round(facts.mtimeMs)];
  if (known?.sizeBytes === sizeBytes && known.modifiedMs === modifiedMs) return null;
  const contentHash = createHash('sha256')
    .update(await readFile(file))
    .digest();
  return { imageId, contentHash, perceptualHash: perceptualHash(await grey()), sizeBytes, modifiedMs };
}

function smallGrey(image: Sharp): Promise<Uint8Array> {
  const size = { width: COLUMNS, height: ROWS, fit: 'fill' as const };
  return image.removeAlpha().resize(size).toColourspace('b-w').raw({ depth: 'uchar' }).toBuffer();
}

/** `grey`: 9 × 8 levels, row by row; null where the picture cannot be decoded. */
function perceptualHash(grey: Uint8Array | null): Uint8Array | null {
  if (grey?.length !== COLUMNS * ROWS || Math.max(...grey) - Math.min(...grey) < LEAST_CONTRAST) return null;
  const hash = new Uint8Array(ROWS);
  for (let y = 0; y < ROWS; y++) {
    for (let x = 0; x < COLUMNS - 1; x++) {
      const isBrighter = (grey[y * COLUMNS + x] ?? 0) > (grey[y * COLUMNS + x + 1] ?? 0);
      if (isBrighter) hash[y] = (hash[y] ?? 0) | (1 << x);
    }
  }
  return hash;
}
