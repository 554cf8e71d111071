/** Random labels survive being written and read where the format can hold them. A failure names the seed to repeat it. */
import { expect, test } from 'vitest';
import { rasterisePolygon } from '../../src-main/contract/geometry/polygon.ts';
import { encodeRle, rleIou } from '../../src-main/contract/geometry/rle.ts';
import type { AnnotationFlag, Attributes, Shape } from '../../src-main/contract/model/annotation.ts';
import { cocoAnnotation, parseCocoLabel } from '../../src-main/formats/coco.ts';
import { lossesOf } from '../../src-main/formats/export-loss.ts';
import { readJsonElements } from '../../src-main/formats/json-elements.ts';
import {
  parseYoloConfig,
  parseYoloRows,
  placeYoloRows,
  serialiseYoloConfig,
  serialiseYoloLabels,
} from '../../src-main/formats/yolo.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const SEED = Number(process.env['FOVEA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const CASES = 20;
const LABELS = 60;
const seeds = Array.from({ length: CASES }, (_, index) => (SEED + index) >>> 0);

type Random = () => number;
interface Size {
  widthPx: number;
  heightPx: number;
}
interface Label {
  category: number;
  shape: Shape;
  flags: AnnotationFlag[];
  attributes: Attributes;
}

const whole = (random: Random, most: number): number => Math.floor(random() * most);

function randomSize(random: Random): Size {
  return { widthPx: 1 + whole(random, 400), heightPx: 1 + whole(random, 400) };
}

function randomBox(random: Random, { widthPx, heightPx }: Size): [number, number, number, number] {
  const [x, y] = [random() * widthPx, random() * heightPx];
  return [x, y, x + 0.01 + random() * widthPx, y + 0.01 + random() * heightPx]; // may reach out of the image
}

function randomRing(random: Random, { widthPx, heightPx }: Size): number[] {
  return Array.from({ length: 2 * (3 + whole(random, 8)) }, (_, at) => random() * (at % 2 === 0 ? widthPx : heightPx));
}

function randomMask(random: Random, size: Size): Shape {
  const density = random();
  const pixels = new Uint8Array(size.widthPx * size.heightPx).map(() => (random() < density ? 1 : 0));
  return { kind: 'mask', rle: { ...encodeRle(pixels, size), counts: [...encodeRle(pixels, size).counts] } };
}

function randomShape(random: Random, size: Size, kinds: readonly Shape['kind'][]): Shape {
  switch (kinds[whole(random, kinds.length)]) {
    case 'polygon': {
      const holes = (): number[][] => Array.from({ length: whole(random, 3) }, () => randomRing(random, size));
      const parts = Array.from({ length: 1 + whole(random, 3) }, () => ({
        outer: randomRing(random, size),
        holes: holes(),
      }));
      return { kind: 'polygon', parts };
    }
    case 'mask':
      return randomMask(random, size);
    case 'keypoints': {
      const points = Array.from({ length: 1 + whole(random, 17) }, () => ({
        x: random() * size.widthPx,
        y: random() * size.heightPx,
        visibility: 2 as const,
      }));
      return { kind: 'keypoints', points, bboxXyxy: randomBox(random, size) };
    }
    default:
      return { kind: 'bbox', bboxXyxy: randomBox(random, size) };
  }
}

const NAMES = ['cat', 'it’s', '"quoted"', 'a: b', '- x', 'naïve 猫', '../up', 'two\nlines', '#no', 'yes', '3', ' ~ '];

console.log(`label round trip: FOVEA_TEST_SEED=${SEED}`);

test.each(seeds)('COCO, seed %i', async (seed) => {
  const random = seededRandom(seed);
  const size = randomSize(random);
  const labels = Array.from({ length: LABELS }, (): Label => ({
    category: whole(random, NAMES.length),
    shape: randomShape(random, size, ['bbox', 'polygon', 'mask', 'keypoints']),
    flags: random() < 0.3 ? ['crowd'] : [],
    attributes: random() < 0.3 ? { [NAMES[whole(random, NAMES.length)]!]: NAMES[whole(random, NAMES.length)]! } : {},
  }));
  // What covers nothing has no annotation.
  const annotations = labels
    .map((label, id) => cocoAnnotation(label, { id, imageId: 3, categoryId: label.category * 7 }, size))
    .filter((written) => written !== null);
  const bytes = new TextEncoder().encode(JSON.stringify({ annotations }, null, random() < 0.5 ? 1 : 0));
  const read = [];
  for await (const some of readJsonElements('x', [bytes], ['annotations']))
    for (const { value } of some) read.push(parseCocoLabel(value));
  expect(read).toHaveLength(labels.filter(({ shape }) => shape.kind !== 'mask' || shape.rle.counts.length > 1).length);
  const expected = labels.filter(({ shape }) => shape.kind !== 'mask' || shape.rle.counts.length > 1);
  read.forEach((label, index) => {
    const { shape, category, flags, attributes } = expected[index]!;
    if (typeof label === 'string') throw new Error(label);
    expect(label).toMatchObject({ categoryId: category * 7, flags, attributes, note: null });
    expectSameShape(label.shape, shape, size);
  });
});

/** A polygon with holes has become a mask that covers the same pixels; everything else is as it was. */
function expectSameShape(found: Shape, wanted: Shape, size: Size): void {
  if (wanted.kind === 'polygon' && wanted.parts.some(({ holes }) => holes.length > 0)) {
    const pixels = rasterisePolygon(wanted.parts, size);
    if (found.kind !== 'mask') throw new Error(`expected a mask, found ${found.kind}`);
    expect(found.rle).toEqual(pixels);
    if (pixels.counts.length > 1) expect(rleIou(found.rle, pixels)).toBe(1);
    expect(lossesOf({ shape: wanted, flags: [], attributes: {}, provenance: { by: 'import' } }, 'coco')).toEqual([
      'holeMask',
    ]);
  } else if (wanted.kind === 'bbox' || wanted.kind === 'keypoints') {
    // A width is a difference of two numbers, so that the far side may differ in the last digit.
    const { bboxXyxy, ...rest } = found as Extract<Shape, { kind: 'bbox' | 'keypoints' }>;
    const { bboxXyxy: wantedBox, ...wantedRest } = wanted;
    expect(rest).toEqual(wantedRest);
    bboxXyxy?.forEach((value, at) => expect(value).toBeCloseTo(wantedBox![at]!, 9));
  } else {
    expect(found).toEqual(wanted);
  }
}

test.each(seeds)('YOLO, seed %i', (seed) => {
  const random = seededRandom(seed);
  const size = randomSize(random);
  const task = random() < 0.5 ? 'detect' : 'segment';
  const labels = Array.from({ length: LABELS }, () => ({
    category: whole(random, NAMES.length),
    shape: randomShape(random, size, task === 'detect' ? ['bbox'] : ['polygon']),
  }));
  const { rows, problems } = parseYoloRows(serialiseYoloLabels(labels, task, size));
  expect(problems).toEqual([]);
  const placed = placeYoloRows(rows, { placeOf: (number) => number }, size);
  expect(placed.problems).toEqual([]);
  // Each part is an object of its own, without its holes, as the report of the export says.
  const expected = labels.flatMap(({ category, shape }) =>
    shape.kind === 'polygon'
      ? shape.parts.map(({ outer }) => [category, ...outer])
      : [[category, ...(shape.kind === 'bbox' ? shape.bboxXyxy : [])]],
  );
  const found = placed.labels.map(({ category, shape }) => [
    category,
    ...(shape.kind === 'polygon' ? shape.parts[0]!.outer : shape.kind === 'bbox' ? shape.bboxXyxy : []),
  ]);
  expect(found.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  found.flat().forEach((value, at) => expect(value).toBeCloseTo(expected.flat()[at]!, 5));
});

test('hostile class names survive data.yaml', () => {
  const names = NAMES.map((name) => name.trim());
  const config = parseYoloConfig('data.yaml', serialiseYoloConfig(names, { train: 'images/train' }));
  expect(config?.categories.map(({ name }) => name)).toEqual(names);
  expect(config?.problems).toEqual([]);
  expect(config?.places.train).toEqual(['images/train']);
});
