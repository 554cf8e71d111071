/** Kept predictions as files: what was said comes back, decided with the person's settings, in the forms that others read. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cellMaskRle, decodeCellMask, encodeCellMask } from '../../src-main/contract/geometry/cell-mask.ts';
import { rasterisePolygon } from '../../src-main/contract/geometry/polygon.ts';
import { decompressRle, rleArea, rleBounds } from '../../src-main/contract/geometry/rle.ts';
import {
  categoriesAt,
  saidOf,
  suppressed,
  type FoundBox,
  type PredictionDocument,
  type Seen,
} from '../../src-main/contract/model/image-prediction.ts';
import type { PredictionForm } from '../../src-main/contract/model/prediction-set.ts';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import { readSeen, writeSeen } from '../../src-main/engine/train/seen-file.ts';
import type { ParsedSkeleton } from '../../src-main/formats/skeleton.ts';
import { parseYoloConfig, parseYoloRows, placeYoloRows } from '../../src-main/formats/yolo.ts';
import {
  namesBelow,
  writePredictions,
  type PredictionFacts,
} from '../../src-main/services/predict/write-predictions.ts';

const box = (category: number, score: number, ...bboxXyxy: [number, number, number, number]): FoundBox => ({
  category,
  score,
  bboxXyxy,
});
const boxes: Seen = {
  kind: 'boxes',
  boxes: [box(1, 0.9, 10, 10, 30, 20), box(1, 0.8, 11, 10, 31, 20), box(0, 0.2, 0, 0, 8, 8)],
};
/** Of the object the upper half of its box, in cells of five px. */
const outlined: Seen = {
  kind: 'boxes',
  boxes: [
    {
      ...box(1, 0.9, 10, 10, 30, 20),
      mask: [
        ...encodeCellMask({
          ...{ bboxXyxy: [10, 10, 30, 20], column: 2, row: 2, columns: 4, rows: 2 },
          cells: Uint8Array.of(1, 1, 1, 1, 0, 0, 0, 0),
        }),
      ],
    },
  ],
};
const noCells = {
  bboxXyxy: [0, 20, 0, 20] as [number, number, number, number],
  column: 0,
  row: 5,
  columns: 0,
  rows: 0,
};
/** The two upper quarters and the lower half of an image of twice the size. */
const masks: Seen = {
  kind: 'masks',
  masks: {
    widthPx: 4,
    heightPx: 4,
    predicted: Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2),
    confidence: Uint8Array.from({ length: 16 }, (_, i) => 100 + i),
    placement: [0, 0, 8, 8],
  },
};
const shares: Seen = { kind: 'category', probabilities: [0.25, 0.5, 0.25] };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-write-predictions-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const factsOf = (task: string): PredictionFacts => ({
  ...{ run: 'first', checkpoint: 'best', epoch: 3, task },
  classes: ['cat', 'dog, small', 'sky'],
  images: [
    { file: '/photos/a.jpg', widthPx: 8, heightPx: 8 },
    { file: '/photos/deeper/a.png', widthPx: 40, heightPx: 40 },
  ],
  failures: [{ file: '/photos/broken.jpg', reason: 'no image' }],
});

async function write(
  form: PredictionForm,
  task: string,
  said: readonly Seen[],
  skeletons: readonly (ParsedSkeleton | null)[] = [],
): Promise<string> {
  const seen = join(folder, 'seen');
  await mkdir(seen);
  for (const [index, each] of said.entries()) await writeSeen(seen, index, each);
  const target = join(folder, form === 'json' ? 'out.json' : 'out');
  const settings = { scoreThreshold: 0.25, iouThreshold: 0.5 };
  const told: object[] = [];
  const port = { postAndWait: (message: object) => Promise.resolve(void told.push(message)) };
  await writePredictions({ form, set: factsOf(task), skeletons, seen, settings, target }, port);
  expect(told).toEqual([
    { done: 1, total: 2 },
    { done: 2, total: 2 },
  ]);
  expect((await readdir(folder)).filter((name) => name.includes('.part'))).toEqual([]);
  return target;
}

test.each([boxes, outlined, masks, shares])('what is kept comes back: %o', async (said) => {
  await writeSeen(folder, 7, said);
  expect(await readSeen(folder, 7)).toEqual(said);
});

test('what is not there yet, or damaged, is told apart', async () => {
  await expect(readSeen(folder, 0)).rejects.toMatchObject({ code: 'not-found' });
  await writeFile(join(folder, '000000.seen.gz'), 'nothing of the kind');
  await expect(readSeen(folder, 0)).rejects.toMatchObject({ code: 'bad-input' });
});

describe('decides', () => {
  test('which boxes count', () => {
    expect(suppressed(boxes.boxes, { scoreThreshold: 0.25, iouThreshold: 0.5 })).toEqual([boxes.boxes[0]]);
    expect(suppressed(boxes.boxes, { scoreThreshold: 0.1, iouThreshold: 0.99 })).toEqual(boxes.boxes);
  });

  test('which class each pixel of the image has', () => {
    const size = { widthPx: 8, heightPx: 8 };
    const categories = categoriesAt(masks.masks, size);
    expect([...categories.subarray(0, 8)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect([...categories.subarray(56)]).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
    const said = saidOf(masks, { scoreThreshold: 0, iouThreshold: 1 }, size);
    expect(said.kind === 'masks' && said.masks.map(({ category, rle }) => [category, rleArea(rle)])).toEqual([
      [0, 16],
      [1, 16],
      [2, 32],
    ]);
  });
});

test('names are those below the folder that all images are in', () => {
  expect(namesBelow(['/p/a.jpg', '/p/b/a.jpg', '/p/a.png'])).toEqual(['a', 'b/a', 'a.png']);
  expect(namesBelow(['/p/a.jpg'])).toEqual(['a']);
  expect(namesBelow(['/p/x/a.jpg', '/p/xy/a.jpg'])).toEqual(['x/a', 'xy/a']);
});

describe('writes', () => {
  test('a document, image by image', async () => {
    const file = await write('json', 'detection', [boxes, boxes]);
    const document = JSON.parse(await readFile(file, 'utf8')) as PredictionDocument;
    expect(document).toEqual({
      ...factsOf('detection'),
      images: factsOf('detection').images.map((image) => ({
        ...image,
        said: { kind: 'boxes', boxes: [boxes.boxes[0]] },
      })),
    });
  });

  test('masks as pictures whose values are the classes', async () => {
    const target = await write('index-png', 'segmentation', [masks, masks]);
    const { data, info } = await sharp(join(target, 'a.png'))
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([8, 8]);
    expect(new Uint8Array(data)).toEqual(categoriesAt(masks.masks, { widthPx: 8, heightPx: 8 }));
    const large = await sharp(join(target, 'deeper', 'a.png')).metadata();
    expect([large.width, large.height]).toEqual([40, 40]);
    expect(JSON.parse(await readFile(join(target, 'classes.json'), 'utf8'))).toMatchObject([
      { id: 0, name: 'cat', rgb: [0, 0, 0] },
      { id: 1, name: 'dog, small', rgb: [128, 0, 0] },
      { id: 2, name: 'sky' },
    ]);
  });

  test('masks in the colours of classes.json', async () => {
    const target = await write('colour-png', 'segmentation', [masks, masks]);
    const { data } = await sharp(join(target, 'a.png')).raw().toBuffer({ resolveWithObject: true });
    expect([...data.subarray(4 * 3, 4 * 3 + 3)]).toEqual([128, 0, 0]);
  });

  test('boxes as YOLO’s labels', async () => {
    const target = await write('yolo', 'detection', [boxes, boxes]);
    expect(await readFile(join(target, 'labels', 'deeper', 'a.txt'), 'utf8')).toBe('1 0.5 0.375 0.5 0.25\n');
    expect(await readFile(join(target, 'data.yaml'), 'utf8')).toContain('1: "dog, small"');
  });

  test('outlines of single objects as YOLO’s labels, holding the pixels of their masks', async () => {
    // A ring of cells around a hole, and a cell of its own: one line that holds just their pixels.
    const cells = Uint8Array.of(1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0);
    const mask = encodeCellMask({ bboxXyxy: [10, 10, 35, 25], column: 2, row: 2, columns: 5, rows: 3, cells });
    const ringed: Seen = {
      kind: 'boxes',
      boxes: [
        { ...box(1, 0.9, 10, 10, 35, 25), mask: [...mask] },
        { ...box(0, 0.5, 0, 20, 10, 40), mask: [...encodeCellMask({ ...noCells, cells: Uint8Array.of() })] },
      ],
    };
    const target = await write('yolo', 'instance-segmentation', [boxes, ringed]);
    const text = await readFile(join(target, 'labels', 'deeper', 'a.txt'), 'utf8');
    const size = { widthPx: 40, heightPx: 40 };
    const { labels } = placeYoloRows(parseYoloRows(text).rows, { placeOf: (number) => number }, size);
    expect(labels.map(({ category, shape }) => [category, shape.kind])).toEqual([
      [1, 'polygon'],
      [0, 'bbox'],
    ]);
    const shape = labels[0]!.shape as Extract<Shape, { kind: 'polygon' }>;
    expect(shape.parts).toHaveLength(1);
    const { counts } = cellMaskRle(decodeCellMask(mask), size);
    expect(rasterisePolygon(shape.parts, size).counts).toEqual(counts);
    // Of boxes without a mask the box.
    expect(await readFile(join(target, 'labels', 'a.txt'), 'utf8')).toBe('1 2.5 1.875 2.5 1.25\n');
  });

  test('points beside their boxes, as YOLO’s labels and as COCO’s', async () => {
    const keypoints = [12, 16, 0.9, 20, 12, 0.5, 28, 18, 0.51];
    const posed: Seen = { kind: 'boxes', boxes: [{ ...boxes.boxes[0]!, keypoints }] };
    const skeleton: ParsedSkeleton = { points: ['left', 'right', 'tip'], edges: [[0, 2]], flipPairs: [[0, 1]] };
    const skeletons = [null, skeleton, null];
    const yolo = await write('yolo', 'pose', [posed, posed], skeletons);
    expect(await readFile(join(yolo, 'labels', 'deeper', 'a.txt'), 'utf8')).toBe(
      '1 0.5 0.375 0.5 0.25 0.3 0.4 2 0 0 0 0.7 0.45 2\n',
    );
    const yaml = await readFile(join(yolo, 'data.yaml'), 'utf8');
    expect(yaml).toContain('kpt_shape: [3, 3]\nflip_idx: [1, 0, 2]\n');
    const { categories } = parseYoloConfig('data.yaml', yaml)!;
    expect(categories[1]!.skeleton).toEqual({ ...skeleton, edges: [] });
    await rm(folder, { recursive: true });
    await mkdir(folder);
    const coco = JSON.parse(
      await readFile(join(await write('coco', 'pose', [posed, posed], skeletons), 'predictions.json'), 'utf8'),
    ) as { annotations: object[]; categories: object[] };
    expect(coco.categories[1]).toMatchObject({ keypoints: ['left', 'right', 'tip'], skeleton: [[1, 3]] });
    expect(coco.annotations[0]).toMatchObject({ keypoints: [12, 16, 2, 20, 12, 0, 28, 18, 2], num_keypoints: 2 });
  });

  test('boxes and masks as COCO’s annotations', async () => {
    const target = await write('coco', 'detection', [boxes, boxes]);
    const { annotations } = JSON.parse(await readFile(join(target, 'predictions.json'), 'utf8')) as {
      annotations: object[];
    };
    expect(annotations).toEqual([
      { id: 1, image_id: 1, category_id: 2, iscrowd: 0, bbox: [10, 10, 20, 10], area: 200, score: 0.9 },
      { id: 2, image_id: 2, category_id: 2, iscrowd: 0, bbox: [10, 10, 20, 10], area: 200, score: 0.9 },
    ]);
  });

  test('masks of single objects beside their boxes, as COCO’s annotations', async () => {
    const target = await write('coco', 'instance-segmentation', [boxes, outlined]);
    const { annotations } = JSON.parse(await readFile(join(target, 'predictions.json'), 'utf8')) as {
      annotations: { area: number; segmentation?: { size: number[]; counts: string } }[];
    };
    expect(annotations[0]!.segmentation).toBeUndefined();
    const { area, segmentation } = annotations[1]!;
    expect(area).toBe(20 * 5);
    expect(segmentation!.size).toEqual([40, 40]);
    const rle = { widthPx: 40, heightPx: 40, counts: decompressRle(segmentation!.counts)! };
    expect(rleBounds(rle)).toEqual([10, 10, 30, 15]);
  });

  test.each([
    ['classification', shares, '/photos/a.jpg,"dog, small",0.5,0.25,0.5,0.25'],
    ['detection', boxes, '/photos/a.jpg,"dog, small",0.9,10,10,30,20'],
    [
      'pose',
      { kind: 'boxes', boxes: [{ ...boxes.boxes[0]!, keypoints: [12, 16, 0.75] }] } as Seen,
      '/photos/a.jpg,"dog, small",0.9,10,10,30,20,12 16 0.75',
    ],
    ['instance-segmentation', outlined, '/photos/deeper/a.png,"dog, small",0.9,10,10,30,20,100'],
    ['segmentation', masks, '/photos/a.jpg,sky,32,0.5'],
  ] as const)('a table of %s', async (task, said, row) => {
    const target = await write('csv', task, [said, said]);
    expect((await readFile(join(target, 'predictions.csv'), 'utf8')).split('\n')).toContain(row);
  });

  test('nothing where something of it cannot be read', async () => {
    await expect(write('csv', 'classification', [shares])).rejects.toMatchObject({ code: 'not-found' });
    expect(await readdir(folder)).toEqual(['seen']);
  });
});
