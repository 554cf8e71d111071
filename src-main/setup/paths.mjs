/** Where things are in a checkout. Runs on Node 20, before anything is installed. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = realpathSync(join(dirname(fileURLToPath(import.meta.url)), '..', '..'));
export const nodeModules = join(root, 'node_modules');
/** Downloads and other things that can always be made again; not in git. */
export const cacheFolder = join(root, '.cache');
export const builtFolder = join(root, 'out');
