/** Real data sets for tests, which lie beside the repository or where FOVEA_TEST_DATA says; see their MANIFEST. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = process.env['FOVEA_TEST_DATA'] ?? resolve(import.meta.dirname, '..', '..', '..', 'shared', 'data');

/** The path of a real data set; null, said in one line, where it is not here. */
export function realData(name: string): string | null {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  console.log(`skipped: ${path} is not there`);
  return null;
}
