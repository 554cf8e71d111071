/** A run that another tool has trained is opened with its curves and settings, compared, and refused where it is none. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SeriesName } from '../../src-main/contract/model/run.ts';
import { OpenProjects } from '../../src-main/services/open-projects.ts';
import { resultsCsv } from '../../src-main/services/runs/artifacts/results-csv.ts';
import { trainingArgs } from '../../src-main/services/runs/artifacts/training-args.ts';
import { openForeignRun } from '../../src-main/services/runs/foreign-run.ts';
import { compareRuns } from '../../src-main/services/runs/run-comparison.ts';
import { runTemplate } from '../../src-main/services/runs/run-template.ts';
import { createRunProject, type RunProject } from '../helpers/run-project.ts';

const args = `task: detect
mode: train
model: yolov8s.pt
data: coco128.yaml
epochs: 3
batch: 12
imgsz: 320
lr0: 0.02
lrf: 0.01
momentum: 0.8
weight_decay: 0.0005
optimizer: SGD
seed: 5
hsv_h: 0.02
fliplr: 0.25
mosaic: 1.0
tracker: botsort.yaml
classes: [0, 2]
`;
// As version 8.0 writes it: names padded with spaces, epochs counted from 0.
const results = `                  epoch,         train/box_loss,         train/cls_loss,         train/dfl_loss,   metrics/precision(B),      metrics/recall(B),       metrics/mAP50(B),    metrics/mAP50-95(B),           val/box_loss,           val/cls_loss,           val/dfl_loss,                 lr/pg0,                 lr/pg1
                      0,                 1.2,                 2.5,                 1.1,                 0.5,                 0.4,                 0.45,                 0.3,                 1.3,                 2.1,                 1.2,                 0.01,                 0.01
                      1,                 1.1,                 2.0,                 1.0,                 0.6,                 0.5,                 0.55,                 0.4,                 1.2,                 1.9,                 1.1,                 0.005,                 0.005
`;

let project: RunProject;
let parent: string;
beforeEach(async () => {
  project = await createRunProject(new OpenProjects());
  parent = await mkdtemp(join(tmpdir(), 'fovea-foreign-'));
});
afterEach(async () => {
  await project.dispose();
  await rm(parent, { recursive: true, force: true });
});

async function foreign(name: string, files: Record<string, string> = { 'args.yaml': args, 'results.csv': results }) {
  const folder = join(parent, name);
  await mkdir(folder);
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  return folder;
}

const dataset = () => project.opened.store.datasets.get(project.datasetId);
const open = (folder: string) => openForeignRun(project.opened, dataset(), folder);

describe('a run from elsewhere', () => {
  test('has its curves under our names, its settings, and its files', async () => {
    const { runs } = project.opened.store;
    const runId = await open(await foreign('train7'));
    const summary = runs.get(runId);
    expect(summary).toMatchObject({
      name: 'train7',
      task: 'detection',
      epochsDone: 2,
      epochsTotal: 3,
      resumable: false,
    });
    expect([summary.status, summary.reason]).toEqual(['interrupted', 'Its record ends after epoch 2 of 3.']);
    expect(summary.notes).toContain('yolov8s.pt');
    const [ap, rate] = runs.series(runId, ['test/ap', 'epoch/learningRate']);
    expect([Array.from(ap!.epochs), Array.from(ap!.values)]).toEqual([
      [1, 2],
      [0.3, 0.4],
    ]);
    expect(Array.from(rate!.values)).toEqual([0.01, 0.005]);
    expect(runs.config(runId)).toMatchObject({
      model: { id: 'yolov8', options: { size: 's' } },
      batchSize: 12,
      seed: 5,
      data: { inputSize: { widthPx: 320, heightPx: 320 } },
      augmentation: { hue: 0.02, flipHorizontal: 0.25, mosaic: 1 },
      phases: [
        {
          epochs: 3,
          learningRate: 0.02,
          optimiser: { kind: 'sgd', momentum: 0.8, weightDecay: 0.0005 },
          schedule: { kind: 'linear', finalFactor: 0.01 },
        },
      ],
    });
    const kept = await readFile(join(project.opened.folder, runs.folder(runId), 'results.csv'), 'utf8');
    expect(kept).toBe(results);
  });

  test('is compared as our own are', async () => {
    const { runs } = project.opened.store;
    const first = await open(await foreign('a'));
    const second = await open(
      await foreign('b', { 'args.yaml': args.replace('lr0: 0.02', 'lr0: 0.01'), 'results.csv': results }),
    );
    const of = (runId: typeof first) => ({ summary: runs.get(runId), config: runs.config(runId) });
    const comparison = compareRuns([of(first), of(second)]);
    expect(comparison.configuration.map(({ path }) => path)).toEqual(['phases.0.learningRate']);
    expect(comparison.metrics.find(({ metric }) => metric === 'test/ap50')?.final).toEqual([0.55, 0.55]);
  });

  test('may be one of ours: what we write comes back', async () => {
    const { config } = runTemplate('yolov8', dataset(), []);
    const series = (name: SeriesName, values: number[]) => ({
      series: name,
      steps: Float64Array.of(10, 20),
      epochs: Float64Array.of(1, 2),
      values: Float64Array.from(values),
      times: Float64Array.of(1500, 3000),
    });
    const csv = resultsCsv('detection', [series('test/ap', [0.1, 0.2]), series('train/boxLoss', [3, 2])]);
    const text = trainingArgs({ ...config, seed: 77 }, 'Small', null);
    const runId = await open(await foreign('ours', { 'args.yaml': text, 'results.csv': csv }));
    const { runs } = project.opened.store;
    expect(runs.config(runId).seed).toBe(77);
    const [ap, box] = runs.series(runId, ['test/ap', 'train/boxLoss']);
    expect([Array.from(ap!.values), Array.from(box!.values)]).toEqual([
      [0.1, 0.2],
      [3, 2],
    ]);
    expect(runs.get(runId).durationMs).toBe(3000);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['has no args.yaml', { 'results.csv': results }, /args\.yaml/],
    [
      'is of another network',
      { 'args.yaml': args.replace('yolov8s.pt', 'rtdetr-l.pt'), 'results.csv': results },
      /rtdetr-l/,
    ],
    ['has broken YAML', { 'args.yaml': 'task: [', 'results.csv': results }, /args\.yaml: this is no valid YAML/],
    [
      'has a cut line',
      { 'args.yaml': args, 'results.csv': `${results}2,1.0` },
      /results\.csv, line 4: 2 values, but 13 columns/,
    ],
    ['has other columns', { 'args.yaml': args, 'results.csv': 'epoch,speed\n1,2\n' }, /none of the columns/],
    ['has no epochs', { 'args.yaml': args, 'results.csv': 'step,loss\n1,2\n' }, /no column “epoch”/],
  ])('that %s is refused by name, and nothing is left behind', async (name, files, message) => {
    const before = project.opened.store.runs.count();
    await expect(open(await foreign(name, files))).rejects.toThrow(message);
    expect(project.opened.store.runs.count()).toBe(before);
  });
});
