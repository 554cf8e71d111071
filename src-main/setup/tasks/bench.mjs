/** `npm run bench -- NAME [--quick]`: measures; `npm run bench -- list` names the benches. */
import { join } from 'node:path';
import { run } from '../child.mjs';
import { root } from '../paths.mjs';

/** @param {readonly string[]} args */
export async function main(args) {
  return await run(process.execPath, [join(root, 'tests', 'bench', 'run.ts'), ...args], { cwd: root });
}
