/**
 * Electron on Linux brings the system's GLib into the process, and the image codec a GLib of its own. The codec's library
 * keeps to its own, but its Node module takes what was loaded first: it gives every picture back to the wrong GLib, which
 * refuses, so that no picture is ever freed. Here the module is loaded a second time, bound to the codec's library first.
 * The first time loads that library as usual: bound in the same way it would also get another malloc than the rest of the
 * process.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Before the codec is imported for the first time. Does nothing where there is no such conflict. */
export async function bindCodec(): Promise<void> {
  if (process.platform !== 'linux' || process.versions['electron'] === undefined) return;
  const requireHere = createRequire(import.meta.url);
  const require = createRequire(requireHere.resolve('sharp'));
  const entry = require.resolve(`@img/sharp-linux-${process.arch}/sharp.node`);
  require(entry);
  const native = require.cache[entry]?.children.find(({ filename }) => filename.endsWith('.node'));
  if (native === undefined) return;
  // The system knows a file that is loaded already by its inode, so that it must be another one.
  const folder = await mkdtemp(join(tmpdir(), 'fovea-codec-'));
  try {
    const copy = join(folder, 'sharp.node');
    await copyFile(native.filename, copy);
    const bound: { exports: unknown } = { exports: {} };
    process.dlopen(bound, copy, constants.dlopen.RTLD_LAZY | constants.dlopen.RTLD_DEEPBIND);
    const known = require.cache[entry];
    if (known !== undefined) known.exports = bound.exports;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
