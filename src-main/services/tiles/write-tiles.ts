/** Cuts a large image into tiles, in a worker process: one pass over the file, which is never in memory as a whole where its format allows. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tilePx } from '../../contract/model/tiles.ts';
import type { ImageFile } from '../../store/image-repository.ts';
import { explainPicture, openPicture } from '../image-pixels.ts';

export interface TilesTask {
  projectFolder: string;
  image: ImageFile;
  /** Absolute; there once all tiles are in it. */
  folder: string;
}

/** Deep Zoom's layout: `<level>/<column>_<row>.<type>`, where the levels count up from the smallest. */
export async function writeTiles({ projectFolder, image, folder }: TilesTask): Promise<void> {
  const source = { kind: 'file', file: image } as const;
  const part = `${folder}.part`;
  await rm(`${part}_files`, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  try {
    const picture = (await openPicture(projectFolder, source)).toColourspace('srgb');
    const { hasAlpha } = await picture.metadata();
    // Transparent parts stay so; of what is opaque, JPEG is written several times as fast.
    if (hasAlpha) picture.webp({ quality: 92, effort: 1 });
    else picture.jpeg({ quality: 92, chromaSubsampling: '4:4:4' });
    await picture
      .tile({ size: tilePx, overlap: 0, depth: 'onetile', layout: 'dz', container: 'fs', skipBlanks: -1 })
      .toFile(`${part}.dz`);
    await rm(folder, { recursive: true, force: true });
    await rename(`${part}_files`, folder);
  } catch (error) {
    throw await explainPicture(error, projectFolder, source);
  } finally {
    await rm(`${part}.dzi`, { force: true });
    await rm(`${part}_files`, { recursive: true, force: true });
    await rm(join(folder, 'vips-properties.xml'), { force: true });
  }
}
