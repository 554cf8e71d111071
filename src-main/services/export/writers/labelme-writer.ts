/** labelme: a JSON file beside each image; copies are in a folder a split. */
import { rasterisePolygon } from '../../../contract/geometry/polygon.ts';
import { decodeRle, rleBounds, type Rle } from '../../../contract/geometry/rle.ts';
import type { Shape } from '../../../contract/model/annotation.ts';
import { serialiseLabelme, type LabelmeExportLabel } from '../../../formats/labelme.ts';
import type { ImageSize } from '../../../formats/labels.ts';
import type { ExportedImage } from '../exported-images.ts';
import { encodePng } from '../indexed-png.ts';
import { writeClassNames } from './class-names.ts';
import { LabelFiles } from './label-files.ts';
import { isUnlabelled, type ExportWriter, type PlacedImage, type WriterTask } from './writer.ts';

export class LabelmeWriter implements ExportWriter {
  #task: WriterTask;
  #files: LabelFiles;

  constructor(task: WriterTask) {
    this.#task = task;
    this.#files = new LabelFiles(task.root);
  }

  copyPath({ split, name }: ExportedImage): string {
    return `${split}/${name}`;
  }

  async image(image: PlacedImage): Promise<void> {
    if (isUnlabelled(image)) return;
    const { categories } = this.#task;
    const labels: LabelmeExportLabel[] = [];
    for (const { category, shape, attributes } of image.labels) {
      const drawn = await drawable(shape, image);
      if (drawn !== null) labels.push({ name: categories[category]?.name ?? '', shape: drawn, attributes });
    }
    this.#files.write(image, serialiseLabelme(labels, { ...image, imagePath: image.name }));
  }

  finish(): Promise<void> {
    return writeClassNames(this.#task);
  }

  async abandon(): Promise<void> {}
}

/** A mask, or an outline that cannot be written with its holes, as a picture of its pixels; null where it has none. */
async function drawable(shape: Shape, size: ImageSize): Promise<LabelmeExportLabel['shape'] | null> {
  if (shape.kind === 'mask') return png(shape.rle);
  const hasHoles = shape.kind === 'polygon' && shape.parts.some(({ holes }) => holes.length > 0);
  return hasHoles ? png(rasterisePolygon(shape.parts, size)) : shape;
}

async function png(rle: Rle): Promise<LabelmeExportLabel['shape'] | null> {
  const bounds = rleBounds(rle);
  if (bounds === null) return null;
  const [x1, y1, x2, y2] = bounds;
  const whole = decodeRle(rle);
  const [widthPx, heightPx] = [x2 - x1, y2 - y1];
  const pixels = new Uint8Array(widthPx * heightPx);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) pixels[y * widthPx + x] = whole[(y1 + y) * rle.widthPx + x1 + x] ? 255 : 0;
  }
  const file = await encodePng({ widthPx, heightPx, kind: 'grey', pixels });
  return { kind: 'png', base64: file.toString('base64'), bboxXyxy: bounds };
}
