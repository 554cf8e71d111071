/**
 * Detection through the trainer: YOLOv8n, from the checkpoint that comes along, learns drawn scenes of other classes by heart,
 * and what it leaves behind can be read again. (From random weights it takes minutes: `npm run bench -- detection`.)
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { taskMetrics, type MetricName } from '../../src-main/contract/model/run.ts';
import { cocoMeasures } from '../../src-main/engine/metrics/average-precision.ts';
import { DetectionTable, groundTruthTable, validationSettings } from '../../src-main/engine/metrics/detection-table.ts';
import { objectColumns } from '../../src-main/engine/data/training-data.ts';
import {
  candidateColumns,
  readCandidates,
  readDetectionPredictions,
} from '../../src-main/engine/train/detection-predictions-file.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { sceneSize } from '../../src-main/services/sample/scene.ts';
import { bundledWeights, makeScenes, scenesConfig } from '../helpers/detection-run.ts';
import { runTraining, valuesOf, type Reported, type SmallData } from '../helpers/training-run.ts';

describe('YOLOv8n on four scenes', () => {
  let scenes: SmallData;
  let reported: Reported;
  const last = (series: MetricName): number => valuesOf(reported, series).at(-1)!;

  beforeAll(async () => {
    scenes = await makeScenes({ world: 'street', train: 4, test: 0, widthPx: 160, heightPx: 128, repeats: 12 });
    reported = await runTraining(scenes.folder, scenesConfig(), scenes.data, { start: bundledWeights() });
  }, 300_000);
  afterAll(() => scenes.dispose());

  test('reports every measure of the task, and learns', () => {
    for (const series of taskMetrics.detection) expect(last(series), series).toEqual(expect.any(Number));
    expect(last('test/ap50')).toBeGreaterThan(0.85);
    expect(last('test/ap')).toBeGreaterThan(0.6);
    expect(last('test/ap')).toBeLessThan(last('test/ap50'));
    expect(last('train/loss')).toBeLessThan(valuesOf(reported, 'train/loss')[0]! * 0.7);
    for (const split of ['train', 'test'] as const) {
      const parts = last(`${split}/boxLoss`) + last(`${split}/categoryLoss`) + last(`${split}/distributionLoss`);
      expect(parts).toBeCloseTo(last(`${split}/loss`), 3);
    }
  });

  test('the measures follow from the stored predictions', async () => {
    const file = runFiles.predictions(scenes.folder);
    const predictions = await readDetectionPredictions(file);
    const { firstObject, firstCandidate, objects, imageIds } = predictions;
    expect(Array.from(imageIds)).toEqual([1, 2, 3, 4]);
    const table = new DetectionTable();
    const width = candidateColumns.length;
    for (let image = 0; image < 4; image++) {
      const { rows } = await readCandidates(file, predictions, image, 1);
      expect(rows.length).toBe(width * (firstCandidate[image + 1]! - firstCandidate[image]!));
      const column = (name: (typeof candidateColumns)[number]): number[] =>
        Array.from({ length: rows.length / width }, (_, row) => rows[row * width + candidateColumns.indexOf(name)]!);
      const sides = (['x1', 'y1', 'x2', 'y2'] as const).map(column);
      const candidates = {
        bboxXyxy: Float32Array.from({ length: 4 * sides[0]!.length }, (_, i) => sides[i % 4]![i >> 2]!),
        scores: Float32Array.from(column('score')),
        categories: Int32Array.from(column('category')),
      };
      table.add(image, candidates, validationSettings, sceneSize);
    }
    const counts = Array.from({ length: 4 }, (_, image) => firstObject[image + 1]! - firstObject[image]!);
    expect(objects.length).toBe(objectColumns.length * firstObject[4]!);
    const measured = cocoMeasures(groundTruthTable(counts, objects), table.detections(), 4).all;
    expect(measured.ap50).toBeCloseTo(last('test/ap50'), 6);
    expect(measured.ap).toBeCloseTo(last('test/ap'), 6);
  });
});
