/** Writes the small files of an export: without waiting for each of many, which would take several times longer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { invariant } from '../../../contract/errors.ts';
import type { PlacedImage } from './writer.ts';

export class LabelFiles {
  readonly #root: string;
  readonly #made = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  write({ labelPath }: Pick<PlacedImage, 'labelPath'>, content: string | Uint8Array): void {
    invariant(labelPath !== null, 'a file of labels has no place');
    const file = join(this.#root, labelPath);
    const folder = dirname(file);
    if (!this.#made.has(folder)) mkdirSync(folder, { recursive: true });
    this.#made.add(folder);
    writeFileSync(file, content);
  }
}
