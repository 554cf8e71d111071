/**
 * Builds the app into out/ when its sources have changed since the last build: Electron's main, preload and child
 * entries, and the renderer, which the web host serves too.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from './child.mjs';
import { builtFolder, nodeModules, root } from './paths.mjs';
import { say, SetupProblem } from './say.mjs';

const stampFile = join(builtFolder, '.sources');
const sourceFolders = ['src-main', 'src-renderer', 'resources'];
const sourceFiles = ['electron.vite.config.ts', 'package.json', 'package-lock.json', 'tsconfig.json'];

/** Quick where out/ is up to date. Throws SetupProblem where the build fails. */
export async function ensureBuilt() {
  const wanted = sourcesDigest();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  say('Building the app.');
  rmSync(stampFile, { force: true });
  const electronVite = join(nodeModules, 'electron-vite', 'bin', 'electron-vite.js');
  const code = await run(process.execPath, [electronVite, 'build', '--logLevel', 'warn'], {
    cwd: root,
    toStderr: true,
  });
  if (code !== 0)
    throw new SetupProblem(
      'The app could not be built; the reason stands above.',
      'mend what it names, then: npm run build',
    );
  writeFileSync(stampFile, wanted);
}

function sourcesDigest() {
  const files = [
    ...sourceFolders.flatMap((folder) => filesBelow(join(root, folder))),
    ...sourceFiles.map((name) => join(root, name)),
  ];
  const hash = createHash('sha256');
  for (const file of files.toSorted()) hash.update(relative(root, file)).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}

/** @param {string} folder */
function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
