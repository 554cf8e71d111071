/** A data set in the shape of COCO: many small images (one file under many names), boxes of eighty classes. */
import { createWriteStream } from 'node:fs';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { seededRandom } from './generated-data.ts';
import { photo } from './generated-images.ts';

/** A file system allows so many names of one file. */
const NAMES_OF_A_FILE = 20_000;

/** Writes `images` JPEGs of 640 × 480 px and annotations/instances_train.json with `boxes` boxes. */
export async function writeCocoShape(
  folder: string,
  { images, boxes, seed = 1 }: { images: number; boxes: number; seed?: number },
): Promise<void> {
  const random = seededRandom(seed);
  await mkdir(join(folder, 'train'), { recursive: true });
  await mkdir(join(folder, 'annotations'), { recursive: true });
  const picture = await photo({ widthPx: 640, heightPx: 480 });
  let first = '';
  for (let index = 0; index < images; index++) {
    const file = join(folder, 'train', nameOf(index));
    if (index % NAMES_OF_A_FILE === 0) await writeFile((first = file), picture);
    else await link(first, file);
  }
  const json = createWriteStream(join(folder, 'annotations', 'instances_train.json'));
  const write = async (text: string): Promise<void> => {
    if (!json.write(text)) await once(json, 'drain');
  };
  await write('{"info": {"description": "generated"}, "images": [');
  for (let index = 0; index < images; index++) {
    const image = { license: 3, file_name: nameOf(index), height: 480, width: 640, id: index + 1 };
    await write(`${index === 0 ? '' : ', '}${JSON.stringify(image)}`);
  }
  await write('], "annotations": [');
  for (let index = 0; index < boxes; index++) {
    const [x, y] = [Math.round(random() * 50_000) / 100, Math.round(random() * 40_000) / 100];
    const [w, h] = [1 + Math.round(random() * 13_000) / 100, 1 + Math.round(random() * 7_000) / 100];
    const image_id = 1 + Math.floor(random() * images);
    // A few classes have most of the boxes, as in COCO.
    const category_id = 1 + Math.floor(random() ** 3 * 80);
    const label = {
      segmentation: [],
      area: w * h,
      iscrowd: 0,
      image_id,
      bbox: [x, y, w, h],
      category_id,
      id: index + 1,
    };
    await write(`${index === 0 ? '' : ', '}${JSON.stringify(label)}`);
  }
  const categories = Array.from({ length: 80 }, (_, index) => ({ id: index + 1, name: `class ${index + 1}` }));
  await write(`], "categories": ${JSON.stringify(categories)}}`);
  json.end();
  await once(json, 'finish');
}

function nameOf(index: number): string {
  return `${String(index).padStart(12, '0')}.jpg`;
}
