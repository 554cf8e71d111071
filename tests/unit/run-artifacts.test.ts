/** A run as a folder that people know from other tools: names, columns, weights, and a name that is counted up. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import sharp from 'sharp';
import { parse } from 'yaml';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import type { Series, SeriesName } from '../../src-main/contract/model/run.ts';
import { confusionOf } from '../../src-main/contract/model/segmentation-measures.ts';
import { measureDetections } from '../../src-main/engine/train/measure-detections.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { writeTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import { artifactSeries, resultsCsv } from '../../src-main/services/runs/artifacts/results-csv.ts';
import { trainingArgs } from '../../src-main/services/runs/artifacts/training-args.ts';
import { writeArtifacts } from '../../src-main/services/runs/artifacts/write-artifacts.ts';
import { WorkerPool } from '../../src-main/services/workers/worker-pool.ts';
import { makeScenes, scenesConfig } from '../helpers/detection-run.ts';
import { writeFreshRun } from '../helpers/fresh-run.ts';
import { phase, smallConfig } from '../helpers/run-config.ts';
import { makeSmallData, runTraining, valuesOf } from '../helpers/training-run.ts';
import { launchWorker } from '../helpers/worker-process.ts';

const seriesOf = (series: SeriesName, values: number[]): Series => ({
  series,
  steps: Float64Array.from(values, (_, i) => 10 * (i + 1)),
  epochs: Float64Array.from(values, (_, i) => i + 1),
  values: Float64Array.from(values),
  times: Float64Array.from(values, (_, i) => 1500 * (i + 1)),
});

test('arguments stand under the names of the field', () => {
  const config = scenesConfig({ batchSize: 16, accumulation: 4 });
  const args = parse(trainingArgs(config, 'Street scenes', 'YOLOv8n')) as Record<string, unknown>;
  expect(args).toMatchObject({
    ...{ task: 'detect', mode: 'train', model: 'yolov8n', data: 'Street scenes', pretrained: 'YOLOv8n' },
    ...{
      epochs: 4,
      batch: 16,
      nbs: 64,
      optimizer: 'AdamW',
      lr0: 0.001,
      lrf: 0.01,
      momentum: 0.9,
      weight_decay: 0.0005,
    },
    ...{ warmup_epochs: 1, box: 7.5, cls: 0.5, dfl: 1.5, fliplr: 0, mosaic: 0, close_mosaic: 0, imgsz: null },
  });
  const phases = [phase(), phase()];
  const text = trainingArgs(smallConfig({ phases }), 'a: "b"', null);
  expect(text).toContain('# The first of 2 phases');
  expect(parse(text)).toMatchObject({ task: 'classify', data: 'a: "b"', pretrained: false, optimizer: 'Adam' });
});

test('results have the usual columns, one row an epoch, empty where nothing was measured', () => {
  const names = artifactSeries('detection').slice(0, 11);
  const series = names.map((name, i) => seriesOf(name, name === 'test/precision' ? [0.5] : [i, i + 0.25]));
  expect(resultsCsv('detection', series).split('\n')).toEqual([
    'epoch,time,train/box_loss,train/cls_loss,train/dfl_loss,metrics/precision(B),metrics/recall(B),metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,val/dfl_loss,lr/pg0',
    '1,1.500,0,1,2,0.5,4,5,6,7,8,9,10',
    '2,3.000,0.25,1.25,2.25,,4.25,5.25,6.25,7.25,8.25,9.25,10.25',
    '',
  ]);
});

let parent: string;
const workers = new WorkerPool(launchWorker);
const launchTask = () => nodePorts().launchTask();
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'fovea-artifacts-'));
});
afterAll(async () => {
  await workers.close();
  await rm(parent, { recursive: true, force: true });
});

const wrote = (folder: string): string[] => readdirSync(folder).toSorted();
const batchPictures = ['train_batch0.jpg', 'train_batch1.jpg', 'train_batch2.jpg', 'val_batch0_labels.jpg'];

test('a folder is written under a name that is counted up', { timeout: 120_000 }, async () => {
  const run = await makeSmallData({ train: 40, test: 2, channels: 3, side: 32 });
  try {
    await writeFreshRun(smallConfig(), run);
    copyFileSync(runFiles.checkpoint(run.folder, 'best'), runFiles.checkpoint(run.folder, 'last'));
    const of = {
      ...{ name: 'first try!', folder: run.folder, config: smallConfig(), datasetName: 'Tiny', startsFrom: null },
      ...{ series: [seriesOf('train/loss', [2, 1])], confusion: null, detection: null },
    };
    const write = () => writeArtifacts({ launchTask, workers }, of, parent);
    const { folder, leftOut } = await write();
    expect(folder).toBe(join(parent, 'classify', 'first-try-'));
    const always = ['args.yaml', 'labels.jpg', 'results.csv', 'results.png', 'weights'];
    expect(wrote(folder)).toEqual([...always, ...batchPictures].toSorted());
    // The network was measured by nothing yet.
    expect(leftOut).toEqual([expect.stringMatching(/predictions/)]);
    expect(readFileSync(join(folder, 'results.csv'), 'utf8')).toContain('\n1,1.500,2,,,,\n');
    const weights = await readSafetensors(join(folder, 'weights', 'best.safetensors'));
    expect([...weights.tensors.keys()]).toContain('conv1.weight');
    await rm(join(run.folder, 'train-0.u8'));
    const second = await write();
    expect(second.folder).toBe(`${folder}2`);
    expect(wrote(second.folder)).toEqual(always.toSorted());
    expect(second.leftOut).toEqual([expect.stringContaining('train-0.u8')]);
  } finally {
    await run.dispose();
  }
});

/** How many pixels differ clearly from white. */
async function inkOf(file: string): Promise<{ width: number; height: number; share: number }> {
  const { data, info } = await sharp(file).greyscale().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, share: data.filter((level) => level < 200).length / data.length };
}

test('a detection brings its curves, its confusion and its batches along', { timeout: 240_000 }, async () => {
  const scenes = { world: 'street', train: 20, test: 5, widthPx: 96, heightPx: 64 } as const;
  const run = await makeScenes(scenes);
  try {
    const config = scenesConfig({ phases: [phase({ epochs: 1 })], augmentation: { ...noAugmentation, mosaic: 1 } });
    const { points } = await runTraining(run.folder, config, run.data);
    await writeTrainingData(runFiles.data(run.folder), run.data);
    await writeFile(runFiles.config(run.folder), JSON.stringify(config));
    const names = [...new Set(points.map(({ series }) => series))];
    const series = names.map((name) => seriesOf(name, valuesOf({ points }, name)));
    const classes = [...run.data.categories, 'background'].map((name) => ({ name, categoryId: null }));
    const settings = { scoreThreshold: 0, iouThreshold: 0.7 };
    const place = { file: runFiles.predictions(run.folder), data: runFiles.data(run.folder) };
    const detection = { ...(await measureDetections({ ...place, ...settings })), classes };
    const counts = confusionOf(detection.cells, classes.length);
    const of = {
      name: 'train',
      folder: run.folder,
      config,
      datasetName: 'Scenes',
      startsFrom: null,
      series,
      detection,
    };
    const confusion = { classes, unit: 'objects' as const, counts };
    const { folder, leftOut } = await writeArtifacts({ launchTask, workers }, { ...of, confusion }, parent);
    expect(leftOut).toEqual([]);
    expect(wrote(folder)).toEqual(
      [
        ...['F1_curve.png', 'PR_curve.png', 'P_curve.png', 'R_curve.png'],
        ...['args.yaml', 'confusion_matrix.png', 'confusion_matrix_normalized.png', 'labels.jpg'],
        ...['results.csv', 'results.png', ...batchPictures, 'val_batch0_pred.jpg', 'weights'],
      ].toSorted(),
    );
    for (const name of wrote(folder).filter((each) => /\.(png|jpg)$/.test(each))) {
      const { width, height, share } = await inkOf(join(folder, name));
      expect(width, name).toBeGreaterThanOrEqual(300);
      expect(height, name).toBeGreaterThanOrEqual(128);
      expect(share, name).toBeGreaterThan(0.001);
    }
    // Batches of four images of 96 × 64 px, drawn with pixels four times as large.
    expect(await inkOf(join(folder, 'train_batch0.jpg'))).toMatchObject({ width: 4 * 384, height: 256 });
    expect(await inkOf(join(folder, 'val_batch0_labels.jpg'))).toMatchObject({ width: 4 * 384, height: 2 * 256 });
  } finally {
    await run.dispose();
  }
});
