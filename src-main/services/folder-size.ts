/** How much room files take. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const LOOKED_AT_ONCE = 64;

/** Bytes of a file, or of all files below a folder; 0 where it is not there. What goes meanwhile is not counted. */
export async function sizeBelow(path: string): Promise<number> {
  const facts = await stat(path).catch(() => null);
  if (facts?.isFile()) return facts.size;
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  let sizeBytes = 0;
  for (let at = 0; at < files.length; at += LOOKED_AT_ONCE) {
    const some = files.slice(at, at + LOOKED_AT_ONCE);
    const sizes = await Promise.all(
      some.map(({ parentPath, name }) =>
        stat(join(parentPath, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    for (const size of sizes) sizeBytes += size;
  }
  return sizeBytes;
}
