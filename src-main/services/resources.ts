/** Files that come along with the app, in the folder resources/ beside its package.json. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Absolute path; the same from the sources and from the bundle, which lie at different depths below that folder. */
export function resourceFile(path: string): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, 'resources', path);
}
