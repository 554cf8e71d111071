/** COCO: images/SPLIT and annotations/instances_SPLIT.json; labels alone call images by their path in their own folder. */
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Split } from '../../../contract/model/dataset.ts';
import { cocoAnnotation, cocoCategory, type CocoCategoryRow } from '../../../formats/coco.ts';
import type { ExportedImage } from '../exported-images.ts';
import type { ExportWriter, PlacedImage, WriterTask } from './writer.ts';

interface SplitFiles {
  json: TextWriter;
  labels: TextWriter;
  images: number;
}

/** One JSON file a split; its annotations are kept in a file of their own until the images are all in. */
export class CocoWriter implements ExportWriter {
  #root: string;
  #isCopied: boolean;
  #categories: CocoCategoryRow[];
  #files = new Map<Split, SplitFiles>();
  #nextId = 1;

  constructor({ root, categories, sourceIds, skeletons, images }: WriterTask) {
    this.#root = root;
    this.#isCopied = images === 'copy';
    const ownNumbers = sourceIds.every((id) => id !== null);
    this.#categories = categories.map(({ name, ordinal }) =>
      cocoCategory(ownNumbers ? (sourceIds[ordinal] ?? ordinal) : ordinal + 1, name, skeletons[ordinal] ?? null),
    );
  }

  copyPath({ split, name }: ExportedImage): string {
    return `images/${split}/${name}`;
  }

  async image({ imageId, split, name, path, widthPx, heightPx, labels }: PlacedImage): Promise<void> {
    const files = this.#files.get(split) ?? (await this.#open(split));
    const row = { id: imageId, file_name: this.#isCopied ? name : path, width: widthPx, height: heightPx };
    await files.json.write(`${files.images++ === 0 ? '' : ',\n'}${JSON.stringify(row)}`);
    const rows = labels.flatMap((label) => {
      const ids = { id: this.#nextId, imageId, categoryId: this.#categories[label.category]?.id ?? 0 };
      const fields = cocoAnnotation(label, ids, { widthPx, heightPx });
      if (fields === null) return [];
      this.#nextId++;
      return [`${JSON.stringify(fields)},\n`];
    });
    await files.labels.write(rows.join(''));
  }

  async finish(): Promise<void> {
    for (const [split, { json, labels }] of this.#files) {
      await json.write('\n],"annotations":[\n');
      await json.flush();
      await labels.flush();
      await this.#append(json.handle, this.#labelFile(split));
      await json.write(`\n],"categories":${JSON.stringify(this.#categories)}}\n`);
      await json.flush();
      await json.handle.sync();
    }
    await this.abandon();
    for (const split of this.#files.keys()) await rm(this.#labelFile(split));
  }

  async abandon(): Promise<void> {
    for (const { json, labels } of this.#files.values()) {
      await json.handle.close().catch(() => undefined);
      await labels.handle.close().catch(() => undefined);
    }
  }

  async #open(split: Split) {
    const folder = join(this.#root, 'annotations');
    await mkdir(folder, { recursive: true });
    const json = new TextWriter(await open(join(folder, `instances_${split}.json`), 'w'));
    const labels = new TextWriter(await open(this.#labelFile(split), 'w'));
    const files = { json, labels, images: 0 };
    this.#files.set(split, files);
    await json.write('{"info":{},"licenses":[],"images":[\n');
    return files;
  }

  /** Without the comma after the last element. */
  async #append(json: FileHandle, file: string): Promise<void> {
    const source = await open(file, 'r');
    try {
      const { size } = await source.stat();
      const end = Math.max(0, size - 2);
      if (end > 0)
        for await (const chunk of source.createReadStream({ end: end - 1, autoClose: false }))
          await json.write(chunk as Buffer);
    } finally {
      await source.close();
    }
  }

  #labelFile(split: Split): string {
    return join(this.#root, 'annotations', `.labels_${split}`);
  }
}

const CHARACTERS_PER_WRITE = 1 << 20;

/** Collects many small pieces of text into few writes. */
class TextWriter {
  readonly handle: FileHandle;
  #pieces: string[] = [];
  #characters = 0;

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  async write(text: string): Promise<void> {
    this.#pieces.push(text);
    this.#characters += text.length;
    if (this.#characters >= CHARACTERS_PER_WRITE) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#pieces.join('');
    this.#pieces = [];
    this.#characters = 0;
    if (text !== '') await this.handle.writeFile(text);
  }
}
