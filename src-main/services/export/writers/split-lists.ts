/** The images of each split as a list of names, one a line. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Split } from '../../../contract/model/dataset.ts';

export class SplitLists {
  readonly #lines = new Map<Split, string[]>();

  add(split: Split, name: string): void {
    const lines = this.#lines.get(split);
    if (lines === undefined) this.#lines.set(split, [`${name}\n`]);
    else lines.push(`${name}\n`);
  }

  get splits(): Split[] {
    return [...this.#lines.keys()];
  }

  /** SPLIT.txt for each split that has images. */
  async write(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const [split, lines] of this.#lines) await writeFile(join(folder, `${split}.txt`), lines.join(''));
  }
}

/** Whether a name can stand on a line of its own. */
export function fitsOnLine(name: string): boolean {
  return !/[\r\n]/.test(name);
}
