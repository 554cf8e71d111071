/** Small detection runs for tests: drawn scenes in packs, letterboxed, with their boxes. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SampleWorld } from '../../src-main/contract/model/sample.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { letterbox } from '../../src-main/engine/data/letterbox.ts';
import { resizeInto } from '../../src-main/engine/data/resize.ts';
import type { ImagePack, SplitData } from '../../src-main/engine/data/training-data.ts';
import { detectionGains } from '../../src-main/engine/nn/losses/detection/detection-loss.ts';
import type { StartFile } from '../../src-main/engine/train/start-weights.ts';
import { classesOf, drawScene, sceneSize } from '../../src-main/services/sample/scene.ts';
import { catalogue } from '../../src-main/services/weights/catalogue.ts';
import { cataloguedFile } from '../../src-main/services/weights/start-file.ts';
import { phase, smallConfig } from './run-config.ts';
import { type SmallData } from './training-run.ts';
import { removeFolder } from './remove-folder.ts';

export interface ScenesSize {
  world: SampleWorld;
  train: number;
  /** Nothing else is measured where this is 0: the images that are trained on are. */
  test: number;
  widthPx: number;
  heightPx: number;
  /** How often each training image is part of an epoch. */
  repeats?: number;
}

export async function makeScenes(size: ScenesSize): Promise<SmallData> {
  const { world, train, test, widthPx, heightPx, repeats = 1 } = size;
  const folder = await mkdtemp(join(tmpdir(), 'fovea-detection-'));
  const network = { widthPx, heightPx };
  const makeSplit = async (
    name: string,
    pack: number,
    first: number,
    count: number,
  ): Promise<[ImagePack, SplitData]> => {
    const scenes = Array.from({ length: count }, (_, i) => drawScene(world, 5, first + i));
    const file = join(folder, `${name}.u8`);
    const placement = letterbox(sceneSize, network);
    await writeFile(file, Buffer.concat(scenes.map(({ bytes }) => resizeInto(bytes, 3, placement))));
    const objects = scenes.flatMap((scene) => scene.objects);
    const rows = objects.flatMap(({ category, bboxXyxy: [x1, y1, x2, y2] }) => {
      return [category, x1, y1, x2, y2, (x2 - x1) * (y2 - y1), 0];
    });
    const split: SplitData = {
      imageIds: scenes.map((_, i) => first + i + 1),
      packs: scenes.map(() => pack),
      rows: scenes.map((_, i) => i),
      labels: [],
      sizesPx: scenes.flatMap(() => [sceneSize.widthPx, sceneSize.heightPx]),
      objects: { counts: scenes.map((scene) => scene.objects.length), rows },
    };
    return [{ file, count, channels: 3, ...network }, split];
  };
  const [trainPack, trainSplit] = await makeSplit('train', 0, 0, train);
  const [testPack, testSplit] = test === 0 ? [trainPack, trainSplit] : await makeSplit('test', 1, train, test);
  return {
    folder,
    data: {
      categories: classesOf(world),
      fit: 'letterbox',
      packs: [trainPack, testPack],
      train: repeated(trainSplit, repeats),
      evaluation: testSplit,
    },
    dispose: () => removeFolder(folder),
  };
}

function repeated({ imageIds, packs, rows, labels, sizesPx, objects }: SplitData, times: number): SplitData {
  const again = <T>(list: readonly T[]): T[] => Array.from({ length: times }, () => list).flat();
  return {
    imageIds: again(imageIds),
    packs: again(packs),
    rows: again(rows),
    labels,
    sizesPx: again(sizesPx!),
    objects: { counts: again(objects!.counts), rows: again(objects!.rows) },
  };
}

/** YOLOv8n, a few epochs. */
export const scenesConfig = (changes: Partial<RunConfig> = {}): RunConfig =>
  smallConfig({
    task: 'detection',
    model: { id: 'yolov8', options: { size: 'n' } },
    loss: { kind: 'detection', ...detectionGains },
    batchSize: 4,
    phases: [
      phase({
        epochs: 4,
        learningRate: 0.001,
        optimiser: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 5e-4 },
        schedule: { kind: 'linear', finalFactor: 0.01 },
        warmup: { epochs: 1, startFactor: 0.1 },
        clipNorm: 10,
      }),
    ],
    ...changes,
  });

/** The checkpoint that comes with the app, as a run starts from it. */
export function bundledWeights(): StartFile {
  const entry = catalogue({}).find(({ bundled }) => bundled)!;
  const known = { padding: entry.padding, scaling: entry.scaling };
  return { label: entry.label, path: cataloguedFile('', entry), sha256: entry.sha256Prefix, known };
}
