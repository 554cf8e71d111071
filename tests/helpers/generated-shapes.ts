/**
 * Photographs of coloured discs and squares with their outlines and boxes, drawn from a seed and written as a COCO
 * folder: easy enough that a small network learns them in a minute.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { seededRandom } from './generated-data.ts';

export interface ShapesOptions {
  train: number;
  test: number;
  widthPx: number;
  heightPx: number;
  seed: number;
}

type Point = readonly [number, number];
const classes = ['disc', 'square'] as const;
const colours = [
  [214, 96, 60],
  [70, 180, 214],
] as const;
const ground = [58, 66, 78] as const;
const sidesOfDisc = 20;

interface Drawn {
  category: number;
  outline: readonly Point[];
}

/** One of each class, apart from each other: the disc in the left half, the square in the right one, or turned about. */
function drawObjects({ widthPx, heightPx }: ShapesOptions, random: () => number): Drawn[] {
  const swapped = random() < 0.5 ? 1 : 0;
  return classes.map((_, category) => {
    const radius = heightPx * (0.17 + 0.08 * random());
    const half = (category + swapped) % 2;
    const x = widthPx * (0.25 + 0.5 * half) + (random() - 0.5) * widthPx * 0.08;
    const y = heightPx * (0.32 + 0.36 * random());
    const corners = category === 0 ? sidesOfDisc : 4;
    const turn = category === 0 ? 0 : Math.PI / 4;
    const outline = Array.from({ length: corners }, (_corner, i): Point => {
      const angle = turn + (i * 2 * Math.PI) / corners;
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    });
    return { category, outline };
  });
}

function isInside([x, y]: Point, outline: readonly Point[]): boolean {
  let inside = false;
  outline.forEach(([x1, y1], i) => {
    const [x2, y2] = outline[(i + 1) % outline.length]!;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}

async function paint({ widthPx, heightPx }: ShapesOptions, objects: readonly Drawn[], random: () => number) {
  const pixels = new Uint8Array(widthPx * heightPx * 3);
  for (let at = 0; at < widthPx * heightPx; at++) {
    const middle: Point = [(at % widthPx) + 0.5, Math.floor(at / widthPx) + 0.5];
    const object = objects.find(({ outline }) => isInside(middle, outline));
    const colour = object === undefined ? ground : colours[object.category]!;
    const noise = 36 * (random() - 0.5);
    pixels.set(
      colour.map((value) => value + noise),
      at * 3,
    );
  }
  return sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 3 } })
    .png()
    .toBuffer();
}

/** folder/train/*.png, folder/test/*.png and folder/annotations/instances_SPLIT.json. */
export async function writeShapes(folder: string, options: ShapesOptions): Promise<void> {
  const random = seededRandom(options.seed);
  await mkdir(join(folder, 'annotations'), { recursive: true });
  for (const split of ['train', 'test'] as const) {
    await mkdir(join(folder, split), { recursive: true });
    const images: object[] = [];
    const annotations: object[] = [];
    for (let index = 0; index < options[split]; index++) {
      const fileName = `${split}-${String(index).padStart(3, '0')}.png`;
      const objects = drawObjects(options, random);
      await writeFile(join(folder, split, fileName), await paint(options, objects, random));
      images.push({ id: index + 1, file_name: fileName, width: options.widthPx, height: options.heightPx });
      for (const { category, outline } of objects) {
        const [xs, ys] = [outline.map(([x]) => x), outline.map(([, y]) => y)];
        const [left, top] = [Math.min(...xs), Math.min(...ys)];
        annotations.push({
          id: annotations.length + 1,
          image_id: index + 1,
          category_id: category + 1,
          bbox: [left, top, Math.max(...xs) - left, Math.max(...ys) - top],
          segmentation: [outline.flat()],
          area: (Math.max(...xs) - left) * (Math.max(...ys) - top),
          iscrowd: 0,
        });
      }
    }
    const categories = classes.map((name, index) => ({ id: index + 1, name }));
    await writeFile(
      join(folder, 'annotations', `instances_${split}.json`),
      JSON.stringify({ images, annotations, categories }),
    );
  }
}
