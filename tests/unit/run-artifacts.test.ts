/** A run as a folder that people know from other tools: names, columns, weights, and a name that is counted up. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Series, SeriesName } from '../../src-main/contract/model/run.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import { resultsCsv, resultsSeries } from '../../src-main/services/runs/artifacts/results-csv.ts';
import { trainingArgs } from '../../src-main/services/runs/artifacts/training-args.ts';
import { writeArtifacts } from '../../src-main/services/runs/artifacts/write-artifacts.ts';
import { scenesConfig } from '../helpers/detection-run.ts';
import { writeFreshRun } from '../helpers/fresh-run.ts';
import { makeSmallData, phase, smallConfig, type SmallData } from '../helpers/training-run.ts';

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
  const names = resultsSeries('detection');
  const series = names.map((name, i) => seriesOf(name, name === 'test/precision' ? [0.5] : [i, i + 0.25]));
  expect(resultsCsv('detection', series).split('\n')).toEqual([
    'epoch,time,train/box_loss,train/cls_loss,train/dfl_loss,metrics/precision(B),metrics/recall(B),metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,val/dfl_loss,lr/pg0',
    '1,1.500,0,1,2,0.5,4,5,6,7,8,9,10',
    '2,3.000,0.25,1.25,2.25,,4.25,5.25,6.25,7.25,8.25,9.25,10.25',
    '',
  ]);
});

let run: SmallData;
let parent: string;
beforeAll(async () => {
  run = await makeSmallData({ train: 4, test: 2, channels: 3, side: 32 });
  await writeFreshRun(smallConfig(), run);
  parent = mkdtempSync(join(tmpdir(), 'fovea-artifacts-'));
});
afterAll(async () => {
  await run.dispose();
  await rm(parent, { recursive: true, force: true });
});

test('a folder is written under a name that is counted up', { timeout: 60_000 }, async () => {
  copyFileSync(runFiles.checkpoint(run.folder, 'best'), runFiles.checkpoint(run.folder, 'last'));
  const of = {
    ...{ name: 'first try!', folder: run.folder, config: smallConfig(), datasetName: 'Tiny', startsFrom: null },
    series: [seriesOf('train/loss', [2, 1])],
  };
  const write = () => writeArtifacts(() => nodePorts().launchTask(), of, parent);
  const folder = await write();
  expect(folder).toBe(join(parent, 'classify', 'first-try-'));
  expect(readdirSync(folder).toSorted()).toEqual(['args.yaml', 'results.csv', 'weights']);
  expect(readFileSync(join(folder, 'results.csv'), 'utf8')).toContain('\n1,1.500,2,,,,\n');
  const weights = await readSafetensors(join(folder, 'weights', 'best.safetensors'));
  expect([...weights.tensors.keys()]).toContain('conv1.weight');
  expect(await write()).toBe(`${folder}2`);
});
