/** `npm run cli -- …` and `npx fovea …`: the command line, in the folder where the person stands. */
import { join } from 'node:path';
import { run } from '../child.mjs';
import { root } from '../paths.mjs';

/** @param {readonly string[]} args */
export async function main(args) {
  const cwd = process.env.INIT_CWD ?? process.cwd(); // npm runs scripts in the package's folder and tells the other here
  return await run(process.execPath, [join(root, 'src-main', 'hosts', 'cli', 'main.ts'), ...args], { cwd });
}
