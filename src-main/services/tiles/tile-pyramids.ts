/** The tiles of large images: made in a worker process when one is first asked for, then read from the project's cache. */
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { ImageId } from '../../contract/model/ids.ts';
import { isTiled, levelSize, tileLevels, tilePx } from '../../contract/model/tiles.ts';
import type { ImageFile } from '../../store/image-repository.ts';
import { fileError } from '../file-errors.ts';
import { filePath } from '../image-pixels.ts';
import { tilesFolder, type PictureCache } from '../picture-cache.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';

export interface TileAddress {
  /** 0 is the full size. */
  level: number;
  column: number;
  row: number;
}

export interface TiledImage {
  projectFolder: string;
  imageId: ImageId;
  file: ImageFile;
  widthPx: number;
  heightPx: number;
}

export class TilePyramids {
  readonly #workers: WorkerPool;
  /** By folder: all tiles of an image wait for one making of them. */
  readonly #making = new Map<string, Promise<void>>();

  constructor(workers: WorkerPool) {
    this.#workers = workers;
  }

  /** Throws FoveaError `not-found` for a tile that the image does not have, and what reading the image throws. */
  async tile(
    image: TiledImage,
    address: TileAddress,
    cache: PictureCache,
  ): Promise<{ contentType: string; body: Uint8Array }> {
    const { level, column, row } = address;
    const { widthPx, heightPx } = levelSize(image, level);
    const isThere = isTiled(image) && level < tileLevels(image) && column * tilePx < widthPx && row * tilePx < heightPx;
    if (!isThere) throw new FoveaError('not-found', `Image ${image.imageId} has no such tile.`, { ...address });
    const folder = await this.#folderOf(image);
    const absolute = join(image.projectFolder, folder);
    if (!existsSync(absolute)) await this.#make(image, folder, cache);
    cache.used(folder);
    const tile = join(absolute, String(tileLevels(image) - 1 - level), `${column}_${row}`);
    const jpeg = await readFile(`${tile}.jpeg`).catch(() => null);
    if (jpeg !== null) return { contentType: 'image/jpeg', body: jpeg };
    const body = await readFile(`${tile}.webp`).catch((error: unknown) => {
      throw fileError(error, 'read the tile', tile);
    });
    return { contentType: 'image/webp', body };
  }

  /** Relative to the project. A file that has changed has tiles of its own; the old ones go when the cache is full. */
  async #folderOf({ projectFolder, imageId, file }: TiledImage): Promise<string> {
    const path = filePath(projectFolder, file);
    const { size, mtimeMs } = await stat(path).catch((error: unknown) => {
      throw fileError(error, 'read the image', path);
    });
    return join(tilesFolder(file.datasetId), `${imageId}-${size}-${Math.round(mtimeMs)}`);
  }

  #make({ projectFolder, file }: TiledImage, folder: string, cache: PictureCache): Promise<void> {
    const absolute = join(projectFolder, folder);
    const task = { projectFolder, image: file, folder: absolute };
    const making =
      this.#making.get(absolute) ??
      this.#workers
        .run('tiles', task, { signal: null, writes: true }, () => {})
        .then(() => cache.added(folder))
        .finally(() => this.#making.delete(absolute));
    this.#making.set(absolute, making);
    return making;
  }
}
