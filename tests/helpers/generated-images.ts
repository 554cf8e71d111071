/** Small photographs and label files written to disk for tests of data sets that are files. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';

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
        return { name: relative(folder, path).replaceAll(sep, '/'), bytes: await readFile(path) };
      }),
  );
  const [local, central]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const { name, bytes } of [...entries, ...more.map((path) => ({ name: path, bytes: Buffer.alloc(0) }))]) {
    const title = Buffer.from(name, 'utf8');
    // Version, flags (names are UTF-8), method (stored), time, date, checksum, both sizes, length of the name, no extras.
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(0x0800, 2);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(bytes.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(title.length, 22);
    const tail = Buffer.alloc(14); // comment, disk, attributes, offset
    tail.writeUInt32LE(offset, 10);
    local.push(Buffer.from('PK\u0003\u0004', 'latin1'), facts, title, bytes);
    central.push(Buffer.from('PK\u0001\u0002\u0014\u0000', 'latin1'), facts, tail, title);
    offset += 4 + facts.length + title.length + bytes.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 0, 'latin1');
  end.writeUInt16LE(entries.length + more.length, 8);
  end.writeUInt16LE(entries.length + more.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  await writeFile(file, Buffer.concat([...local, directory, end]));
}
