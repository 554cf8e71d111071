/**
 * YOLO: one text file an image, one object a line, all numbers as shares of the image's width and height: "class cx cy w
 * h" for a box, "class x y x y x y …" for an outline, four corners for a rotated box, and with `kpt_shape` in data.yaml
 * the box and then its keypoints. data.yaml names the classes and the folders of the splits. An empty
 * text file means that the image shows nothing, a missing one that nobody looked. Written from the format's public
 * description; knows no files.
 */
import { parse, YAMLParseError } from 'yaml';
import { FoveaError } from '../contract/errors.ts';
import { bboxArea, cxcywhToXyxy, xyxyToCxcywh } from '../contract/geometry/box.ts';
import { maskRing } from '../contract/geometry/mask-ring.ts';
import { rleArea } from '../contract/geometry/rle.ts';
import { rotatedBoxCorners, shapeBounds, type Attributes, type Shape } from '../contract/model/annotation.ts';
import type { Split } from '../contract/model/dataset.ts';
import { uniqueNames, type ImageSize, type LabelProblem, type ParsedCategory, type ParsedLabels } from './labels.ts';
import { parseSkeleton } from './skeleton.ts';

/** What data.yaml says; places as they stand there. */
export interface YoloConfig {
  categories: ParsedCategory[];
  /** Folder that the splits are relative to; null where it says nothing. */
  path: string | null;
  /** Folders of images, or text files that list images. */
  places: Record<Split, string[]>;
  /** How many keypoints an object has, and whether two numbers or three stand for one; null where it is silent. */
  keypoints: { count: number; dimensions: 2 | 3 } | null;
  /** Whether objects of four points are rotated boxes (else outlines); null where it is silent, as most files are. */
  rotated: boolean | null;
  problems: LabelProblem[];
}

/** Null where the text is YAML, but no data set's. Throws FoveaError `bad-input` with the line where it is no YAML. */
export function parseYoloConfig(file: string, text: string): YoloConfig | null {
  const root = readYaml(file, text);
  if (!(root instanceof Map) || !root.has('names')) return null;
  const problems: LabelProblem[] = [];
  const report = (reason: string): void => void problems.push({ reason });
  const keypoints = readKeypointShape(root.get('kpt_shape'));
  const categories = readNames(root.get('names'), report);
  return {
    categories: keypoints === null ? categories : withSkeletons(categories, keypoints.count, root),
    path: typeof root.get('path') === 'string' ? (root.get('path') as string) : null,
    places: {
      train: readPlaces(root.get('train')),
      val: readPlaces(root.get('val') ?? root.get('valid')),
      test: readPlaces(root.get('test')),
    },
    keypoints,
    rotated: root.get('task') === 'obb' ? true : root.get('task') === 'segment' ? false : null,
    problems,
  };
}

function readYaml(file: string, text: string): unknown {
  try {
    // Maps, so that a key such as __proto__ is only a key; few aliases, so that a small file cannot grow without bound.
    return parse(text, { mapAsMap: true, maxAliasCount: 50, logLevel: 'error' });
  } catch (error) {
    const line = error instanceof YAMLParseError ? (error.linePos?.[0].line ?? null) : null;
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new FoveaError('bad-input', `${file}: this is no valid YAML (${message}).`, { file, line }, { cause: error });
  }
}

/** A list, or a map from class number to name, whose numbers may have gaps. */
function readNames(value: unknown, report: (reason: string) => void): ParsedCategory[] {
  const given: [number, string][] = [];
  const add = (key: unknown, name: unknown): void => {
    const number = typeof key === 'string' && /^\d+$/.test(key) ? Number(key) : key;
    const isName = ['string', 'number', 'boolean'].includes(typeof name);
    if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && isName)
      given.push([number, String(name)]);
    else report(`The class “${String(key)}” has no number or no name; it is left out.`);
  };
  if (value instanceof Map) value.forEach((name, key) => add(key, name));
  else if (Array.isArray(value)) value.forEach((name, index) => add(index, name));
  else report('“names” is neither a list nor a map.');
  given.sort((a, b) => a[0] - b[0]);
  const names = uniqueNames(
    given.map(([, name]) => name),
    report,
  );
  return given.map(([number], index) => ({ name: names[index] ?? '', sourceId: number === index ? null : number }));
}

function readPlaces(value: unknown): string[] {
  const places = Array.isArray(value) ? value : [value];
  return places.filter((place): place is string => typeof place === 'string' && place.trim() !== '');
}

function readKeypointShape(value: unknown): YoloConfig['keypoints'] {
  const [count, dimensions] = Array.isArray(value) ? (value as unknown[]) : [];
  const isShape = typeof count === 'number' && Number.isInteger(count) && count > 0 && count <= 1000;
  return isShape && (dimensions === 2 || dimensions === 3) ? { count, dimensions } : null;
}

/**
 * Where `flip_idx` says which points change places in a mirrored image, or `kpt_names` what they are called. Of classes that are
 * named beside others that are not, the others have no points.
 */
function withSkeletons(
  categories: readonly ParsedCategory[],
  count: number,
  root: ReadonlyMap<unknown, unknown>,
): ParsedCategory[] {
  const [flips, named] = [root.get('flip_idx'), root.get('kpt_names')];
  const flipped = Array.isArray(flips) ? (flips as unknown[]) : [];
  const isMirror = flipped.length === count && flipped.every((to, from) => flipped[Number(to)] === from);
  const pairs = isMirror
    ? flipped.flatMap((to, from): [number, number][] => (Number(to) > from ? [[from, Number(to)]] : []))
    : undefined;
  const namesOf = (category: ParsedCategory, place: number): unknown[] | null => {
    const own: unknown = named instanceof Map ? named.get(category.sourceId ?? place) : undefined;
    return Array.isArray(own) && own.length === count ? (own as unknown[]) : null;
  };
  const anyNamed = categories.some((category, place) => namesOf(category, place) !== null);
  return categories.map((category, place) => {
    const own = namesOf(category, place);
    if (own === null && (pairs === undefined || anyNamed)) return category;
    const names = own ?? Array.from({ length: count }, (_, i) => `point ${i + 1}`);
    const skeleton = parseSkeleton(names, [], pairs);
    return skeleton === null ? category : { ...category, skeleton };
  });
}

/** An object as it stands in the file. */
export interface YoloRow {
  line: number;
  classNumber: number;
  values: number[];
}

/** Normalised coordinates beyond this are no shares of an image's size. */
const FARTHEST_SHARE = 2;

/** The objects of one label file, before the image's size is known. */
export function parseYoloRows(
  text: string,
  keypoints: YoloConfig['keypoints'] = null,
): { rows: YoloRow[]; problems: LabelProblem[] } {
  const rows: YoloRow[] = [];
  const problems: LabelProblem[] = [];
  text.split(/\r\n|\n|\r/).forEach((content, index) => {
    const line = index + 1;
    const words = content.trim().split(/\s+/);
    if (words[0] === '' || words[0] === undefined) return;
    const [classNumber = NaN, ...values] = words.map(Number);
    const reason = rowProblem(words[0], classNumber, values, keypoints !== null);
    if (reason === null) rows.push({ line, classNumber, values });
    else problems.push({ line, reason });
  });
  return { rows, problems };
}

function rowProblem(
  classWord: string,
  classNumber: number,
  values: readonly number[],
  hasKeypoints: boolean,
): string | null {
  if (!Number.isSafeInteger(classNumber) || classNumber < 0) return `“${classWord.slice(0, 40)}” is no class number.`;
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) return 'A coordinate is not a number.';
  // A keypoint's visibility is no share; where it stands is known later.
  const far = hasKeypoints ? undefined : values.find((value) => Math.abs(value) > FARTHEST_SHARE);
  if (far !== undefined) {
    return `The coordinate ${far} is no share of the image's size (0 to 1); the file may hold pixels.`;
  }
  if (hasKeypoints && values.length > 5) return null;
  const isBox = values.length === 4 || values.length === 5;
  const isOutline = values.length >= 6 && values.length % 2 === 0;
  if (!isBox && !isOutline)
    return `${values.length} numbers follow the class: neither a box (4) nor an outline (6, 8 …).`;
  const [, , width = 0, height = 0] = values;
  return isBox && !(width > 0 && height > 0) ? 'The box has no area.' : null;
}

export interface YoloReading {
  /** Gives each class number its place in the list of classes, or undefined where there is no such class. */
  placeOf: (classNumber: number) => number | undefined;
  keypoints?: YoloConfig['keypoints'];
  /** Every object of the data set has four corners, so that they are rotated boxes where their angles are right ones. */
  rotated?: boolean;
}

export function placeYoloRows(rows: readonly YoloRow[], reading: YoloReading, size: ImageSize): ParsedLabels {
  const parsed: ParsedLabels = { labels: [], problems: [] };
  for (const { line, classNumber, values } of rows) {
    const category = reading.placeOf(classNumber);
    const read = category === undefined ? null : shapeOfRow(values, reading, size);
    if (category === undefined) {
      parsed.problems.push({ line, reason: `There is no class ${classNumber} in the list of classes.` });
    } else if (typeof read === 'string') parsed.problems.push({ line, reason: read });
    else if (read !== null) parsed.labels.push({ category, flags: [], ...read });
  }
  return parsed;
}

function shapeOfRow(
  values: readonly number[],
  { keypoints = null, rotated = false }: YoloReading,
  { widthPx, heightPx }: ImageSize,
): { shape: Shape; attributes: Attributes } | string {
  const x = (share: number | undefined): number => (share ?? 0) * widthPx;
  const y = (share: number | undefined): number => (share ?? 0) * heightPx;
  const box = (): [number, number, number, number] => [
    ...cxcywhToXyxy([x(values[0]), y(values[1]), x(values[2]), y(values[3])]),
  ];
  if (values.length <= 5) {
    const attributes: Attributes = values.length === 5 ? { confidence: values[4] ?? 0 } : {};
    return { shape: { kind: 'bbox', bboxXyxy: box() }, attributes };
  }
  if (keypoints !== null) {
    const { count, dimensions } = keypoints;
    if (values.length !== 4 + count * dimensions) {
      return `${values.length} numbers follow the class; a box and ${count} keypoints are ${4 + count * dimensions}.`;
    }
    const points = Array.from({ length: count }, (_, index) => {
      const at = 4 + index * dimensions;
      const isPlaced = values[at] !== 0 || values[at + 1] !== 0;
      const given = dimensions === 3 ? (values[at + 2] ?? 0) : isPlaced ? 2 : 0;
      const visibility = given >= 1.5 ? (2 as const) : given >= 0.5 ? (1 as const) : (0 as const);
      return { x: x(values[at]), y: y(values[at + 1]), visibility };
    });
    if (points.every(({ visibility }) => visibility === 0))
      return { shape: { kind: 'bbox', bboxXyxy: box() }, attributes: {} };
    return { shape: { kind: 'keypoints', points, bboxXyxy: box() }, attributes: {} };
  }
  const outer = values.map((value, at) => (at % 2 === 0 ? x(value) : y(value)));
  const turned = rotated ? rotatedBoxOfCorners(outer) : null;
  return { shape: turned ?? { kind: 'polygon', parts: [{ outer, holes: [] }] }, attributes: {} };
}

/** Corners may be this far from where a rectangle would have them. Image px. */
const CORNER_TOLERANCE_PX = 1.5;

/** Four corners as a rotated box; null where they are not those of a rectangle. */
function rotatedBoxOfCorners(corners: readonly number[]): Extract<Shape, { kind: 'rotated-box' }> | null {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, x3 = 0, y3 = 0, x4 = 0, y4 = 0] = corners;
  if (corners.length !== 8) return null;
  const isBackward = (x2 - x1) * (y4 - y1) - (y2 - y1) * (x4 - x1) < 0;
  if (isBackward) return rotatedBoxOfCorners([x1, y1, x4, y4, x3, y3, x2, y2]);
  const [widthPx, heightPx] = [Math.hypot(x2 - x1, y2 - y1), Math.hypot(x4 - x1, y4 - y1)];
  if (widthPx === 0 || heightPx === 0) return null;
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const [cx, cy] = [(x1 + x2 + x3 + x4) / 4, (y1 + y2 + y3 + y4) / 4];
  const box = { kind: 'rotated-box' as const, cx, cy, widthPx, heightPx, angleDegrees: (angle * 180) / Math.PI };
  const isRectangle = rotatedBoxCorners(box).every(
    (value, at) => Math.abs(value - (corners[at] ?? 0)) <= CORNER_TOLERANCE_PX,
  );
  return isRectangle ? box : null;
}

export type YoloTask = 'detect' | 'segment' | 'obb' | 'pose';

export interface YoloLabel {
  category: number;
  shape: Shape;
}

/** One label file; `keypointCount` is how many each object gets. What the task cannot hold is left out or made a box, as the report of the export says. */
export function serialiseYoloLabels(
  labels: readonly YoloLabel[],
  task: YoloTask,
  size: ImageSize,
  keypointCount = 0,
): string {
  return labels
    .flatMap(({ category, shape }) =>
      yoloValues(shape, task, size, keypointCount).map((values) => `${[category, ...values.map(share)].join(' ')}\n`),
    )
    .join('');
}

/** Nine digits: less than a thousandth of a pixel in any image. */
function share(value: number): number {
  return Number(value.toFixed(9));
}

function yoloValues(shape: Shape, task: YoloTask, { widthPx, heightPx }: ImageSize, keypointCount: number): number[][] {
  const shares = (ring: readonly number[]): number[] =>
    ring.map((value, at) => value / (at % 2 === 0 ? widthPx : heightPx));
  if (task === 'segment' && shape.kind === 'polygon') return shape.parts.map(({ outer }) => shares(outer));
  if (task === 'segment' && shape.kind === 'mask' && rleArea(shape.rle) > 0) return [shares(maskRing(shape.rle))];
  if (task === 'segment' && shape.kind === 'rotated-box') return [shares(rotatedBoxCorners(shape))];
  const bounds = shapeBounds(shape);
  if (bounds === null || bboxArea(bounds) === 0) return [];
  const [x1, y1, x2, y2] = bounds;
  if (task === 'obb') {
    return [shares(shape.kind === 'rotated-box' ? rotatedBoxCorners(shape) : [x1, y1, x2, y1, x2, y2, x1, y2])];
  }
  const [cx, cy, width, height] = xyxyToCxcywh(bounds);
  const box = [cx / widthPx, cy / heightPx, width / widthPx, height / heightPx];
  if (task !== 'pose') return [box];
  const points = Array.from({ length: keypointCount }, (_, index) => {
    const point = shape.kind === 'keypoints' ? shape.points[index] : undefined;
    if (point === undefined || point.visibility === 0) return [0, 0, 0];
    return [point.x / widthPx, point.y / heightPx, point.visibility];
  });
  return [[...box, ...points.flat()]];
}

/** What the points of objects are. */
export interface YoloPoints {
  count: number;
  /** The place that each one takes in a mirrored image; null where nothing says it. */
  mirrored: readonly number[] | null;
  /** Of each class; null where they have no names, or are not as many. */
  names: readonly (readonly string[] | null)[];
}

/** data.yaml; classes are numbered by their place. `points` is null for all tasks but pose. */
export function serialiseYoloConfig(
  names: readonly string[],
  places: Partial<Record<Split, string>>,
  points: YoloPoints | null = null,
  task: YoloTask | null = null,
): string {
  const lines = Object.entries(places).map(([split, place]) => `${split}: ${JSON.stringify(place)}\n`);
  const classes = names.map((name, index) => `  ${index}: ${JSON.stringify(name)}\n`); // JSON strings are YAML strings.
  const keypoints = points === null ? '' : `\n${pointLines(points)}`;
  // A key that other tools pass over: four points are an outline and a rotated box alike.
  const kind = task === null ? '' : `\ntask: ${task}\n`;
  return `path: .\n${lines.join('')}${kind}${keypoints}\nnames:\n${classes.join('')}`;
}

function pointLines({ count, mirrored, names }: YoloPoints): string {
  const named = names.flatMap((own, place) =>
    own?.length === count ? [`  ${place}: [${own.map((name) => JSON.stringify(name)).join(', ')}]\n`] : [],
  );
  return [
    `kpt_shape: [${count}, 3]\n`,
    ...(mirrored?.length === count ? [`flip_idx: [${mirrored.join(', ')}]\n`] : []),
    ...(named.length > 0 ? ['kpt_names:\n', ...named] : []),
  ].join('');
}
