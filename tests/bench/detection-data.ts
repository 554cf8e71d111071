/** Photographs of COCO128 and BCCD with their boxes as training data: letterboxed packs in a folder of the caller's. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { bboxArea } from '../../src-main/contract/geometry/box.ts';
import { letterbox, type SizePx } from '../../src-main/engine/data/letterbox.ts';
import { resizeInto } from '../../src-main/engine/data/resize.ts';
import type { ImagePack, SplitData } from '../../src-main/engine/data/training-data.ts';
import { countsFromZero, parseVoc, placeVocObjects } from '../../src-main/formats/voc.ts';

export interface PackedSplit {
  pack: ImagePack;
  /** Its images are in pack 0. */
  split: SplitData;
}

interface Photograph {
  file: string;
  /** px */
  objects: readonly { category: number; bboxXyxy: readonly [number, number, number, number] }[];
}

/** Letterboxed, in their order, into `target`. `objectsOf` is asked with each image's size. */
async function pack(
  photographs: readonly { file: string; objectsOf(size: SizePx): Photograph['objects'] }[],
  side: number,
  target: string,
): Promise<PackedSplit> {
  const planes: Uint8Array[] = [];
  const [sizesPx, counts, rows]: [number[], number[], number[]] = [[], [], []];
  for (const { file, objectsOf } of photographs) {
    const image = sharp(file).removeAlpha().toColourspace('srgb').raw();
    const { data: bytes, info } = await image.toBuffer({ resolveWithObject: true });
    const size = { widthPx: info.width, heightPx: info.height };
    planes.push(resizeInto(bytes, 3, letterbox(size, { widthPx: side, heightPx: side })));
    const objects = objectsOf(size);
    sizesPx.push(size.widthPx, size.heightPx);
    counts.push(objects.length);
    for (const { category, bboxXyxy } of objects) rows.push(category, ...bboxXyxy, bboxArea(bboxXyxy), 0);
  }
  await writeFile(target, Buffer.concat(planes));
  const places = photographs.map((_, index) => index);
  return {
    pack: { file: target, count: places.length, channels: 3, heightPx: side, widthPx: side },
    split: {
      imageIds: places.map((place) => place + 1),
      packs: places.map(() => 0),
      rows: places,
      labels: [],
      sizesPx,
      objects: { counts, rows },
    },
  };
}

/** root: of coco128; the first `count` images of the split that have labels, all of them where absent. */
export async function packCoco128(
  root: string,
  split: 'train2017' | 'val2017',
  side: number,
  folder: string,
  count = Infinity,
): Promise<PackedSplit> {
  const labelOf = (name: string): string =>
    join(root, 'object_detection', 'labels', split, name.replace(/\.jpg$/, '.txt'));
  const names = readdirSync(join(root, 'images', split))
    .filter((name) => existsSync(labelOf(name)))
    .slice(0, count);
  const photographs = names.map((name) => ({
    file: join(root, 'images', split, name),
    objectsOf: ({ widthPx, heightPx }: SizePx): Photograph['objects'] =>
      // A line of a YOLO file: class, middle and size as shares of the image.
      readFileSync(labelOf(name), 'utf8')
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => {
          const [category, x, y, width, height] = line.trim().split(/\s+/).map(Number) as [
            number,
            number,
            number,
            number,
            number,
          ];
          const [x1, y1, x2, y2] = [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
          return { category, bboxXyxy: [x1 * widthPx, y1 * heightPx, x2 * widthPx, y2 * heightPx] };
        }),
  }));
  return pack(photographs, side, join(folder, `${split}-${side}.u8`));
}

export const bccdClasses = ['RBC', 'WBC', 'Platelets'];

/** root: of bccd; by the data set's own lists. */
export async function packBccd(
  root: string,
  list: 'trainval' | 'test',
  side: number,
  folder: string,
  count = Infinity,
): Promise<PackedSplit> {
  const names = readFileSync(join(root, 'BCCD', 'ImageSets', 'Main', `${list}.txt`), 'utf8')
    .trim()
    .split(/\s+/)
    .slice(0, count);
  const photographs = names.map((name) => ({
    file: join(root, 'BCCD', 'JPEGImages', `${name}.jpg`),
    objectsOf: (): Photograph['objects'] => {
      const file = `${name}.xml`;
      const parsed = parseVoc(file, readFileSync(join(root, 'BCCD', 'Annotations', file), 'utf8'))!;
      const origin = countsFromZero(parsed) ? 0 : 1;
      const { labels } = placeVocObjects(parsed.objects, (known) => bccdClasses.indexOf(known), origin);
      return labels.flatMap(({ category, shape }) =>
        shape.kind === 'bbox' ? [{ category, bboxXyxy: shape.bboxXyxy }] : [],
      );
    },
  }));
  return pack(photographs, side, join(folder, `bccd-${list}-${side}.u8`));
}

/** Each image so many times in an epoch. */
export function repeat({ imageIds, packs, rows, labels, sizesPx, objects }: SplitData, times: number): SplitData {
  const again = (list: readonly number[]): number[] => Array.from({ length: times }, () => list).flat();
  return {
    imageIds: again(imageIds),
    packs: again(packs),
    rows: again(rows),
    labels,
    sizesPx: again(sizesPx!),
    objects: { counts: again(objects!.counts), rows: again(objects!.rows) },
  };
}
