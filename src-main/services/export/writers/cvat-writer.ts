/** CVAT for images: one annotations.xml, and the images in a folder a split. */
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cvatImage, cvatMeta, type CvatInput, type CvatLabel } from '../../../formats/cvat.ts';
import type { Attributes } from '../../../contract/model/annotation.ts';
import type { ExportedImage } from '../exported-images.ts';
import { isUnlabelled, type ExportWriter, type PlacedImage, type WriterTask } from './writer.ts';

export class CvatWriter implements ExportWriter {
  #root: string;
  #isCopied: boolean;
  #classes: CvatLabel[];
  /** The images' elements; the file's head is known only when all labels were seen. */
  #images: FileHandle | null = null;
  #count = 0;

  constructor({ root, categories, images }: WriterTask) {
    this.#root = root;
    this.#isCopied = images === 'copy';
    this.#classes = categories.map(({ name }) => ({ name, inputs: new Map() }));
  }

  copyPath({ split, name }: ExportedImage): string {
    return `images/${split}/${name}`;
  }

  async image(image: PlacedImage): Promise<void> {
    if (isUnlabelled(image)) return;
    const { split, name, path } = image;
    const labels = image.labels.map((label) => {
      const of = this.#classes[label.category];
      if (of !== undefined) noteInputs(of, label.attributes);
      return { ...label, name: of?.name ?? '' };
    });
    const facts = { ...image, id: this.#count++, fileName: this.#isCopied ? `${split}/${name}` : path, subset: split };
    await (await this.#file()).write(cvatImage(labels, facts));
  }

  async finish(): Promise<void> {
    await this.#file();
    const file = await open(join(this.#root, 'annotations.xml'), 'w');
    try {
      await file.write(`<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n${cvatMeta(this.#classes)}`);
      await this.abandon();
      const images = await open(this.#partPath(), 'r');
      try {
        for await (const chunk of images.createReadStream({ autoClose: false })) await file.write(chunk as Buffer);
      } finally {
        await images.close();
      }
      await file.write('</annotations>\n');
      await file.sync();
    } finally {
      await file.close();
    }
    await rm(this.#partPath());
  }

  async abandon(): Promise<void> {
    await this.#images?.close().catch(() => undefined);
    this.#images = null;
  }

  #partPath(): string {
    return join(this.#root, '.images.xml');
  }

  async #file(): Promise<FileHandle> {
    await mkdir(dirname(this.#partPath()), { recursive: true });
    return (this.#images ??= await open(this.#partPath(), 'w'));
  }
}

/** An attribute with values of two types is text. */
function noteInputs({ inputs }: CvatLabel, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    const own: CvatInput = typeof value === 'boolean' ? 'checkbox' : typeof value === 'number' ? 'number' : 'text';
    const known = inputs.get(name);
    inputs.set(name, known === undefined || known === own ? own : 'text');
  }
}
