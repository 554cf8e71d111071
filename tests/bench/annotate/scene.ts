/** The data set that the editor is measured on: a photograph with 10,000 outlines, one with 200 masks, and plain ones. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { compressRle, rleFromColumns } from '../../../src-main/contract/geometry/rle.ts';
import { writeFiles } from '../../helpers/generated-images.ts';
import { seededRandom } from '../../helpers/generated-data.ts';

export const widthPx = 4000;
export const heightPx = 3000;
export const polygonCount = 10_000;
const pointsEach = 20;
export const maskCount = 200;
/** In the order in which the app lists them. */
export const imageNames = ['1-masks.jpg', '2-plain.jpg', '3-plain.jpg', '4-plain.jpg', '5-outlines.jpg'] as const;

const categoryCount = 8;

/** Writes a COCO data set into a new folder. */
export async function writeScene(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-annotate-'));
  const images = imageNames.map((file_name, index) => ({ id: index + 1, file_name, width: widthPx, height: heightPx }));
  const annotations = [...masks(1), ...polygons(5)].map((annotation, index) => ({ id: index + 1, ...annotation }));
  const categories = Array.from({ length: categoryCount }, (_, index) => ({
    id: index + 1,
    name: `class ${index + 1}`,
  }));
  const files: Record<string, string | Uint8Array> = {
    'annotations.json': JSON.stringify({ images, annotations, categories }),
  };
  for (const [index, name] of imageNames.entries()) files[`images/${name}`] = await photograph(index + 1);
  await writeFiles(folder, files);
  return folder;
}

/** Smooth noise, which a JPEG holds as it holds a photograph. */
async function photograph(seed: number): Promise<Buffer> {
  const random = seededRandom(seed);
  const [columns, rows] = [200, 150];
  const small = Buffer.from(Uint8Array.from({ length: columns * rows * 3 }, () => 40 + random() * 170));
  return sharp(small, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(widthPx, heightPx, { kernel: 'cubic' })
    .jpeg({ quality: 88 })
    .toBuffer();
}

export function ringsOfScene(): number[][] {
  const random = seededRandom(11);
  return Array.from({ length: polygonCount }, () => {
    const radius = 12 + random() * 26;
    const [cx, cy] = [40 + random() * (widthPx - 80), 40 + random() * (heightPx - 80)];
    return Array.from({ length: pointsEach }, (_, point) => {
      const angle = (2 * Math.PI * point) / pointsEach;
      const reach = radius * (0.7 + 0.3 * random());
      return [cx + reach * Math.cos(angle), cy + reach * Math.sin(angle)];
    }).flat();
  });
}

function polygons(image_id: number) {
  return ringsOfScene().map((ring, index) => ({
    image_id,
    category_id: 1 + (index % categoryCount),
    iscrowd: 0,
    segmentation: [ring.map((value) => Math.round(value * 100) / 100)],
    ...boxOf(ring),
  }));
}

function boxOf(ring: readonly number[]) {
  const xs = ring.filter((_, place) => place % 2 === 0);
  const ys = ring.filter((_, place) => place % 2 === 1);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  const bbox = [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
  return { bbox, area: (bbox[2] ?? 0) * (bbox[3] ?? 0) };
}

function masks(image_id: number) {
  const random = seededRandom(12);
  return Array.from({ length: maskCount }, (_, index) => {
    const radius = 60 + random() * 260;
    const [cx, cy] = [random() * widthPx, random() * heightPx];
    const rle = rleFromColumns({ widthPx, heightPx }, (x) => {
      const dx = x - cx;
      if (Math.abs(dx) >= radius) return [];
      // A disc with a wavy rim.
      const reach = Math.sqrt(radius ** 2 - dx ** 2) * (0.85 + 0.15 * Math.sin(x / 17));
      const first = Math.max(0, Math.floor(cy - reach));
      const end = Math.min(heightPx, Math.ceil(cy + reach));
      return first < end ? [[first, end]] : [];
    });
    return {
      image_id,
      category_id: 1 + (index % categoryCount),
      iscrowd: 0,
      segmentation: { size: [heightPx, widthPx], counts: compressRle(rle.counts) },
      bbox: [Math.max(0, cx - radius), Math.max(0, cy - radius), 2 * radius, 2 * radius],
      area: Math.PI * radius ** 2,
    };
  });
}
