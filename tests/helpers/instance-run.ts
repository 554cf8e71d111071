/** Small runs of instance segmentation for tests: drawn scenes with a map that says which object each pixel shows. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { drawMask } from '../../src-main/engine/data/draw-mask.ts';
import { letterbox } from '../../src-main/engine/data/letterbox.ts';
import { noObject, type ImagePack, type SplitData } from '../../src-main/engine/data/training-data.ts';
import { drawScene, sceneSize } from '../../src-main/services/sample/scene.ts';
import { makeScenes, scenesConfig, type ScenesSize } from './detection-run.ts';
import type { SmallData } from './training-run.ts';

export async function makeInstanceScenes(size: ScenesSize): Promise<SmallData> {
  const scenes = await makeScenes(size);
  const { folder, data } = scenes;
  const packs: ImagePack[] = [...data.packs];
  const withMaps = async (name: string, split: SplitData): Promise<SplitData> => {
    const ids = [...new Set(split.imageIds)];
    const placement = letterbox(sceneSize, size);
    const maps = ids.map((id) => {
      // As `makeScenes` numbers them.
      const { objects } = drawScene(size.world, 5, id - 1);
      const shapes = objects.map(({ rle }, object) => ({
        shape: { kind: 'mask' as const, rle: { ...rle, counts: [...rle.counts] } },
        value: object + 1,
      }));
      return drawMask(shapes, placement, noObject);
    });
    const file = join(folder, `${name}-objects.u8`);
    await writeFile(file, Buffer.concat(maps));
    const { widthPx, heightPx } = size;
    const pack = packs.push({ file, count: ids.length, channels: 1, widthPx, heightPx }) - 1;
    const masks = { packs: split.imageIds.map(() => pack), rows: split.imageIds.map((id) => ids.indexOf(id)) };
    return { ...split, masks };
  };
  const train = await withMaps('train', data.train);
  const evaluation = await withMaps('test', data.evaluation);
  return { ...scenes, data: { ...data, packs, train, evaluation } };
}

/** YOLOv8n-seg, a few epochs. */
export const instancesConfig = (changes: Partial<RunConfig> = {}): RunConfig =>
  scenesConfig({
    task: 'instance-segmentation',
    model: { id: 'yolov8-seg', options: { size: 'n' } },
    ...changes,
  });
