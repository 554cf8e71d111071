/** Draws a sample data set into a folder, as images and COCO files that any tool can read. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SampleSet } from '../../contract/model/sample.ts';
import { cocoAnnotation } from '../../formats/coco.ts';
import { fileError } from '../file-errors.ts';
import { imageCodec } from '../image-codec.ts';
import { classesOf, drawScene, sceneSize } from './scene.ts';

/** Does not show on drawn shapes, and keeps a file small. */
const jpegQuality = 92;

/**
 * Writes `instances_train.json`, `instances_val.json` and the images into `folder`, which is made. `report` hears of every
 * image and may throw to end it. Throws FoveaError `io`.
 */
export async function writeSample(
  folder: string,
  { world, seed, trainImages, valImages }: SampleSet,
  report: (done: number, total: number) => void,
): Promise<void> {
  const codec = await imageCodec();
  const { widthPx, heightPx } = sceneSize;
  const categories = classesOf(world).map((name, id) => ({ id, name }));
  let drawn = 0;
  try {
    for (const [split, count] of [
      ['train', trainImages],
      ['val', valImages],
    ] as const) {
      await mkdir(join(folder, split), { recursive: true });
      const images: Record<string, unknown>[] = [];
      const annotations: Record<string, unknown>[] = [];
      for (let index = 0; index < count; index++) {
        const { bytes, objects } = drawScene(world, seed, drawn);
        const fileName = `${world}-${String(index + 1).padStart(4, '0')}.jpg`;
        await codec(bytes, { raw: { width: widthPx, height: heightPx, channels: 3 } })
          .jpeg({ quality: jpegQuality, chromaSubsampling: '4:4:4' })
          .toFile(join(folder, split, fileName));
        images.push({ id: index + 1, file_name: `${split}/${fileName}`, width: widthPx, height: heightPx });
        for (const { category, rle } of objects) {
          const ids = { id: annotations.length + 1, imageId: index + 1, categoryId: category };
          const mask = { ...sceneSize, counts: [...rle.counts] };
          const label = { shape: { kind: 'mask', rle: mask } as const, flags: [], attributes: {} };
          annotations.push(cocoAnnotation(label, ids, sceneSize)!);
        }
        report(++drawn, trainImages + valImages);
      }
      const document = JSON.stringify({ images, annotations, categories });
      await writeFile(join(folder, `instances_${split}.json`), document);
    }
  } catch (error) {
    throw fileError(error, 'draw the sample into', folder);
  }
}
