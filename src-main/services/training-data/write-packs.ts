/** Writes the rows of prepared packs: photographs, several at once, and the masks of their labels. */
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { FoveaError, toErrorData } from '../../contract/errors.ts';
import { drawMask } from '../../engine/data/draw-mask.ts';
import { padding, place, type SizePx } from '../../engine/data/letterbox.ts';
import type { TrainingImage } from '../../store/training-repository.ts';
import type { ProjectReader } from '../../store/project-store.ts';
import { filePath } from '../image-pixels.ts';
import { decodeImage, preparedChannels, type InputGeometry } from './decode-image.ts';
import type { MaskedShape } from '../../engine/data/draw-mask.ts';
import type { RowFailure } from './pack-cache.ts';

const sizeOf = ({ widthPx, heightPx }: TrainingImage): SizePx => ({ widthPx, heightPx });

/** More at once than there are cores would only wait for each other. */
const mostAtOnce = 8;

export interface RowsInHand {
  images: readonly TrainingImage[];
  geometry: InputGeometry;
  /** After each row; throws where the work is to be stopped. */
  onRow(): void;
}

/** A row an image, in their order; one that cannot be read is left empty and told of. */
export async function writeImageRows(
  file: string,
  store: ProjectReader,
  projectFolder: string,
  { images, geometry, onRow }: RowsInHand,
): Promise<RowFailure[]> {
  const bytes = preparedChannels * geometry.network.widthPx * geometry.network.heightPx;
  const failures: RowFailure[] = [];
  const handle = await open(file, 'w');
  try {
    await handle.truncate(images.length * bytes);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let row = next++; row < images.length; row = next++) {
        const image = images[row]!;
        const source = store.images.pixelSource(image.imageId);
        const planes = await decodeImage(projectFolder, source, sizeOf(image), geometry).catch((error: unknown) => {
          const name = source.kind === 'file' ? filePath(projectFolder, source.file) : `image ${image.imageId}`;
          failures.push({ row, reason: reasonOf(error, name) });
        });
        if (planes) await handle.write(planes, 0, bytes, row * bytes);
        onRow();
      }
    };
    // All of them have ended before the file is closed, also where one is stopped.
    const workers = Array.from({ length: Math.min(mostAtOnce, availableParallelism()) }, work);
    const ends = await Promise.allSettled(workers);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    await handle.sync();
  } finally {
    await handle.close();
  }
  return failures;
}

/** "FILE is not there any more …", always with the file's name. */
function reasonOf(error: unknown, name: string): string {
  const { message: text } = error instanceof FoveaError ? error : toErrorData(error);
  const message = text.replaceAll(/\s*\n\s*/g, '; ');
  return message.includes(name) ? message : `${name}: ${message}`;
}

const masksAtOnce = 64;

/** One channel; a row an image, in their order. `unlabelled`: of pixels that no label covers; null where none is known. */
export async function writeMaskRows(
  file: string,
  shapesOf: (images: readonly TrainingImage[]) => readonly (readonly MaskedShape[])[],
  unlabelled: number | null,
  { images, geometry, onRow }: RowsInHand,
): Promise<void> {
  const { network, fit } = geometry;
  const handle = await open(file, 'w');
  try {
    for (let first = 0; first < images.length; first += masksAtOnce) {
      const piece = images.slice(first, first + masksAtOnce);
      const shapes = shapesOf(piece);
      for (const [at, image] of piece.entries()) {
        const mask = drawMask(shapes[at]!, place(sizeOf(image), network, fit), unlabelled ?? padding.mask);
        await handle.write(mask);
        onRow();
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}
