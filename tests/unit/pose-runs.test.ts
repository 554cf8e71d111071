/** Runs of poses through the calls: what the data set decides, what is checked and prepared, and a run with its results. */
import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { payloadAt } from '../../src-main/contract/model/run-results.ts';
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { readTrainingData } from '../../src-main/engine/train/training-data-file.ts';
import { launchNodeChild } from '../../src-main/hosts/node-child.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import { createRunHandlers, type RunServices } from '../../src-main/services/runs/handlers.ts';
import { prepareRun } from '../../src-main/services/training-data/prepare-run.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { runContext, until } from '../helpers/run-project.ts';
import { createProjectFixture } from '../helpers/service-fixture.ts';

vi.setConfig({ testTimeout: 180_000 });

const entry = new URL('../../src-main/training-process/main.ts', import.meta.url);
let services: RunServices | null = null;
afterEach(() => services?.close());

/** Foxes with three points, of which two change places by `flip_idx` where it is there. */
async function foxes(flips: string) {
  const fixture = await createProjectFixture();
  const { context } = runContext(() => launchNodeChild(entry));
  const ports = { ...context.ports, launchTask: nodePorts().launchTask };
  const { handlers } = (services = createRunHandlers({ ...context, ports, projects: fixture.projects }));
  const folder = join(fixture.scratch, 'foxes');
  await writeFiles(folder, {
    'data.yaml': `train: images/train\nval: images/val\nkpt_shape: [3, 3]\n${flips}names: [fox]\n`,
    'images/train/a.jpg': await photo({ widthPx: 100, heightPx: 50 }),
    'images/val/b.jpg': await photo({ widthPx: 40, heightPx: 40 }),
    'labels/train/a.txt': '0 0.5 0.5 0.4 0.4 0.4 0.4 2 0.6 0.4 1 0 0 0',
    'labels/val/b.txt': '0 0.5 0.5 0.5 0.5 0.5 0.5 2 0.6 0.5 2 0.5 0.6 2',
  });
  const { datasetId } = await importFolder(fixture, folder);
  const { projectId } = fixture.opened.project;
  const template = await handlers['run.template']({ projectId, datasetId, modelId: 'yolov8-pose' });
  const findings = async (config: RunConfig) =>
    (await handlers['run.check']({ projectId, config })).filter(({ path = '' }) => /^(augmentation|model)/.test(path));
  return { fixture, handlers, projectId, ...template, findings };
}

const withFlip = (config: RunConfig, flipHorizontal: number): RunConfig => ({
  ...config,
  augmentation: { ...config.augmentation, flipHorizontal },
});
const withPoints = (config: RunConfig, keypoints: number): RunConfig => ({
  ...config,
  model: { ...config.model, options: { ...config.model.options, keypoints } },
});

test('has as many points as the labels, and is mirrored where somebody has said how', async () => {
  const { config, knobs, findings } = await foxes('flip_idx: [1, 0, 2]\n');
  expect(config).toMatchObject({ task: 'pose', loss: { kind: 'pose', positionGain: 12, visibilityGain: 1 } });
  expect([config.model.options['keypoints'], config.augmentation.flipHorizontal]).toEqual([3, 0.5]);
  expect(knobs.find(({ path }) => path === 'model.options.keypoints')?.explanation).toContain('The labels have 3.');
  expect(await findings(config)).toEqual([]);
  const [fewer] = await findings(withPoints(config, 2));
  expect(fewer).toMatchObject({ severity: 'error', path: 'model.options.keypoints' });
  expect(fewer!.message).toBe('The labels have 3 points and the network says 2. Set it to 3.');
  const [more] = await findings(withPoints(config, 17));
  expect(more).toMatchObject({ severity: 'warning', path: 'model.options.keypoints' });
});

test('is not mirrored where nobody has, and says so', async () => {
  const { config, findings } = await foxes('');
  expect(config.augmentation.flipHorizontal).toBe(0);
  const [said] = await findings(config);
  expect(said).toMatchObject({ severity: 'note', path: 'augmentation.flipHorizontal' });
  expect(said!.message).toContain('Images are not mirrored');
  const [refused] = await findings(withFlip(config, 0.5));
  expect(refused).toMatchObject({ severity: 'error', path: 'augmentation.flipHorizontal' });
});

test('trains on points in px of the photographs; what is looked at beforehand shows them', async () => {
  const { fixture, handlers, projectId, config: template } = await foxes('flip_idx: [1, 0, 2]\n');
  const config = {
    ...withPoints(template, 4),
    data: { ...template.data, inputSize: { widthPx: 64, heightPx: 64 }, evaluationSplit: 'val' as const },
    augmentation: { ...template.augmentation, mosaic: 0, translate: 0, scale: 0, flipHorizontal: 1 },
  };
  const folder = join(fixture.opened.folder, 'runs', 'foxes');
  await mkdir(join(folder, 'checkpoints'), { recursive: true });
  const { opened, workers } = fixture;
  const report = { log: () => undefined, progress: () => undefined };
  await prepareRun({ opened, folder, config, workers }, report, new AbortController().signal);
  const data = await readTrainingData(runFiles.data(folder));
  // The fourth point is of no label.
  expect(data.pose).toEqual({ pointCount: 4, mirrored: [1, 0, 2, 3] });
  const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(3)));
  expect(rounded(data.train.objects!.points!)).toEqual([40, 20, 2, 60, 20, 1, 0, 0, 0, 0, 0, 0]);
  // The outline of an animal is about 0.53 of the box around its points.
  expect(data.train.objects!.rows[5]).toBeCloseTo(0.53 * 40 * 20, 6);
  const preview = await handlers['run.previewBatch']({ projectId, config, count: 1, epoch: 0 });
  // 100 × 50 px lie in 64 × 32 px, 16 px from the top, mirrored: the left point was the right one.
  const [box] = preview!.items[0]!.boxes;
  const points = [64 - 60 * 0.64, 16 + 20 * 0.64, 1, 64 - 40 * 0.64, 16 + 20 * 0.64, 2, 0, 0, 0, 0, 0, 0];
  expect(rounded([...box!.points])).toEqual(rounded(points));
});

test('runs from the window to boxes with their points', async () => {
  const { fixture, handlers, projectId, config: template } = await foxes('flip_idx: [1, 0, 2]\n');
  const { store } = fixture.opened;
  const schema = store.datasets.labelSchema(template.data.datasetId);
  const skeletons = schema.skeletons.map((skeleton) => ({ ...skeleton, edges: [[0, 2] as [number, number]] }));
  await fixture.handlers['category.edit']({
    ...{ projectId, gestureId: 'lines', datasetId: template.data.datasetId },
    edit: { kind: 'schema', schema: { ...schema, skeletons } },
  });
  const [phase] = template.phases as [RunConfig['phases'][number]];
  const config: RunConfig = {
    ...template,
    data: { ...template.data, inputSize: { widthPx: 64, heightPx: 64 }, evaluationSplit: 'val' },
    batchSize: 1,
    accumulation: 1,
    phases: [{ ...phase, epochs: 2, warmup: { ...phase.warmup, epochs: 0 } }],
  };
  const { runId } = await handlers['run.start']({ projectId, config, name: null });
  await until('the run has ended', () => !['queued', 'running'].includes(store.runs.get(runId).status), 120_000);
  expect(store.runs.get(runId)).toMatchObject({ status: 'finished', reason: null, task: 'pose' });
  expect(Object.keys(store.runs.get(runId).latest)).toEqual(
    expect.arrayContaining(['train/positionLoss', 'test/visibilityLoss', 'test/poseAp', 'test/ap']),
  );
  const { classes } = await handlers['run.get']({ projectId, runId });
  expect(classes).toMatchObject([{ name: 'fox', edges: [[0, 2]] }]);
  const measured = { projectId, runId, settings: { scoreThreshold: 0.25, iouThreshold: 0.7 } };
  const report = await handlers['run.detectionMeasures'](measured);
  expect(report.head).toMatchObject({ kind: 'keypoints', all: { ap: expect.any(Number) as number } });
  const [imageId] = report.imageIds;
  const { head, candidates } = await handlers['run.boxes']({ projectId, runId, imageId: imageId as ImageId });
  expect(head!.candidates.starts).toHaveLength(candidates.length / 6 + 1);
  const truth = new Float32Array(Uint8Array.from(payloadAt(head!.objects, 0)).buffer);
  expect([...truth]).toEqual([20, 20, 2, 24, 20, 2, 20, 24, 2]);
});
