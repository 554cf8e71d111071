/** SPLIT/CLASS/image, as classifiers take it. An image of several classes goes into the first one's folder. */
import { isClassFolder } from '../../../formats/image-files.ts';
import { nearestFolderName } from '../../folder-name.ts';
import type { ExportedImage } from '../exported-images.ts';
import { canBeListed, writeClassNames } from './class-names.ts';
import type { ExportWriter, WriterTask } from './writer.ts';

export class FoldersWriter implements ExportWriter {
  #task: WriterTask;
  #folders: readonly string[];

  constructor(task: WriterTask) {
    this.#task = task;
    this.#folders = classFolders(task.categories.map(({ name }) => name));
  }

  copyPath({ split, name, labels }: ExportedImage): string | null {
    const own = labels.find(({ shape }) => shape.kind === 'classification');
    const folder = own === undefined ? undefined : this.#folders[own.category];
    return folder === undefined ? null : `${split}/${folder}/${name}`;
  }

  async image(): Promise<void> {}

  async finish(): Promise<void> {
    const names = this.#task.categories.map(({ name }) => name);
    if (canBeListed(names) && names.every((name, place) => name === this.#folders[place])) {
      await writeClassNames(this.#task);
    }
  }

  async abandon(): Promise<void> {}
}

/** The folder of each class: its name, or the nearest one that a folder can have and no other class has. */
export function classFolders(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const nearest = nearestFolderName(name);
    const base = isClassFolder(nearest) ? nearest : `class-${nearest}`;
    let free = base;
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${base}-${number}`;
    taken.add(free.toLowerCase());
    return free;
  });
}
