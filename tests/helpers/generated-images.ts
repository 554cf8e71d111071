/** Small photographs and label files written to disk for tests of data sets that are files. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import sharp from 'sharp';
import { storedZip } from './stored-zip.ts';

export interface PhotoOptions {
  widthPx?: number;
  heightPx?: number;
  /** EXIF orientation; width and height are those of the file, before it is applied. */
  orientation?: number;
}

/** A colour gradient in the format of the path's ending, or in `format`. Its top left corner is red. */
export async function photo(
  { widthPx = 40, heightPx = 30, orientation }: PhotoOptions = {},
  format: 'jpeg' | 'png' | 'webp' | 'tiff' | 'gif' | 'avif' = 'jpeg',
): Promise<Buffer> {
  const pixels = Buffer.alloc(widthPx * heightPx * 3);
  for (let at = 0; at < widthPx * heightPx; at++) {
    const [x, y] = [at % widthPx, Math.floor(at / widthPx)];
    const isCorner = x < widthPx / 4 && y < heightPx / 4;
    pixels.set(isCorner ? [255, 0, 0] : [0, (x * 255) / widthPx, (y * 255) / heightPx], at * 3);
  }
  const image = sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 3 } });
  if (orientation !== undefined) image.withMetadata({ orientation });
  return image.toFormat(format).toBuffer();
}

/** Writes files with the folders they need. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** Packs a folder into a .zip without compression; `more`: names of further, empty files, which may be hostile. */
export async function writeZip(folder: string, file: string, more: readonly string[]): Promise<void> {
  const items = await readdir(folder, { recursive: true, withFileTypes: true });
  const entries = await Promise.all(
    items
      .filter((item) => item.isFile())
      .map(async (item) => {
        const path = join(item.parentPath, item.name);
        return [relative(folder, path).replaceAll(sep, '/'), await readFile(path)] as const;
      }),
  );
  await writeFile(file, storedZip([...entries, ...more.map((name) => [name, Buffer.alloc(0)] as const)]));
}
