/** Label files as other tools write them, and as nobody should: what is right is read, what is wrong is named with its line. */
import { expect, test } from 'vitest';
import { cocoAnnotation, parseCocoImage, parseCocoLabel } from '../../src-main/formats/coco.ts';
import { resolveInside, splitOfPath } from '../../src-main/formats/image-files.ts';
import { readJsonElements } from '../../src-main/formats/json-elements.ts';
import { parseLabelme } from '../../src-main/formats/labelme.ts';
import { countsFromZero, parseVoc, placeVocObjects } from '../../src-main/formats/voc.ts';
import { parseYoloConfig, parseYoloRows, placeYoloRows } from '../../src-main/formats/yolo.ts';
import { errorOf, rejectionOf } from '../helpers/errors.ts';

const size = { widthPx: 200, heightPx: 100 };
const same = (number: number): number | undefined => (number < 3 ? number : undefined);

test('YOLO boxes and outlines in pixels', () => {
  const { rows, problems } = parseYoloRows('0 0.5 0.5 0.25 0.5\r\n\n2 0 0 0.5 0 0.5 1\n1.0 0.1 0.1 0.1 0.1 0.9\n');
  expect(problems).toEqual([]);
  expect(placeYoloRows(rows, { placeOf: same }, size).labels).toEqual([
    { category: 0, shape: { kind: 'bbox', bboxXyxy: [75, 25, 125, 75] }, flags: [], attributes: {} },
    {
      category: 2,
      shape: { kind: 'polygon', parts: [{ outer: [0, 0, 100, 0, 100, 100], holes: [] }] },
      flags: [],
      attributes: {},
    },
    {
      category: 1,
      shape: { kind: 'bbox', bboxXyxy: [10, 5, 30, 15] },
      flags: [],
      attributes: { confidence: 0.9 },
    },
  ]);
});

test.each([
  ['cat 0.5 0.5 0.1 0.1', '“cat” is no class number.'],
  ['-1 0.5 0.5 0.1 0.1', '“-1” is no class number.'],
  ['1e400 0.5 0.5 0.1 0.1', '“1e400” is no class number.'],
  ['0 nan 0.5 0.1 0.1', 'A coordinate is not a number.'],
  ['0 0.5 0.5 inf 0.1', 'A coordinate is not a number.'],
  ['0 320 240 50 50', 'The coordinate 320 is no share'],
  ['0 0.5 0.5 1e308 0.1', 'The coordinate 1e+308 is no share'],
  ['0 0.5 0.5 0 0.1', 'The box has no area.'],
  ['0 0.5 0.5', '2 numbers follow the class'],
  ['0 0.1 0.1 0.2 0.2 0.3 0.3 0.4', '7 numbers follow the class'],
])('YOLO: “%s” is named with its line, and its neighbours are read', (line, reason) => {
  const { rows, problems } = parseYoloRows(`0 0.5 0.5 0.1 0.1\n${line}\n1 0.5 0.5 0.1 0.1`);
  expect(rows.map((row) => row.line)).toEqual([1, 3]);
  expect(problems).toEqual([{ line: 2, reason: expect.stringContaining(reason) as string }]);
});

test('YOLO: a class that the list does not have', () => {
  const { rows } = parseYoloRows('0 0.5 0.5 0.1 0.1\n999999999 0.5 0.5 0.1 0.1');
  const { labels, problems } = placeYoloRows(rows, { placeOf: same }, size);
  expect(labels).toHaveLength(1);
  expect(problems).toEqual([{ line: 2, reason: 'There is no class 999999999 in the list of classes.' }]);
});

test('data.yaml: names as a list, as a map with gaps, twice the same', () => {
  const list = parseYoloConfig('data.yaml', 'train: images/train\nval: [a, b]\nnames: [cat, dog, cat]\nnc: 3');
  expect(list?.categories.map(({ name }) => name)).toEqual(['cat', 'dog', 'cat (2)']);
  expect(list?.places).toEqual({ train: ['images/train'], val: ['a', 'b'], test: [] });
  expect(list?.problems).toHaveLength(1);
  const map = parseYoloConfig('data.yaml', 'path: ../x\nnames:\n  7: "it\'s, \\"7\\""\n  0: yes\n  __proto__: bad\n');
  expect(map?.categories).toEqual([
    { name: 'yes', sourceId: null },
    { name: 'it\'s, "7"', sourceId: 7 },
  ]);
  expect(map?.problems[0]?.reason).toContain('__proto__');
  expect(parseYoloConfig('config.yaml', 'just: settings')).toBeNull();
});

test('data.yaml: broken and malicious YAML', () => {
  const error = errorOf(() => parseYoloConfig('data.yaml', 'names:\n  - cat\n - dog: ['));
  expect(error.code).toBe('bad-input');
  expect(error.message).toMatch(/^data\.yaml: this is no valid YAML/);
  const level = (name: string, of: string): string => `${name}: &${name} [${Array(9).fill(`*${of}`).join(', ')}]\n`;
  const letters = 'abcdefghijk'.split('');
  const bomb = `a: &a [x, x]\n${letters
    .slice(1)
    .map((name, at) => level(name, letters[at]!))
    .join('')}names: *k`;
  expect(errorOf(() => parseYoloConfig('bomb.yaml', bomb)).message).toMatch(/alias/i);
});

const voc = (objects: string, size = '<size><width>200</width><height>100</height></size>'): string =>
  `<annotation><filename>a.jpg</filename>${size}${objects}</annotation>`;
const box = (xmin: unknown, ymin: unknown, xmax: unknown, ymax: unknown): string =>
  `<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox>`;

test('VOC counts from 1 with inclusive ends; where a box begins at 0 it does not', () => {
  const flags = '<pose>Left</pose><truncated>1</truncated><difficult>0</difficult><occluded>1</occluded>';
  const parsed = parseVoc('a.xml', voc(`<object><name> cat </name>${flags}${box(1, 1, 10, 20)}</object>`))!;
  expect(parsed).toMatchObject({ fileName: 'a.jpg', size: { widthPx: 200, heightPx: 100 }, problems: [] });
  expect(countsFromZero(parsed)).toBe(false);
  expect(placeVocObjects(parsed.objects, () => 4, 1).labels).toEqual([
    {
      category: 4,
      shape: { kind: 'bbox', bboxXyxy: [0, 0, 10, 20] },
      flags: ['occluded', 'truncated'],
      attributes: { pose: 'Left' },
    },
  ]);
  const zero = parseVoc('a.xml', voc(`<object><name>cat</name>${box(0, 3, 10, 20)}</object>`))!;
  expect(countsFromZero(zero)).toBe(true);
  expect(placeVocObjects(zero.objects, () => 0, 0).labels[0]?.shape).toEqual({
    kind: 'bbox',
    bboxXyxy: [0, 3, 10, 20],
  });
});

test.each([
  [`<object>${box(1, 1, 2, 2)}</object>`, 'An object has no name.'],
  ['<object><name>cat</name></object>', '“cat” has no bndbox'],
  [`<object><name>cat</name>${box(1, 'NaN', 2, 2)}</object>`, 'not four plausible numbers'],
  [`<object><name>cat</name>${box(1, 1, 1e300, 2)}</object>`, 'not four plausible numbers'],
  [`<object><name>cat</name>${box(9, 1, 2, 2)}</object>`, 'turned inside out'],
])('VOC: %s', (object, reason) => {
  const good = `<object><name>dog</name>${box(1, 1, 2, 2)}</object>`;
  const parsed = parseVoc('a.xml', voc(`${good}\n${object}`))!;
  expect(parsed.objects).toHaveLength(1);
  expect(parsed.problems).toEqual([{ line: 2, reason: expect.stringContaining(reason) as string }]);
});

test('XML that is broken, declares entities or nests without end', () => {
  expect(errorOf(() => parseVoc('a.xml', '<annotation>\n<object>\n</annotation>')).message).toMatch(
    /^a\.xml: line 3: this is no valid XML/,
  );
  const entities = `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "ha">]><annotation><filename>&x;</filename></annotation>`;
  expect(errorOf(() => parseVoc('a.xml', entities)).message).toContain('undefined entity');
  expect(errorOf(() => parseVoc('a.xml', '<a>'.repeat(500))).message).toContain('nested too deeply');
  expect(parseVoc('a.xml', '<svg/>')).toBeNull();
});

test('COCO: every kind of label', () => {
  const ids = { id: 1, image_id: 7, category_id: 90 };
  expect(parseCocoLabel({ ...ids, bbox: [1, 2, 3, 4], iscrowd: 0, attributes: { occluded: true, deep: {} } })).toEqual({
    imageId: 7,
    categoryId: 90,
    shape: { kind: 'bbox', bboxXyxy: [1, 2, 4, 6] },
    flags: [],
    attributes: { occluded: true },
    note: null,
  });
  const parts = parseCocoLabel({
    ...ids,
    segmentation: [
      [0, 0, 4, 0, 4, 4],
      [1, 2, 3],
      [9, 9, 12, 9, 12, 12],
    ],
  });
  expect(parts).toMatchObject({
    shape: { kind: 'polygon', parts: [{ outer: [0, 0, 4, 0, 4, 4] }, { outer: [9, 9, 12, 9, 12, 12] }] },
    note: '1 of the 3 parts of its outline are no rings; they are left out.',
  });
  const crowd = { size: [4, 5], counts: [6, 4, 10] };
  const text = { size: [4, 5], counts: '64:' };
  for (const segmentation of [crowd, text]) {
    expect(parseCocoLabel({ ...ids, segmentation, iscrowd: 1 })).toMatchObject({
      shape: { kind: 'mask', rle: { widthPx: 5, heightPx: 4, counts: [6, 4, 10] } },
      flags: ['crowd'],
    });
  }
  expect(parseCocoLabel({ ...ids, bbox: [0, 0, 9, 9], keypoints: [3, 4, 2, 0, 0, 0], num_keypoints: 1 })).toMatchObject(
    {
      shape: {
        kind: 'keypoints',
        bboxXyxy: [0, 0, 9, 9],
        points: [
          { x: 3, y: 4, visibility: 2 },
          { x: 0, y: 0, visibility: 0 },
        ],
      },
    },
  );
});

test.each([
  [null, 'no object'],
  [{ id: 3 }, 'Annotation 3 has no image_id'],
  [{ image_id: 1, category_id: 1 }, 'neither a box nor an outline'],
  [{ image_id: 1, category_id: 1, bbox: [1, 2, 3] }, 'not four plausible numbers'],
  [{ image_id: 1, category_id: 1, bbox: [0, 0, 1e300, 1] }, 'not four plausible numbers'],
  [{ image_id: 1, category_id: 1, bbox: [0, 0, 0, 5] }, 'no area'],
  [{ image_id: 1, category_id: 1, segmentation: [[1, 2]] }, 'no ring of three plausible points'],
  [{ image_id: 1, category_id: 1, segmentation: 'x' }, 'neither a list of rings nor run lengths'],
  [{ image_id: 1, category_id: 1, segmentation: { size: [4, 4], counts: [99] } }, 'cover more than 16 pixels'],
  [{ image_id: 1, category_id: 1, segmentation: { size: [4, 4], counts: '~~' } }, 'cannot be read'],
  [{ image_id: 1, category_id: 1, segmentation: { size: [1e9, 1e9], counts: [1] } }, 'no plausible size'],
  [{ image_id: 1, category_id: 1, keypoints: [1, 2] }, 'not triples'],
])('COCO: %j is refused with a reason', (value, reason) => {
  expect(parseCocoLabel(value)).toContain(reason);
});

test('COCO: an image without a name', () => {
  expect(parseCocoImage({ id: 4, file_name: 'a/b.jpg' })).toEqual({ id: 4, fileName: 'a/b.jpg' });
  expect(parseCocoImage({ id: 4 })).toBe('Image 4 has no file_name.');
  expect(parseCocoImage({ id: 'x', file_name: 'a' })).toBe('An image has no id.');
});

test('COCO: a class of the whole image has no place', () => {
  const label = { shape: { kind: 'classification' as const }, flags: [], attributes: {} };
  expect(cocoAnnotation(label, { id: 1, imageId: 1, categoryId: 1 }, size)).toBeNull();
});

async function elements(text: string, chunkLength: number): Promise<[string, number, unknown][]> {
  const bytes = new TextEncoder().encode(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkLength) }, (_, at) =>
    bytes.subarray(at * chunkLength, (at + 1) * chunkLength),
  );
  const found: [string, number, unknown][] = [];
  for await (const some of readJsonElements('x.json', chunks, ['a', 'b']))
    for (const { key, line, value } of some) found.push([key, line, value]);
  return found;
}

test('elements of a JSON file, however its bytes arrive', async () => {
  const text = `\uFEFF{ "info": {"a": [1, {"a": [2]}], "s": "a"},
    "a": [ {"x": "é \\" ] } ,"}, [1, [2]], 3.5, "s, t", null ,true],
    "other": [9], "b": [],
    "a": "a", "z": "b", "b": [{"q": {"a": [1, 2]}}
    ] }\n`;
  const expected = [
    ['a', 2, { x: 'é " ] } ,' }],
    ['a', 2, [1, [2]]],
    ['a', 2, 3.5],
    ['a', 2, 's, t'],
    ['a', 2, null],
    ['a', 2, true],
    ['b', 4, { q: { a: [1, 2] } }],
  ];
  for (const length of [1, 2, 3, 7, 1000])
    expect(await elements(text, length), `chunks of ${length}`).toEqual(expected);
});

test.each([
  ['{"a": [1, 2', 'line 1: the file ends in the middle'],
  ['{"a": [1,\n{"b" 2}]}', 'line 2: an element of “a” is no valid JSON'],
  ['[1, 2]', 'line 1: the file is no JSON object'],
  ['hello', 'line 1: the file is no JSON object'],
  ['{"a": [1]}}', 'more text follows'],
])('JSON that is none: %s', async (text, reason) => {
  expect((await rejectionOf(elements(text, 5))).message).toContain(reason);
});

test('labelme: polygons, rectangles, circles, groups, and what has no area', () => {
  const shape = (label: string, type: string, points: number[][], group: number | null = null) => ({
    ...{ label, points, shape_type: type, group_id: group, flags: {} },
  });
  const shapes = [
    shape(
      'cat',
      'polygon',
      [
        [0, 0],
        [4, 0],
        [4, 4],
      ],
      1,
    ),
    shape(
      'cat',
      'polygon',
      [
        [9, 9],
        [12, 9],
        [12, 12],
      ],
      1,
    ),
    shape('dog', 'rectangle', [
      [5, 6],
      [1, 2],
    ]),
    shape('dog', 'circle', [
      [5, 5],
      [5, 8],
    ]),
    shape('dog', 'line', [
      [5, 5],
      [5, 8],
    ]),
    shape('dog', 'polygon', [
      [0, 0],
      [4, 0],
    ]),
    { label: 7 },
  ];
  const parsed = parseLabelme('a.json', JSON.stringify({ shapes, imagePath: '..\\a.jpg' }))!;
  expect(parsed.objects.map(({ name, shape: found }) => [name, found.kind])).toEqual([
    ['cat', 'polygon'],
    ['dog', 'bbox'],
    ['dog', 'polygon'],
  ]);
  expect(parsed.objects[0]?.shape).toMatchObject({ parts: [{}, {}] });
  expect(parsed.objects[1]?.shape).toMatchObject({ bboxXyxy: [1, 2, 5, 6] });
  expect(parsed.problems.map(({ reason }) => reason.slice(0, 8))).toEqual(['Shape 5:', 'Shape 6:', 'Shape 7:']);
  expect(parseLabelme('a.json', '{"images": []}')).toBeNull();
});

test('no name leads out of the folder', () => {
  expect(resolveInside('a/b', '../c/./d.jpg')).toBe('a/c/d.jpg');
  expect(resolveInside('a', '..')).toBe('');
  for (const bad of ['../x', 'a/../../x', '/etc/passwd', 'C:\\x', '\\\\server\\x', '..\\x'])
    expect(resolveInside(bad), bad).toBeNull();
});

test.each([
  ['images/train2017/a.jpg', 'train'],
  ['valid/images/a.jpg', 'val'],
  ['Test/a.jpg', 'test'],
  ['training-data/a.jpg', null],
])('%s speaks of %s', (path, split) => {
  expect(splitOfPath(path)).toBe(split);
});
