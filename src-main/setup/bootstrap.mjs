/**
 * The one way in: `node src-main/setup/bootstrap.mjs TASK [arguments]`, which every npm script calls. It makes the npm
 * packages right, goes on with Node 24 first on the PATH, and hands over to tasks/TASK.mjs. Runs on Node 20 before
 * anything is installed, so it imports nothing but Node.
 */
import { realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from './child.mjs';
import { ensureNodePackages } from './node-packages.mjs';
import { nodeModules } from './paths.mjs';
import { sayProblem, SetupProblem } from './say.mjs';

const oldestNode = 20;

/**
 * @param {string} task the name of a module in tasks/
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code
 */
export async function bootstrap(task, args) {
  try {
    if (Number(process.versions.node.split('.')[0]) < oldestNode) {
      throw new SetupProblem(
        `Fovea needs Node ${oldestNode} or later, this is Node ${process.versions.node}.`,
        'install Node 24: https://nodejs.org/    (or: nvm install 24)',
      );
    }
    const node = await ensureNodePackages();
    putFirstOnPath([join(nodeModules, '.bin'), dirname(node)]);
    if (realpathSync(node) !== realpathSync(process.execPath)) {
      return await run(node, [fileURLToPath(import.meta.url), task, ...args]);
    }
    const { main } = await import(pathToFileURL(join(import.meta.dirname, 'tasks', `${task}.mjs`)).href);
    return await main(args);
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    sayProblem(error);
    return 1;
  }
}

/** @param {readonly string[]} folders */
function putFirstOnPath(folders) {
  const rest = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folders.includes(folder));
  process.env.PATH = [...folders, ...rest].join(delimiter);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [task = 'start', ...args] = process.argv.slice(2);
  process.exitCode = await bootstrap(task, args);
}
