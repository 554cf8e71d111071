/** Images with their masks as training data: the drone's aerial images in five classes, and membranes of cells. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { place, type SizePx } from '../../src-main/engine/data/letterbox.ts';
import { resizeInto } from '../../src-main/engine/data/resize.ts';
import type { SplitData, TrainingData } from '../../src-main/engine/data/training-data.ts';

interface LabelledImage {
  image: string;
  mask: string;
}

/** Share of the images, in the order of their names, that is trained on. */
const trainShare = 0.8;

/** root: of drone. */
export function packDrone(root: string, side: number, folder: string): Promise<TrainingData> {
  const { classes5 } = JSON.parse(readFileSync(join(root, 'classes.json'), 'utf8')) as { classes5: string[] };
  return pack({
    name: 'drone',
    labelled: pairs(join(root, 'images'), join(root, 'masks5')),
    categories: classes5,
    categoryOf: (value) => value,
    side,
    folder,
  });
}

/** root: of membrane. Its masks are white within cells; what is learned is the membranes between them. */
export function packMembrane(root: string, side: number, folder: string): Promise<TrainingData> {
  const train = join(root, 'data', 'membrane', 'train');
  return pack({
    name: 'membrane',
    labelled: pairs(join(train, 'image'), join(train, 'label')),
    categories: ['cell', 'membrane'],
    categoryOf: (value) => Number(value < 128),
    side,
    folder,
  });
}

function pairs(images: string, masks: string): LabelledImage[] {
  const names = readdirSync(images).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return names.map((name) => ({ image: join(images, name), mask: join(masks, name) }));
}

interface Packing {
  name: string;
  labelled: readonly LabelledImage[];
  categories: string[];
  categoryOf(value: number): number;
  side: number;
  folder: string;
}

/** Pack 0 has the images and pack 1 their masks, both [N, C, side, side]. */
async function pack({ name, labelled, categories, categoryOf, side, folder }: Packing): Promise<TrainingData> {
  const [images, masks]: [Uint8Array[], Uint8Array[]] = [[], []];
  const network = { widthPx: side, heightPx: side };
  for (const files of labelled) {
    const image = await decode(files.image, 'srgb');
    images.push(resizeInto(image.bytes, 3, place(image.size, network, 'stretch')));
    const mask = await decode(files.mask, 'b-w');
    masks.push(nearest(mask.bytes, mask.size, network).map(categoryOf));
  }
  const files = { images: join(folder, `${name}-${side}.u8`), masks: join(folder, `${name}-${side}-masks.u8`) };
  await writeFile(files.images, Buffer.concat(images));
  await writeFile(files.masks, Buffer.concat(masks));
  const shared = { count: labelled.length, heightPx: side, widthPx: side };
  const trained = Math.round(trainShare * labelled.length);
  const places = labelled.map((_, index) => index);
  return {
    categories,
    packs: [
      { file: files.images, channels: 3, ...shared },
      { file: files.masks, channels: 1, ...shared },
    ],
    train: splitOf(places.slice(0, trained)),
    evaluation: splitOf(places.slice(trained)),
  };
}

const splitOf = (rows: number[]): SplitData => ({
  imageIds: rows.map((row) => row + 1),
  packs: rows.map(() => 0),
  rows,
  labels: [],
  masks: { packs: rows.map(() => 1), rows },
});

async function decode(file: string, space: 'srgb' | 'b-w'): Promise<{ bytes: Uint8Array; size: SizePx }> {
  const image = sharp(file).removeAlpha().toColourspace(space).raw();
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  return { bytes: data, size: { widthPx: info.width, heightPx: info.height } };
}

/** Of each px, the value at the point under its middle. */
function nearest(bytes: Uint8Array, size: SizePx, network: SizePx): Uint8Array {
  return Uint8Array.from({ length: network.widthPx * network.heightPx }, (_, i) => {
    const x = Math.floor((((i % network.widthPx) + 0.5) * size.widthPx) / network.widthPx);
    const y = Math.floor(((Math.floor(i / network.widthPx) + 0.5) * size.heightPx) / network.heightPx);
    return bytes[y * size.widthPx + x]!;
  });
}
