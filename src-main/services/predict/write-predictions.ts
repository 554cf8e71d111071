/**
 * Predictions in the forms that other tools read. What is said of an image is decided here, with the person's settings. Runs
 * in the worker; what is written is there whole or not at all.
 */
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { invariant } from '../../contract/errors.ts';
import { bboxArea, xyxyToXywh } from '../../contract/geometry/box.ts';
import { numbersPerPoint } from '../../contract/geometry/keypoints.ts';
import { compressRle, rleArea, rleBounds, type Rle } from '../../contract/geometry/rle.ts';
import type { Shape } from '../../contract/model/annotation.ts';
import {
  categoriesAt,
  saidOf,
  type SaidBox,
  type PredictedFile,
  type PredictionDocument,
  type Said,
  type Seen,
} from '../../contract/model/image-prediction.ts';
import type { PredictionForm } from '../../contract/model/prediction-set.ts';
import type { DetectionSettings } from '../../contract/model/run-results.ts';
import { readSeen } from '../../engine/train/seen-file.ts';
import { withoutEnding } from '../../formats/image-files.ts';
import { cocoCategory } from '../../formats/coco.ts';
import type { ParsedSkeleton } from '../../formats/skeleton.ts';
import { serialiseYoloConfig, serialiseYoloLabels, type YoloPoints, type YoloTask } from '../../formats/yolo.ts';
import { encodePng } from '../export/indexed-png.ts';
import { coloured, colourOfValue } from '../export/writers/masks-writer.ts';
import { fileError } from '../file-errors.ts';
import type { TaskPort } from '../workers/task-port.ts';

/** What was looked at, without what was said of it. */
export type PredictionFacts = Omit<PredictionDocument, 'images'> & { images: Omit<PredictedFile, 'said'>[] };

export interface WritePredictionsTask {
  form: PredictionForm;
  set: PredictionFacts;
  /** Of poses, in the order of the classes; null where nobody has named a class's points. */
  skeletons: readonly (ParsedSkeleton | null)[];
  /** The folder of what was said. */
  seen: string;
  settings: DetectionSettings;
  /** A file for `json`, else a folder that is not there yet or empty. */
  target: string;
}
export interface WritePredictionsMessage {
  done: number;
  total: number;
}

/** One image: its place in the set, its name below the folder that all images are in, and what is said of it. */
interface Written {
  index: number;
  name: string;
  image: PredictionFacts['images'][number];
  seen: Seen;
  said: Said;
}

interface Writer {
  image(written: Written): Promise<void> | void;
  finish(): Promise<void>;
}

/** Throws FoveaError `not-found` or `bad-input` for what was kept, `io`; `cancelled` where it is stopped. */
export async function writePredictions(
  task: WritePredictionsTask,
  port: Pick<TaskPort<WritePredictionsMessage>, 'postAndWait'>,
): Promise<void> {
  const { form, target } = task;
  if (form === 'json') return writeDocument(task, port);
  const root = join(dirname(target), `.${basename(target)}.part`);
  try {
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true });
    const writer = writers[form](root, task);
    for await (const written of everyImage(task, port)) await writer.image(written);
    await writer.finish();
    await rm(target, { recursive: true, force: true }); // Empty, or not there.
    await rename(root, target);
  } catch (error) {
    await rm(root, { recursive: true, force: true });
    throw fileError(error, 'write the predictions', target);
  }
}

async function* everyImage(
  { set, seen: folder, settings }: WritePredictionsTask,
  { postAndWait }: Pick<TaskPort<WritePredictionsMessage>, 'postAndWait'>,
): AsyncGenerator<Written> {
  const names = namesBelow(set.images.map(({ file }) => file));
  const total = set.images.length;
  for (const [index, image] of set.images.entries()) {
    const seen = await readSeen(folder, index);
    yield { index, name: names[index]!, image, seen, said: saidOf(seen, settings, image) };
    await postAndWait({ done: index + 1, total });
  }
}

/** Names below the folder that all files are in, with "/" and without their endings; told apart where two are the same. */
export function namesBelow(files: readonly string[]): string[] {
  const shared = files.map(dirname).reduce((a, b) => {
    let common = a;
    while (b !== common && !b.startsWith(common.endsWith(sep) ? common : common + sep)) common = dirname(common);
    return common;
  });
  const taken = new Set<string>();
  return files.map((file) => {
    const whole = relative(shared, file).split(sep).join('/');
    const bare = withoutEnding(whole);
    const name = taken.has(bare) ? whole : bare;
    taken.add(name);
    return name;
  });
}

/** Image by image, so that masks of many images need not be in memory. */
async function writeDocument(
  task: WritePredictionsTask,
  port: Pick<TaskPort<WritePredictionsMessage>, 'postAndWait'>,
): Promise<void> {
  const { set, target } = task;
  const part = `${target}.part`;
  try {
    const file = await open(part, 'w');
    try {
      const { images: _images, failures, ...head } = set;
      await file.write(`${JSON.stringify(head).slice(0, -1)},"images":[`);
      for await (const { index, image, said } of everyImage(task, port)) {
        await file.write(`${index === 0 ? '' : ','}\n${JSON.stringify({ ...image, said })}`);
      }
      await file.write(`\n],"failures":${JSON.stringify(failures)}}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw fileError(error, 'write the predictions', target);
  }
}

type MakeWriter = (root: string, task: Pick<WritePredictionsTask, 'set' | 'skeletons'>) => Writer;

const writers: Record<Exclude<PredictionForm, 'json'>, MakeWriter> = {
  'index-png': (root, { set }) => pngWriter(root, set, 'grey'),
  'colour-png': (root, { set }) => pngWriter(root, set, 'colour'),
  yolo: yoloWriter,
  coco: cocoWriter,
  csv: (root, { set }) => csvWriter(root, set),
};

/** The value of a pixel is its class's place in classes.json. */
function pngWriter(root: string, { classes }: PredictionFacts, kind: 'grey' | 'colour'): Writer {
  return {
    async image({ name, image, seen }) {
      invariant(seen.kind === 'masks', `pictures of ${seen.kind}`);
      const { widthPx, heightPx } = image;
      const values = categoriesAt(seen.masks, image);
      const pixels = kind === 'colour' ? coloured(values) : values;
      await writeBelow(root, `${name}.png`, await encodePng({ widthPx, heightPx, kind, pixels }));
    },
    finish() {
      const rows = classes.map((name, id) => {
        const colour = colourOfValue(id);
        return { id, name, rgb: [colour >> 16, (colour >> 8) & 0xff, colour & 0xff] };
      });
      return writeFile(join(root, 'classes.json'), `${JSON.stringify(rows, null, 1)}\n`);
    },
  };
}

const yoloTasks: Readonly<Record<string, YoloTask>> = {
  detection: 'detect',
  'instance-segmentation': 'segment',
  pose: 'pose',
};

function yoloWriter(root: string, { set: { classes, task }, skeletons }: Parameters<MakeWriter>[1]): Writer {
  const kind = yoloTasks[task];
  let pointCount = 0;
  return {
    async image({ name, image, said }) {
      invariant(said.kind === 'boxes' && kind !== undefined, `boxes of ${said.kind} for ${task}`);
      const labels = said.boxes.map((box) => ({ category: box.category, shape: shapeOf(box) }));
      for (const { shape } of labels) if (shape.kind === 'keypoints') pointCount = shape.points.length;
      await writeBelow(root, `labels/${name}.txt`, serialiseYoloLabels(labels, kind, image, pointCount));
    },
    finish() {
      const points = pointCount === 0 ? null : yoloPoints(pointCount, skeletons);
      return writeFile(join(root, 'data.yaml'), serialiseYoloConfig(classes, { val: 'images' }, points, kind));
    },
  };
}

/** What changes places where all named skeletons say the same. */
function yoloPoints(count: number, skeletons: readonly (ParsedSkeleton | null)[]): YoloPoints {
  const places = skeletons.flatMap((skeleton) => {
    if (skeleton?.flipPairs === undefined) return [];
    const mirrored = Array.from({ length: count }, (_, place) => place);
    for (const [a, b] of skeleton.flipPairs) [mirrored[a], mirrored[b]] = [b, a];
    return [mirrored];
  });
  const [mirrored = null] = places;
  const agree = places.every((each) => each.join() === mirrored?.join());
  return { count, mirrored: agree ? mirrored : null, names: skeletons.map((skeleton) => skeleton?.points ?? null) };
}

/** A point is there where the network is surer that it is than that it is not. */
const leastPoint = 0.5;

/** A mask without a pixel is only a box. */
function shapeOf({ bboxXyxy, keypoints, rle }: SaidBox): Shape {
  const [x1, y1, x2, y2] = bboxXyxy;
  if (rle && rleArea(rle) > 0) return { kind: 'mask', rle: { ...rle, counts: [...rle.counts] } };
  if (!keypoints) return { kind: 'bbox', bboxXyxy: [x1, y1, x2, y2] };
  return { kind: 'keypoints', bboxXyxy: [x1, y1, x2, y2], points: pointsOf(keypoints) };
}

function pointsOf(keypoints: readonly number[]): Extract<Shape, { kind: 'keypoints' }>['points'] {
  return Array.from({ length: keypoints.length / numbersPerPoint }, (_, point) => {
    const [x, y, sureness] = keypoints.slice(point * numbersPerPoint, (point + 1) * numbersPerPoint);
    return { x: x!, y: y!, visibility: sureness! > leastPoint ? 2 : 0 };
  });
}

/** COCO's fields of an object's points; none where the network says none. */
function cocoPoints({ keypoints }: SaidBox): object {
  if (!keypoints) return {};
  const points = pointsOf(keypoints);
  return {
    keypoints: points.flatMap(({ x, y, visibility }) => [x, y, visibility]),
    num_keypoints: points.filter(({ visibility }) => visibility > 0).length,
  };
}

const cocoRle = ({ widthPx, heightPx, counts }: Rle) => ({ size: [heightPx, widthPx], counts: compressRle(counts) });

/** One document: images, categories counted from 1, and annotations with a score where there is one. */
function cocoWriter(root: string, { set: { classes }, skeletons }: Parameters<MakeWriter>[1]): Writer {
  const images: object[] = [];
  const annotations: object[] = [];
  const add = (image: number, category: number, fields: object): void => {
    const ids = { id: annotations.length + 1, image_id: image + 1, category_id: category + 1 };
    annotations.push({ ...ids, iscrowd: 0, ...fields });
  };
  return {
    image({ index, image, said }) {
      images.push({ id: index + 1, file_name: image.file, width: image.widthPx, height: image.heightPx });
      if (said.kind === 'boxes') {
        for (const box of said.boxes) {
          const { category, score, bboxXyxy, rle } = box;
          const shape = rle ? { segmentation: cocoRle(rle), area: rleArea(rle) } : { area: bboxArea(bboxXyxy) };
          add(index, category, { bbox: xyxyToXywh(bboxXyxy), ...shape, score, ...cocoPoints(box) });
        }
      }
      if (said.kind !== 'masks') return;
      for (const { category, rle } of said.masks) {
        const segmentation = cocoRle(rle);
        const bounds = rleBounds(rle);
        if (bounds !== null) add(index, category, { segmentation, bbox: xyxyToXywh(bounds), area: rleArea(rle) });
      }
    },
    finish() {
      const categories = classes.map((name, i) => cocoCategory(i + 1, name, skeletons[i] ?? null));
      return writeFile(join(root, 'predictions.json'), `${JSON.stringify({ images, annotations, categories })}\n`);
    },
  };
}

/** A row an image with its class, a row a box, or a row a class of an image with its pixels. */
function csvWriter(root: string, { classes, task }: PredictionFacts): Writer {
  const name = (category: number): string => classes[category] ?? `class ${category}`;
  const header: Readonly<Record<string, readonly string[]>> = {
    classification: ['file', 'class', 'probability', ...classes],
    detection: ['file', 'class', 'score', 'x1', 'y1', 'x2', 'y2'],
    segmentation: ['file', 'class', 'pixels', 'share'],
    'instance-segmentation': ['file', 'class', 'score', 'x1', 'y1', 'x2', 'y2', 'pixels'],
    pose: ['file', 'class', 'score', 'x1', 'y1', 'x2', 'y2', 'x, y and sureness of each point'],
  };
  const rows: (readonly (string | number)[])[] = [header[task] ?? ['file']];
  return {
    image({ image: { file, widthPx, heightPx }, said }) {
      if (said.kind === 'category') {
        const best = said.probabilities.indexOf(Math.max(...said.probabilities));
        rows.push([file, name(best), said.probabilities[best] ?? 0, ...said.probabilities]);
      } else if (said.kind === 'boxes') {
        for (const { category, score, bboxXyxy, keypoints, rle } of said.boxes) {
          const beside = [...(keypoints ? [keypoints.join(' ')] : []), ...(rle ? [rleArea(rle)] : [])];
          rows.push([file, name(category), score, ...bboxXyxy, ...beside]);
        }
      } else {
        for (const { category, rle } of said.masks) {
          const pixels = rleArea(rle);
          rows.push([file, name(category), pixels, pixels / (widthPx * heightPx)]);
        }
      }
    },
    finish: () =>
      writeFile(join(root, 'predictions.csv'), rows.map((row) => `${row.map(csvField).join(',')}\n`).join('')),
  };
}

const csvField = (value: string | number): string =>
  typeof value === 'string' && /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : String(value);

async function writeBelow(root: string, name: string, content: string | Uint8Array): Promise<void> {
  const file = join(root, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}
