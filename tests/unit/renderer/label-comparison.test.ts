/** Two sets of labels of an image: by who made them, before the first change, and what runs say. */
import { expect, test } from 'vitest';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import type { Label } from '../../../src-renderer/canvas/editor/types.ts';
import { LabelComparison } from '../../../src-renderer/state/label-comparison.svelte.ts';
import type { LabelSession } from '../../../src-renderer/state/label-session.svelte.ts';
import type { Provenance } from '../../../src-main/contract/model/annotation.ts';
import type { DatasetId, ImageId, ProjectId, RunId } from '../../../src-main/contract/model/ids.ts';
import { label } from '../../helpers/editor-driver.ts';
import { bbox } from '../../helpers/photo-dataset.ts';

const datasetId = 3 as DatasetId;
const made = (id: number, provenance: Provenance): Label => label(id, bbox(0, 0, id, id), { provenance });
const model: Provenance = { by: 'model', runId: 7 as RunId, score: 0.5 };
const all = [
  made(1, { by: 'person' }),
  made(2, { by: 'import' }),
  made(3, model),
  made(4, { ...model, runId: 8 as RunId }),
];

function setUp() {
  const run = { runId: 7, name: 'first', datasetId, task: 'detection', epochsDone: 2, parameterCount: 9 };
  const runs = [
    run,
    { ...run, runId: 8, name: 'elsewhere', datasetId: 4 },
    { ...run, runId: 9, name: 'tags', task: 'classification' },
    { ...run, runId: 10, name: 'not yet', epochsDone: 0 },
    { ...run, runId: 11, name: 'trained elsewhere', parameterCount: 0 },
  ];
  const asked: string[] = [];
  const answers: Record<string, unknown> = {
    'run.list': runs,
    'run.boxes': { detections: [] },
    'run.get': { classes: [{ name: 'cat', categoryId: 1 }] },
  };
  const api = {
    call: async (name: string) => {
      asked.push(name);
      return answers[name];
    },
  };
  const session = { imageId: 5, stateAt: async () => [all[1]] };
  const comparison = new LabelComparison(
    api as unknown as Api,
    'p' as ProjectId,
    datasetId,
    session as unknown as LabelSession,
  );
  const idsOf = (id: string): number[] => {
    const content = comparison.content(id, all);
    return content.kind === 'labels' ? content.labels.map(({ annotationId }) => annotationId) : [];
  };
  return { comparison, idsOf, asked };
}

test('labels are told apart by who made them', () => {
  const { idsOf } = setUp();
  expect(idsOf('all')).toEqual([1, 2, 3, 4]);
  expect(idsOf('by:person')).toEqual([1]);
  expect(idsOf('by:import')).toEqual([2]);
  expect(idsOf('labels:7')).toEqual([3]);
  expect(idsOf('labels:9')).toEqual([]);
});

test('offered are runs of the data set that have looked at it, and what runs proposed in this image', async () => {
  const { comparison } = setUp();
  await comparison.open();
  expect(comparison.sources(all.map(({ provenance }) => provenance)).map(({ label: name }) => name)).toEqual([
    'All labels',
    'Drawn by a person',
    'Came with the data set',
    'Before the first change',
    'Labels proposed by first',
    'Labels proposed by run 8',
    'What first says',
  ]);
});

test('a side is fetched when it is shown: the first state of the image, and a run’s predictions with its classes', async () => {
  const { comparison, idsOf, asked } = setUp();
  await comparison.open();
  expect(idsOf('first')).toEqual([]);
  await comparison.show(5 as ImageId);
  expect(idsOf('first')).toEqual([2]);
  expect(comparison.hasScores).toBe(false);
  comparison.right = 'run:7';
  await comparison.show(5 as ImageId);
  expect(comparison.content('run:7', all)).toMatchObject({
    kind: 'run',
    overlay: { kind: 'boxes' },
    classes: [{ name: 'cat' }],
  });
  expect(comparison.hasScores).toBe(true);
  expect(asked).toEqual(['run.list', 'run.boxes', 'run.get']);
  comparison.swap();
  expect([comparison.left, comparison.right]).toEqual(['run:7', 'first']);
});
