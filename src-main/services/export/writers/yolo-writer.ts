/** YOLO: images/SPLIT, labels/SPLIT and data.yaml. An image that nobody labelled gets no label file. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Split } from '../../../contract/model/dataset.ts';
import { stemOf } from '../../../formats/image-files.ts';
import { serialiseYoloConfig, serialiseYoloLabels, type YoloTask } from '../../../formats/yolo.ts';
import type { ExportedImage } from '../exported-images.ts';
import { isUnlabelled, type ExportWriter, type WriterTask } from './writer.ts';

export class YoloWriter implements ExportWriter {
  #task: WriterTask;
  #kind: YoloTask;
  #splits = new Set<Split>();

  constructor(task: WriterTask, kind: YoloTask) {
    this.#task = task;
    this.#kind = kind;
  }

  imagePath({ split, name }: ExportedImage): string {
    return join('images', split, name);
  }

  async image(image: ExportedImage): Promise<void> {
    this.#splits.add(image.split);
    if (isUnlabelled(image)) return;
    const folder = join(this.#task.root, 'labels', image.split);
    await mkdir(folder, { recursive: true });
    const text = serialiseYoloLabels(image.labels, this.#kind, image, this.#task.keypointCount);
    await writeFile(join(folder, `${stemOf(image.name)}.txt`), text);
  }

  async finish(): Promise<void> {
    const { root, categories, keypointCount } = this.#task;
    const names = categories.map(({ name }) => name);
    const places = Object.fromEntries([...this.#splits].map((split) => [split, `images/${split}`]));
    const count = this.#kind === 'pose' ? keypointCount : 0;
    await writeFile(join(root, 'data.yaml'), serialiseYoloConfig(names, places, count));
  }

  async abandon(): Promise<void> {}
}
