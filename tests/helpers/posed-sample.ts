/** The sample's drawn scenes as a folder whose objects have named points instead of masks: the middles of their left and right side. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SampleSet } from '../../src-main/contract/model/sample.ts';
import { writeSample } from '../../src-main/services/sample/write-sample.ts';

interface Document {
  annotations: { bbox: [number, number, number, number] }[];
  categories: object[];
}

/** COCO, as `writeSample` leaves it but for the labels. */
export async function writePosedSample(folder: string, set: SampleSet): Promise<void> {
  await writeSample(folder, set, () => undefined);
  for (const split of ['train', 'val']) {
    const file = join(folder, `instances_${split}.json`);
    const { annotations, categories, ...rest } = JSON.parse(await readFile(file, 'utf8')) as Document;
    const posed = annotations.map((annotation) => {
      const [x, y, width, height] = annotation.bbox;
      const middle = y + height / 2;
      const keypoints = [x, middle, 2, x + width, middle, 2];
      return { ...annotation, segmentation: undefined, keypoints, num_keypoints: 2 };
    });
    const named = categories.map((category) => ({
      ...category,
      keypoints: ['left_side', 'right_side'],
      skeleton: [[1, 2]],
    }));
    await writeFile(file, JSON.stringify({ ...rest, annotations: posed, categories: named }));
  }
}
