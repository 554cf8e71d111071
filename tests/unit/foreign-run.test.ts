/** A run that another tool has trained is opened with its curves and settings, compared, and refused where it is none. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasNetwork, isForeign, type SeriesName, type Task } from '../../src-main/contract/model/run.ts';
import { OpenProjects } from '../../src-main/services/open-projects.ts';
import { artifactSeries, foreignColumns, resultsCsv } from '../../src-main/services/runs/artifacts/results-csv.ts';
import { trainingArgs } from '../../src-main/services/runs/artifacts/training-args.ts';
import type { InspectWeights } from '../../src-main/services/runs/foreign-model.ts';
import { openForeignRun } from '../../src-main/services/runs/foreign-run.ts';
import { compareRuns } from '../../src-main/services/runs/run-comparison.ts';
import { runTemplate } from '../../src-main/services/runs/run-template.ts';
import { planModel } from '../../src-main/engine/zoo/registry.ts';
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
/** What the run's files hold, each written as the names and shapes themselves. */
const inspect: InspectWeights = async (path) => JSON.parse(await readFile(path, 'utf8')) as never;
const open = (folder: string) => openForeignRun(project.opened, dataset(), folder, inspect);

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
    expect([isForeign(summary), hasNetwork(summary)]).toEqual([true, false]);
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

  // Names as version 8.3 writes them.
  const boxColumns =
    'metrics/precision(B),metrics/recall(B),metrics/mAP50(B),metrics/mAP50-95(B),metrics/precision(X),metrics/recall(X),metrics/mAP50(X),metrics/mAP50-95(X)';
  const boxValues = '0.9,0.8,0.7,0.6,0.5,0.4,0.3,0.2';
  const rates = 'lr/pg0,lr/pg1,lr/pg2';
  test.each<{ task: Task; args: string; model: string; results: string; values: Partial<Record<SeriesName, number>> }>([
    {
      task: 'instance-segmentation',
      args: 'task: segment\nmodel: yolov8m-seg.pt\nbox: 6.5',
      model: 'yolov8-seg',
      results: `epoch,time,train/box_loss,train/seg_loss,train/cls_loss,train/dfl_loss,${boxColumns.replaceAll('X', 'M')},val/box_loss,val/seg_loss,val/cls_loss,val/dfl_loss,${rates}
1,9.5,1,2,3,4,${boxValues},5,6,7,8,0.01,0.01,0.01
`,
      values: {
        ...{ 'train/maskLoss': 2, 'train/distributionLoss': 4, 'test/maskLoss': 6, 'test/ap50': 0.7, 'test/ap': 0.6 },
        ...{ 'test/maskPrecision': 0.5, 'test/maskRecall': 0.4, 'test/maskAp50': 0.3, 'test/maskAp': 0.2 },
      },
    },
    {
      task: 'pose',
      args: 'task: pose\nmodel: yolov8x-pose.yaml\npose: 11.0\nkobj: 2.0',
      model: 'yolov8-pose',
      results: `epoch,time,train/box_loss,train/pose_loss,train/kobj_loss,train/cls_loss,train/dfl_loss,${boxColumns.replaceAll('X', 'P')},val/box_loss,val/pose_loss,val/kobj_loss,val/cls_loss,val/dfl_loss,${rates}
1,9.5,1,2,3,4,5,${boxValues},6,7,8,9,10,0.01,0.01,0.01
`,
      values: {
        ...{ 'train/positionLoss': 2, 'train/visibilityLoss': 3, 'test/positionLoss': 7, 'test/visibilityLoss': 8 },
        ...{ 'test/ap': 0.6, 'test/posePrecision': 0.5, 'test/poseRecall': 0.4, 'test/poseAp50': 0.3 },
        ...{ 'test/poseAp': 0.2, 'epoch/learningRate': 0.01 },
      },
    },
    {
      task: 'classification',
      args: 'task: classify\nmodel: yolov8l-cls.pt',
      model: 'yolov8-cls',
      results: `epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,${rates}\n1,9.5,1,0.7,0.9,2,0.01,0.01,0.01\n`,
      values: { 'train/loss': 1, 'test/accuracy': 0.7, 'test/loss': 2 },
    },
  ])('for $task has the columns of its task', async ({ task, args, model, results, values }) => {
    const { runs } = project.opened.store;
    const text = `${args}\nepochs: 1\nbatch: 16\nnbs: 64\n`;
    const runId = await open(await foreign('train', { 'args.yaml': text, 'results.csv': results }));
    expect(runs.get(runId)).toMatchObject({ task, status: 'finished' });
    const { loss, accumulation, ...config } = runs.config(runId);
    expect(config.model).toMatchObject({ id: model, options: { size: /yolov8(.)/.exec(args)![1] } });
    expect(accumulation).toBe(4);
    const names = Object.keys(values) as SeriesName[];
    const series = runs.series(runId, names);
    expect(Object.fromEntries(series.map((each) => [each.series, each.values[0]]))).toEqual(values);
    if (loss.kind === 'pose') expect(loss).toMatchObject({ positionGain: 11, visibilityGain: 2, boxGain: 7.5 });
    if (loss.kind === 'detection') expect(loss.boxGain).toBe(6.5);
  });

  test.each(['yolov8-seg', 'yolov8-pose', 'yolov8-cls'])('of %s as we write it comes back', async (modelId) => {
    const { config } = runTemplate(modelId, dataset(), []);
    const written = artifactSeries(config.task).map((name, at) => ({
      ...{ series: name, steps: Float64Array.of(10), epochs: Float64Array.of(1), times: Float64Array.of(1500) },
      values: Float64Array.of(at / 64),
    }));
    const files = {
      'args.yaml': trainingArgs({ ...config, batchSize: 6, accumulation: 3 }, 'Small', null),
      'results.csv': resultsCsv(config.task, written),
    };
    const { runs } = project.opened.store;
    const runId = await open(await foreign('ours', files));
    expect(runs.config(runId)).toEqual({ ...config, batchSize: 6, accumulation: 3 });
    const named = foreignColumns(config.task).map(([, name]) => name);
    for (const { series, values } of runs.series(runId, named))
      expect(values, series).toEqual(written.find((each) => each.series === series)!.values);
    expect(runs.series(runId, named)).toHaveLength(named.length);
  });

  describe('that was resumed', () => {
    /** As a checkpoint of a network for twenty classes lists them. */
    function listing(family: string, size: string, change = (name: string): string => name): string {
      const { parameters, buffers } = planModel(family, { size }, [3, 64, 64], 20);
      const tensors = [...parameters, ...buffers].map(({ name, shape }) => ({ name: change(`ema.${name}`), shape }));
      return JSON.stringify({ tensors, metadata: {} });
    }
    async function resumed(model: string, weights: Record<string, string>) {
      const folder = await foreign('train3', {
        'args.yaml': args.replace('yolov8s.pt', model).replace('task: detect', 'task: detect\nresume: true'),
        'results.csv': results,
      });
      await mkdir(join(folder, 'weights'));
      for (const [name, text] of Object.entries(weights)) await writeFile(join(folder, 'weights', name), text);
      const { runs } = project.opened.store;
      const runId = await open(folder);
      expect(runs.series(runId, ['test/ap'])[0]!.values).toEqual(Float64Array.of(0.3, 0.4));
      expect(runs.config(runId)).toMatchObject({ batchSize: 12, seed: 5 });
      return { summary: runs.get(runId), model: runs.config(runId).model };
    }

    test.each(['n', 's', 'm', 'l', 'x'])('is named by its own weights: %s', async (size) => {
      const { model } = await resumed('/runs/detect/train3/weights/last.pt', { 'best.pt': listing('yolov8', size) });
      expect(model).toEqual({ id: 'yolov8', options: { size } });
    });

    test('reads the last weights where the best cannot be read', async () => {
      const { model } = await resumed('runs\\weights\\last.pt', {
        'best.pt': 'cut',
        'last.pt': listing('yolov8', 'm'),
      });
      expect(model.options).toEqual({ size: 'm' });
    });

    test.each<[string, Record<string, string>]>([
      ['without weights', {}],
      [
        'with weights of another network',
        { 'best.pt': listing('yolov8', 's', (name) => name.replace('model.', 'x.')) },
      ],
    ])('is of an unknown network %s', async (_, weights) => {
      const { summary, model } = await resumed('epoch40.pt', weights);
      expect(model).toEqual({ id: 'unknown', options: {} });
      expect(summary).toMatchObject({ task: 'detection', modelId: 'unknown' });
      expect(summary.notes).toContain('epoch40.pt');
    });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['has no args.yaml', { 'results.csv': results }, /args\.yaml/],
    [
      'is of another network',
      { 'args.yaml': args.replace('yolov8s.pt', 'rtdetr-l.pt'), 'results.csv': results },
      /rtdetr-l/,
    ],
    [
      'says one task and another task’s network',
      { 'args.yaml': args.replace('yolov8s.pt', 'yolov8s-seg.pt'), 'results.csv': results },
      /yolov8s-seg” for the task “detect”/,
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
