/**
 * Instance segmentation through the trainer: YOLOv8n-seg, from a detector's checkpoint, learns drawn scenes by heart with the
 * mask of every object. Images are mirrored, so that it can only learn them if the masks are too.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cellMaskArea, decodeCellMask } from '../../src-main/contract/geometry/cell-mask.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { payloadAt } from '../../src-main/contract/model/run-results.ts';
import { taskMetrics, type MetricName } from '../../src-main/contract/model/run.ts';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import { readCandidates, readDetectionPredictions } from '../../src-main/engine/train/detection-predictions-file.ts';
import { measureDetections } from '../../src-main/engine/train/measure-detections.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { drawScene } from '../../src-main/services/sample/scene.ts';
import { rleArea } from '../../src-main/contract/geometry/rle.ts';
import { bundledWeights } from '../helpers/detection-run.ts';
import { instancesConfig, makeInstanceScenes } from '../helpers/instance-run.ts';
import { runTraining, valuesOf, type Reported, type SmallData } from '../helpers/training-run.ts';

const augmentation = { ...noAugmentation, flipHorizontal: 0.5 };

describe('YOLOv8n-seg on four scenes', () => {
  let scenes: SmallData;
  let reported: Reported;
  const last = (series: MetricName): number => valuesOf(reported, series).at(-1)!;

  beforeAll(async () => {
    const size = { world: 'street', train: 4, test: 0, widthPx: 160, heightPx: 128, repeats: 12 } as const;
    scenes = await makeInstanceScenes(size);
    const config = instancesConfig({ augmentation });
    reported = await runTraining(scenes.folder, config, scenes.data, { start: bundledWeights() });
    await writeTrainingData(runFiles.data(scenes.folder), scenes.data);
  }, 300_000);
  afterAll(() => scenes.dispose());

  test('reports every measure of the task, and learns boxes and masks', () => {
    for (const series of taskMetrics['instance-segmentation']) expect(last(series), series).toEqual(expect.any(Number));
    expect(last('test/ap50')).toBeGreaterThan(0.8);
    expect(last('test/maskAp50')).toBeGreaterThan(0.6);
    expect(last('train/maskLoss')).toBeLessThan(valuesOf(reported, 'train/maskLoss')[0]! * 0.7);
    for (const split of ['train', 'test'] as const) {
      const boxes = last(`${split}/boxLoss`) + last(`${split}/categoryLoss`) + last(`${split}/distributionLoss`);
      expect(boxes + last(`${split}/maskLoss`)).toBeCloseTo(last(`${split}/loss`), 3);
    }
  });

  test('the measures follow from the stored predictions', async () => {
    const request = { scoreThreshold: 0.25, iouThreshold: 0.7 };
    const [file, data] = [runFiles.predictions(scenes.folder), runFiles.data(scenes.folder)];
    const { head, all } = await measureDetections({ ...request, file, data });
    expect(head?.kind).toBe('masks');
    expect(head!.all.ap50).toBeCloseTo(last('test/maskAp50'), 6);
    expect(head!.all.ap).toBeCloseTo(last('test/maskAp'), 6);
    expect(all.ap).toBeCloseTo(last('test/ap'), 6);
  });

  test('masks are kept with their boxes: the truth is as large as it was drawn, and what is said lies in its box', async () => {
    const file = runFiles.predictions(scenes.folder);
    const predictions = await readDetectionPredictions(file);
    const drawn = drawScene('street', 5, 0).objects;
    drawn.forEach(({ rle }, object) => {
      const area = cellMaskArea(decodeCellMask(payloadAt(predictions.head!.objects, object)));
      // A cell is 8 px of the image on each side.
      expect(Math.abs(area - rleArea(rle))).toBeLessThan(0.25 * rleArea(rle) + 8 ** 2 * 4);
    });
    const { rows, payloads } = await readCandidates(file, predictions, 0, 1);
    const { bboxXyxy } = decodeCellMask(payloadAt(payloads!, 0));
    for (const side of [0, 1, 2, 3]) expect(Math.abs(bboxXyxy[side]! - rows[side]!)).toBeLessThanOrEqual(8);
  });
});

test('data without maps are refused', async () => {
  const scenes = await makeInstanceScenes({ world: 'street', train: 1, test: 0, widthPx: 64, heightPx: 64 });
  try {
    const { train, ...source } = scenes.data;
    const task = taskFor({ config: instancesConfig(), categoryCount: 4, imageShape: [3, 64, 64], labelCapacity: 9 });
    const images = await SplitImages.open(train, scenes.data.packs);
    const { masks: _, ...bare } = train;
    await expect(task.openLabels(bare, source, images)).rejects.toThrow('have no masks of their objects');
    await images.close();
  } finally {
    await scenes.dispose();
  }
});
