/** Pascal VOC: JPEGImages, Annotations, and the names of each split in ImageSets/Main. */
import { join } from 'node:path';
import { withoutEnding } from '../../../formats/image-files.ts';
import { serialiseVoc } from '../../../formats/voc.ts';
import type { ExportedImage } from '../exported-images.ts';
import { withoutFolder } from '../label-places.ts';
import { writeClassNames } from './class-names.ts';
import { LabelFiles } from './label-files.ts';
import { SplitLists } from './split-lists.ts';
import { isUnlabelled, type ExportWriter, type PlacedImage, type WriterTask } from './writer.ts';

export class VocWriter implements ExportWriter {
  #task: WriterTask;
  #lists = new SplitLists();
  #files: LabelFiles;

  constructor(task: WriterTask) {
    this.#task = task;
    this.#files = new LabelFiles(task.root);
  }

  copyPath({ name }: ExportedImage): string {
    return `JPEGImages/${name}`;
  }

  async image(image: PlacedImage): Promise<void> {
    const { categories } = this.#task;
    this.#lists.add(image.split, withoutEnding(withoutFolder(image.path, 'JPEGImages')));
    if (isUnlabelled(image)) return;
    const labels = image.labels.map((label) => ({ ...label, name: categories[label.category]?.name ?? '' }));
    this.#files.write(image, serialiseVoc({ ...image, fileName: image.name, labels }));
  }

  async finish(): Promise<void> {
    await this.#lists.write(join(this.#task.root, 'ImageSets', 'Main'));
    await writeClassNames(this.#task);
  }

  async abandon(): Promise<void> {}
}
