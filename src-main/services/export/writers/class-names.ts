/** A list of the classes, one a line, for formats that name them only where they occur; nothing where it would not be read again. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WriterTask } from './writer.ts';

export function canBeListed(names: readonly string[]): boolean {
  return names.every((name) => !/[\r\n]/.test(name) && name === name.trim() && name !== '');
}

export async function writeClassNames({ root, categories }: WriterTask): Promise<void> {
  const names = categories.map(({ name }) => name);
  if (canBeListed(names)) await writeFile(join(root, 'labels.txt'), names.map((name) => `${name}\n`).join(''));
}
