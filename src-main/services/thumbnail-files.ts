/** Thumbnails of image files, kept on disk in the project's cache; one folder a data set, so that it goes with it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatasetId, ImageId } from '../contract/model/ids.ts';

/** Relative to the project. */
export function thumbnailFolder(datasetId: DatasetId): string {
  return join('cache', 'thumbnails', String(datasetId));
}

const IMAGES_PER_FOLDER = 1000;

/** The kept thumbnail, or what `make` gives, which is kept from then on. That it cannot be kept is no failure. */
export async function keptThumbnail(
  projectFolder: string,
  datasetId: DatasetId,
  imageId: ImageId,
  make: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const group = String(Math.floor(imageId / IMAGES_PER_FOLDER));
  const file = join(projectFolder, thumbnailFolder(datasetId), group, `${imageId}.webp`);
  const known = await readFile(file).catch(() => null);
  if (known !== null && known.length > 0) return known;
  const made = await make();
  await keep(file, made).catch(() => undefined);
  return made;
}

async function keep(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.part`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(temporary, bytes);
  await rename(temporary, file);
}
