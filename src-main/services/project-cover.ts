/**
 * The picture of a project for the list of recent ones: its first images in a mosaic. Kept as cache/cover.png, so that
 * it can be shown while the project is closed.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ImageId } from '../contract/model/ids.ts';
import type { OpenProject } from './open-projects.ts';
import { imageCodec } from './image-codec.ts';
import { openPicture } from './image-pixels.ts';
import { RgbCanvas } from './rgb-canvas.ts';

const COLUMNS = 8;
const ROWS = 4;
const CELL_PX = 64;

function coverFile(projectFolder: string): string {
  return join(projectFolder, 'cache', 'cover.png');
}

/** PNG of 8 × 4 images; null where the project has none. */
export async function renderCover(opened: OpenProject): Promise<Uint8Array | null> {
  const imageIds = firstImages(opened, COLUMNS * ROWS);
  if (imageIds.length === 0) return null;
  const sharp = await imageCodec();
  const canvas = new RgbCanvas(COLUMNS * CELL_PX, ROWS * CELL_PX);
  for (const [index, { imageId, widthPx, heightPx }] of opened.store.images.summaries(imageIds).entries()) {
    const kernel = Math.max(widthPx, heightPx) < CELL_PX ? 'nearest' : 'lanczos3';
    const source = opened.store.images.pixelSource(imageId);
    const picture = await openPicture(opened.folder, source);
    const cell = await picture
      .resize({ width: CELL_PX, height: CELL_PX, fit: 'cover', kernel })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer()
      .catch((error: unknown) => {
        if (source.kind === 'pack') throw error;
        return null; // A file that is gone leaves its cell empty.
      });
    if (cell === null) continue;
    const corner = { x: (index % COLUMNS) * CELL_PX, y: Math.floor(index / COLUMNS) * CELL_PX };
    canvas.putPixels(cell, { widthPx: CELL_PX, heightPx: CELL_PX }, corner.x, corner.y);
  }
  return sharp(canvas.pixels, { raw: { width: canvas.widthPx, height: canvas.heightPx, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
}

function firstImages({ store }: OpenProject, count: number): ImageId[] {
  for (const { datasetId } of store.datasets.list()) {
    const range = store.images.idRange(datasetId);
    if (range === null) continue;
    const wanted = { after: range.after, last: Math.min(range.last, range.after + count) };
    return store.images.idsInRange(datasetId, { splits: [], categoryIds: [] }, wanted);
  }
  return [];
}

/** Brings the kept cover up to date. */
export async function keepCover(opened: OpenProject): Promise<void> {
  const cover = await renderCover(opened);
  if (cover === null) return;
  const file = coverFile(opened.folder);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, cover);
}

/** The cover as it was kept last; null where there is none. */
export function readCover(projectFolder: string): Promise<Uint8Array | null> {
  return readFile(coverFile(projectFolder)).catch(() => null);
}
