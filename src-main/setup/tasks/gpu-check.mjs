/** `npm run gpu:check [-- --device=ID] [--quick]`: tries every device for real and prints what is right, wrong and fast. */
import { join } from 'node:path';
import { run } from '../child.mjs';
import { root } from '../paths.mjs';

/** @param {readonly string[]} args */
export async function main(args) {
  return await run(process.execPath, [join(root, 'tests', 'gpu-check', 'run.ts'), ...args], { cwd: root });
}
