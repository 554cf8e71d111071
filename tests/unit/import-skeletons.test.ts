/** Skeletons come with their data set: COCO's named points, and what YOLO's data.yaml says of them. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Skeleton } from '../../src-main/contract/model/annotation-edit.ts';
import { parseSkeleton } from '../../src-main/formats/skeleton.ts';
import { poseLayout } from '../../src-main/services/training-data/pose-layout.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { createProjectFixture } from '../helpers/service-fixture.ts';

async function imported(files: Record<string, string>) {
  const fixture = await createProjectFixture();
  const folder = join(fixture.scratch, 'photos');
  await writeFiles(folder, { 'images/train/a.jpg': await photo({ widthPx: 40, heightPx: 40 }), ...files });
  const { datasetId } = await importFolder(fixture, folder);
  const { store } = fixture.opened;
  const names = new Map(store.datasets.categories(datasetId).map(({ categoryId, name }) => [categoryId, name]));
  const skeletons = store.datasets.labelSchema(datasetId).skeletons.map((skeleton: Skeleton) => {
    const { categoryId, ...rest } = skeleton;
    return [names.get(categoryId), rest] as const;
  });
  return { skeletons, layout: poseLayout(store, datasetId) };
}

test('of COCO: points, lines counted from 1, and pairs by their names', async () => {
  const annotation = { id: 1, image_id: 1, category_id: 7, bbox: [4, 4, 20, 20], num_keypoints: 2 };
  const document = {
    images: [{ id: 1, file_name: 'a.jpg', width: 40, height: 40 }],
    annotations: [{ ...annotation, keypoints: [5, 5, 2, 9, 5, 2, 0, 0, 0], area: 400, iscrowd: 0 }],
    categories: [
      { id: 3, name: 'car' },
      {
        id: 7,
        name: 'person',
        keypoints: ['left_eye', 'right_eye', 'nose'],
        skeleton: [
          [1, 3],
          [2, 3],
          [3, 9],
        ],
      },
    ],
  };
  const { skeletons, layout } = await imported({ 'annotations/train.json': JSON.stringify(document) });
  const points = ['left_eye', 'right_eye', 'nose'];
  const edges = [
    [0, 2],
    [1, 2],
  ];
  expect(skeletons).toEqual([['person', { points, edges, flipPairs: [[0, 1]] }]]);
  expect(layout).toEqual({ pointCount: 3, mirrored: [1, 0, 2] });
});

describe('of YOLO', () => {
  const yaml = (lines: string): string => `train: images/train\nkpt_shape: [3, 3]\n${lines}names: [fox]\n`;
  const label = '0 0.5 0.5 0.2 0.2 0.4 0.4 2 0.6 0.4 1 0 0 0';

  test('which points change places, by flip_idx', async () => {
    const files = { 'data.yaml': yaml('flip_idx: [1, 0, 2]\n'), 'labels/train/a.txt': label };
    const { skeletons, layout } = await imported(files);
    const points = ['point 1', 'point 2', 'point 3'];
    expect(skeletons).toEqual([['fox', { points, edges: [], flipPairs: [[0, 1]] }]]);
    expect(layout).toEqual({ pointCount: 3, mirrored: [1, 0, 2] });
  });

  test('nothing where it says nothing, or what cannot be', async () => {
    const plain = await imported({ 'data.yaml': yaml(''), 'labels/train/a.txt': label });
    expect(plain.skeletons).toEqual([]);
    expect(plain.layout).toEqual({ pointCount: 3, mirrored: null });
    const wrong = await imported({ 'data.yaml': yaml('flip_idx: [1, 2, 0]\n'), 'labels/train/a.txt': label });
    expect(wrong.skeletons).toEqual([]);
  });

  test('names of the points', async () => {
    const named = yaml('kpt_names:\n  0: [left, right, top]\n');
    const { skeletons } = await imported({ 'data.yaml': named, 'labels/train/a.txt': label });
    expect(skeletons).toEqual([['fox', { points: ['left', 'right', 'top'], edges: [], flipPairs: [[0, 1]] }]]);
  });
});

test('names that no skeleton can have are refused', () => {
  for (const names of [[], ['a', 'a'], ['a', ' '], ['a', 5], [`${'long '.repeat(13)}name`]])
    expect(parseSkeleton(names, []), names.join()).toBeNull();
});

describe('go out again', () => {
  const skeleton = { points: ['left_eye', 'right_eye', 'nose'], edges: [[0, 2]], flipPairs: [[0, 1]] };
  const document = {
    images: [{ id: 1, file_name: 'a.jpg', width: 40, height: 40 }],
    annotations: [
      { id: 1, image_id: 1, category_id: 7, bbox: [4, 4, 20, 20], keypoints: [5, 5, 2, 9, 5, 2, 0, 0, 0], iscrowd: 0 },
    ],
    categories: [
      { id: 3, name: 'car' },
      { id: 7, name: 'person', keypoints: skeleton.points, skeleton: [[1, 3]] },
    ],
  };

  test.each([
    ['coco', skeleton, []],
    ['yolo-pose', { ...skeleton, edges: [] }, ['Skeletons that lose the lines between their points: 1.']],
    [
      'yolo-detect',
      null,
      ['Skeletons that lose the names of their points: 1.', 'Skeletons that lose the lines between their points: 1.'],
    ],
  ] as const)('as %s, and what of them is lost is said before', async (format, kept, lost) => {
    const fixture = await createProjectFixture();
    const folder = join(fixture.scratch, 'photos');
    await writeFiles(folder, {
      'images/train/a.jpg': await photo({ widthPx: 40, heightPx: 40 }),
      'annotations/train.json': JSON.stringify(document),
    });
    const { datasetId } = await importFolder(fixture, folder);
    const { projectId } = fixture.opened.project;
    const { losses } = await fixture.handlers['dataset.exportReport']({ projectId, datasetId, format });
    expect(losses.filter((loss) => loss.startsWith('Skeletons'))).toEqual(lost);
    const out = join(fixture.scratch, 'out');
    const started = await fixture.handlers['dataset.export']({ projectId, datasetId, format, folder: out });
    expect((await fixture.ended(started)).error).toBeNull();
    const again = await importFolder(fixture, out);
    const { store } = fixture.opened;
    const categories = store.datasets.categories(again.datasetId);
    expect(categories.map(({ name }) => name)).toEqual(['car', 'person']);
    const wanted = kept === null ? [] : [{ ...kept, categoryId: categories[1]!.categoryId }];
    expect(store.datasets.skeletons(again.datasetId)).toEqual(wanted);
  });
});
