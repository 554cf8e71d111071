/** `npm run serve`: serves the app to a browser on 127.0.0.1; the host prints its address. */
import { join } from 'node:path';
import { ensureBuilt } from '../build.mjs';
import { run } from '../child.mjs';
import { root } from '../paths.mjs';

/** @param {readonly string[]} args */
export async function main(args) {
  await ensureBuilt();
  return await run(process.execPath, [join(root, 'src-main', 'hosts', 'web', 'main.ts'), ...args]);
}
