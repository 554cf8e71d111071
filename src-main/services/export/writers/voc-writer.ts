/** Pascal VOC: JPEGImages, Annotations, and the names of each split in ImageSets/Main. */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stemOf } from '../../../formats/image-files.ts';
import { serialiseVoc } from '../../../formats/voc.ts';
import type { ExportedImage } from '../exported-images.ts';
import { writeClassNames } from './class-names.ts';
import { isUnlabelled, type ExportWriter, type WriterTask } from './writer.ts';

export class VocWriter implements ExportWriter {
  #task: WriterTask;

  constructor(task: WriterTask) {
    this.#task = task;
  }

  imagePath({ name }: ExportedImage): string {
    return join('JPEGImages', name);
  }

  async image(image: ExportedImage): Promise<void> {
    const { root, categories } = this.#task;
    const sets = join(root, 'ImageSets', 'Main');
    await mkdir(sets, { recursive: true });
    await mkdir(join(root, 'Annotations'), { recursive: true });
    await appendFile(join(sets, `${image.split}.txt`), `${stemOf(image.name)}\n`);
    if (isUnlabelled(image)) return;
    const labels = image.labels.map((label) => ({ ...label, name: categories[label.category]?.name ?? '' }));
    const xml = serialiseVoc({ ...image, fileName: image.name, labels });
    await writeFile(join(root, 'Annotations', `${stemOf(image.name)}.xml`), xml);
  }

  finish(): Promise<void> {
    return writeClassNames(this.#task);
  }

  async abandon(): Promise<void> {}
}
