/**
 * YOLO: images/SPLIT, labels/SPLIT and data.yaml; labels alone go by the images' own folders, with a list of each split's
 * images. An image that nobody labelled gets no label file.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serialiseYoloConfig, serialiseYoloLabels, type YoloTask } from '../../../formats/yolo.ts';
import type { ExportedImage } from '../exported-images.ts';
import { LabelFiles } from './label-files.ts';
import { SplitLists } from './split-lists.ts';
import { isUnlabelled, type ExportWriter, type PlacedImage, type WriterTask } from './writer.ts';

export class YoloWriter implements ExportWriter {
  #task: WriterTask;
  #kind: YoloTask;
  #lists = new SplitLists();
  #files: LabelFiles;

  constructor(task: WriterTask, kind: YoloTask) {
    this.#task = task;
    this.#kind = kind;
    this.#files = new LabelFiles(task.root);
  }

  copyPath({ split, name }: ExportedImage): string {
    return `images/${split}/${name}`;
  }

  async image(image: PlacedImage): Promise<void> {
    this.#lists.add(image.split, `./${image.path}`);
    if (isUnlabelled(image)) return;
    this.#files.write(image, serialiseYoloLabels(image.labels, this.#kind, image, this.#task.points?.count));
  }

  async finish(): Promise<void> {
    const { root, categories, points, images } = this.#task;
    const names = categories.map(({ name }) => name);
    const isCopied = images === 'copy';
    if (!isCopied) await this.#lists.write(root);
    const places = Object.fromEntries(
      this.#lists.splits.map((split) => [split, isCopied ? `images/${split}` : `${split}.txt`]),
    );
    await writeFile(join(root, 'data.yaml'), serialiseYoloConfig(names, places, points, this.#kind));
  }

  async abandon(): Promise<void> {}
}
