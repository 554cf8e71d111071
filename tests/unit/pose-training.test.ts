/**
 * Poses through the trainer: YOLOv8n-pose, from a detector's checkpoint, learns drawn scenes by heart, with the left and the
 * right side of every object as its points. Images are mirrored, so that it can only learn them if the points change places.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { payloadAt } from '../../src-main/contract/model/run-results.ts';
import { taskMetrics, type MetricName } from '../../src-main/contract/model/run.ts';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import { measureDetections } from '../../src-main/engine/train/measure-detections.ts';
import { readCandidates, readDetectionPredictions } from '../../src-main/engine/train/detection-predictions-file.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { bundledWeights } from '../helpers/detection-run.ts';
import { makePosedScenes, posedConfig } from '../helpers/pose-run.ts';
import { runTraining, valuesOf, type Reported, type SmallData } from '../helpers/training-run.ts';

const augmentation = { ...noAugmentation, flipHorizontal: 0.5 };

describe('YOLOv8n-pose on four scenes', () => {
  let scenes: SmallData;
  let reported: Reported;
  const last = (series: MetricName): number => valuesOf(reported, series).at(-1)!;

  beforeAll(async () => {
    scenes = await makePosedScenes({ world: 'street', train: 4, test: 0, widthPx: 160, heightPx: 128, repeats: 12 });
    reported = await runTraining(scenes.folder, posedConfig({ augmentation }), scenes.data, {
      start: bundledWeights(),
    });
    await writeTrainingData(runFiles.data(scenes.folder), scenes.data);
  }, 300_000);
  afterAll(() => scenes.dispose());

  test('reports every measure of the task, and learns boxes and points', () => {
    for (const series of taskMetrics.pose) expect(last(series), series).toEqual(expect.any(Number));
    expect(last('test/ap50')).toBeGreaterThan(0.8);
    expect(last('test/poseAp50')).toBeGreaterThan(0.8);
    expect(last('test/poseAp')).toBeGreaterThan(0.8);
    expect(last('train/positionLoss')).toBeLessThan(valuesOf(reported, 'train/positionLoss')[0]! * 0.4);
    expect(last('train/visibilityLoss')).toBeLessThan(valuesOf(reported, 'train/visibilityLoss')[0]!);
    for (const split of ['train', 'test'] as const) {
      const boxes = last(`${split}/boxLoss`) + last(`${split}/categoryLoss`) + last(`${split}/distributionLoss`);
      const points = last(`${split}/positionLoss`) + last(`${split}/visibilityLoss`);
      expect(boxes + points).toBeCloseTo(last(`${split}/loss`), 3);
    }
  });

  test('the measures follow from the stored predictions', async () => {
    const request = { scoreThreshold: 0.25, iouThreshold: 0.7 };
    const [file, data] = [runFiles.predictions(scenes.folder), runFiles.data(scenes.folder)];
    const { head, all } = await measureDetections({ ...request, file, data });
    expect(head?.kind).toBe('keypoints');
    expect(head!.all.ap50).toBeCloseTo(last('test/poseAp50'), 6);
    expect(head!.all.ap).toBeCloseTo(last('test/poseAp'), 6);
    expect(all.ap).toBeCloseTo(last('test/ap'), 6);
  });

  test('the points of the surest box are kept, in px of the image, left of its middle and right of it', async () => {
    const file = runFiles.predictions(scenes.folder);
    const { rows, payloads } = await readCandidates(file, await readDetectionPredictions(file), 0, 1);
    const [x1, , x2, , score] = rows;
    expect(score).toBeGreaterThan(0.25);
    const points = new Float32Array(Uint8Array.from(payloadAt(payloads!, 0)).buffer);
    expect(points).toHaveLength(6);
    const middle = (x1! + x2!) / 2;
    expect(points[0]).toBeLessThan(middle);
    expect(points[3]).toBeGreaterThan(middle);
  });
});

test('data without points, and another loss, are refused', async () => {
  const scenes = await makePosedScenes({ world: 'street', train: 1, test: 0, widthPx: 64, heightPx: 64 });
  try {
    const facts = { categoryCount: 4, imageShape: [3, 64, 64], labelCapacity: 9 };
    const { train, ...source } = scenes.data;
    const images = await SplitImages.open(train, scenes.data.packs);
    const { counts, rows } = train.objects!;
    const bare = { ...train, objects: { counts, rows } };
    const task = taskFor({ ...facts, config: posedConfig() });
    await expect(async () => task.openLabels(bare, source, images)).rejects.toThrow('have no points');
    await images.close();
    const { loss: _, ...rest } = posedConfig();
    const loss = { kind: 'cross-entropy', softmaxBeforeLoss: false } as const;
    expect(() => taskFor({ ...facts, config: { ...rest, loss } })).toThrow('is not one of poses. Use: pose.');
  } finally {
    await scenes.dispose();
  }
});
