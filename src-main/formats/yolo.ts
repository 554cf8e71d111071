/**
 * YOLO: one text file an image, one object a line, all numbers as shares of the image's width and height: "class cx cy w
 * h" for a box, "class x y x y x y …" for an outline. data.yaml names the classes and the folders of the splits. An empty
 * text file means that the image shows nothing, a missing one that nobody looked. Written from the format's public
 * description; knows no files.
 */
import { parse, YAMLParseError } from 'yaml';
import { FoveaError } from '../contract/errors.ts';
import { bboxArea, cxcywhToXyxy, xyxyToCxcywh } from '../contract/geometry/box.ts';
import { shapeBounds, type Attributes, type Shape } from '../contract/model/annotation.ts';
import type { Split } from '../contract/model/dataset.ts';
import { uniqueNames, type ImageSize, type LabelProblem, type ParsedCategory, type ParsedLabels } from './labels.ts';

/** What data.yaml says; places as they stand there. */
export interface YoloConfig {
  categories: ParsedCategory[];
  /** Folder that the splits are relative to; null where it says nothing. */
  path: string | null;
  /** Folders of images, or text files that list images. */
  places: Record<Split, string[]>;
  problems: LabelProblem[];
}

/** Null where the text is YAML, but no data set's. Throws FoveaError `bad-input` with the line where it is no YAML. */
export function parseYoloConfig(file: string, text: string): YoloConfig | null {
  const root = readYaml(file, text);
  if (!(root instanceof Map) || !root.has('names')) return null;
  const problems: LabelProblem[] = [];
  const report = (reason: string): void => void problems.push({ reason });
  return {
    categories: readNames(root.get('names'), report),
    path: typeof root.get('path') === 'string' ? (root.get('path') as string) : null,
    places: {
      train: readPlaces(root.get('train')),
      val: readPlaces(root.get('val') ?? root.get('valid')),
      test: readPlaces(root.get('test')),
    },
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

/** An object as it stands in the file. */
export interface YoloRow {
  line: number;
  classNumber: number;
  values: number[];
}

/** Normalised coordinates beyond this are no shares of an image's size. */
const FARTHEST_SHARE = 2;

/** The objects of one label file, before the image's size is known. */
export function parseYoloRows(text: string): { rows: YoloRow[]; problems: LabelProblem[] } {
  const rows: YoloRow[] = [];
  const problems: LabelProblem[] = [];
  text.split(/\r\n|\n|\r/).forEach((content, index) => {
    const line = index + 1;
    const words = content.trim().split(/\s+/);
    if (words[0] === '' || words[0] === undefined) return;
    const [classNumber = NaN, ...values] = words.map(Number);
    const reason = rowProblem(words[0], classNumber, values);
    if (reason === null) rows.push({ line, classNumber, values });
    else problems.push({ line, reason });
  });
  return { rows, problems };
}

function rowProblem(classWord: string, classNumber: number, values: readonly number[]): string | null {
  if (!Number.isSafeInteger(classNumber) || classNumber < 0) return `“${classWord.slice(0, 40)}” is no class number.`;
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) return 'A coordinate is not a number.';
  const far = values.find((value) => Math.abs(value) > FARTHEST_SHARE);
  if (far !== undefined) {
    return `The coordinate ${far} is no share of the image's size (0 to 1); the file may hold pixels.`;
  }
  const isBox = values.length === 4 || values.length === 5;
  const isOutline = values.length >= 6 && values.length % 2 === 0;
  if (!isBox && !isOutline)
    return `${values.length} numbers follow the class: neither a box (4) nor an outline (6, 8 …).`;
  const [, , width = 0, height = 0] = values;
  return isBox && !(width > 0 && height > 0) ? 'The box has no area.' : null;
}

/** `placeOf` gives each class number its place in the list of classes, or undefined where there is no such class. */
export function placeYoloRows(
  rows: readonly YoloRow[],
  placeOf: (classNumber: number) => number | undefined,
  { widthPx, heightPx }: ImageSize,
): ParsedLabels {
  const parsed: ParsedLabels = { labels: [], problems: [] };
  for (const { line, classNumber, values } of rows) {
    const category = placeOf(classNumber);
    if (category === undefined) {
      parsed.problems.push({ line, reason: `There is no class ${classNumber} in the list of classes.` });
      continue;
    }
    const scaled = values.map((value, at) => value * (at % 2 === 0 ? widthPx : heightPx));
    const [cx = 0, cy = 0, width = 0, height = 0] = scaled;
    const shape: Shape =
      values.length <= 5
        ? { kind: 'bbox', bboxXyxy: [...cxcywhToXyxy([cx, cy, width, height])] }
        : { kind: 'polygon', parts: [{ outer: scaled, holes: [] }] };
    const confidence: Attributes = values.length === 5 ? { confidence: values[4] ?? 0 } : {};
    parsed.labels.push({ category, shape, flags: [], attributes: confidence });
  }
  return parsed;
}

export type YoloTask = 'detect' | 'segment';

export interface YoloLabel {
  category: number;
  shape: Shape;
}

/** One label file. What the task cannot hold is left out or made a box; `describeYoloLoss` says so beforehand. */
export function serialiseYoloLabels(labels: readonly YoloLabel[], task: YoloTask, size: ImageSize): string {
  return labels
    .flatMap(({ category, shape }) =>
      yoloValues(shape, task, size).map((values) => `${[category, ...values.map(share)].join(' ')}\n`),
    )
    .join('');
}

/** Nine digits: less than a thousandth of a pixel in any image. */
function share(value: number): number {
  return Number(value.toFixed(9));
}

function yoloValues(shape: Shape, task: YoloTask, { widthPx, heightPx }: ImageSize): number[][] {
  if (task === 'segment' && shape.kind === 'polygon') {
    return shape.parts.map(({ outer }) => outer.map((value, at) => value / (at % 2 === 0 ? widthPx : heightPx)));
  }
  const bounds = shapeBounds(shape);
  if (bounds === null || bboxArea(bounds) === 0) return [];
  const [cx, cy, width, height] = xyxyToCxcywh(bounds);
  return [[cx / widthPx, cy / heightPx, width / widthPx, height / heightPx]];
}

/** data.yaml; classes are numbered by their place. */
export function serialiseYoloConfig(names: readonly string[], places: Partial<Record<Split, string>>): string {
  const lines = Object.entries(places).map(([split, place]) => `${split}: ${JSON.stringify(place)}\n`);
  const classes = names.map((name, index) => `  ${index}: ${JSON.stringify(name)}\n`); // JSON strings are YAML strings.
  return `path: .\n${lines.join('')}\nnames:\n${classes.join('')}`;
}
