/**
 * data.json of a run's folder: TrainingData as JSON. Written in pieces, so that the process that writes it is not held
 * up by a large data set; read whole, and checked, because what it names decides which bytes of the packs are read.
 */
import { open, readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import { numbersPerPoint } from '../../contract/geometry/keypoints.ts';
import { inputFit } from '../../contract/model/run-images.ts';
import { writeFileAtomic } from '../weights/atomic-file.ts';
import {
  objectColumns,
  type ObjectLabels,
  type PackRows,
  type SplitData,
  type TrainingData,
} from '../data/training-data.ts';

const splitNames = ['train', 'evaluation'] as const;
const columns = ['imageIds', 'packs', 'rows', 'labels'] as const satisfies (keyof SplitData)[];
const numbersPerPiece = 8192;

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const finite = v.pipe(v.number(), v.finite());
const packRows = { packs: v.array(natural), rows: v.array(natural) };
const splitSchema = v.object({
  imageIds: v.array(natural),
  ...packRows,
  labels: v.array(natural),
  masks: v.exactOptional(v.object(packRows)),
  sizesPx: v.exactOptional(v.array(v.pipe(natural, v.minValue(1)))),
  objects: v.exactOptional(
    v.object({
      counts: v.array(natural),
      rows: v.array(finite),
      points: v.exactOptional(v.array(finite)),
    }),
  ),
});
const poseSchema = v.object({
  pointCount: v.pipe(natural, v.minValue(1)),
  mirrored: v.nullable(v.array(natural)),
});
const dataSchema = v.object({
  categories: v.array(v.string()),
  pose: v.exactOptional(poseSchema),
  fit: v.exactOptional(inputFit),
  packs: v.array(
    v.object({ file: v.string(), count: natural, channels: natural, heightPx: natural, widthPx: natural }),
  ),
  train: splitSchema,
  evaluation: splitSchema,
});

/** Replaces `file` atomically. Throws FoveaError `io`. */
export async function writeTrainingData(file: string, data: TrainingData): Promise<void> {
  await writeFileAtomic(file, encode(data));
}

/** Throws FoveaError `bad-input` where the file is missing, no JSON, or contradicts itself; the message says where. */
export async function readTrainingData(file: string): Promise<TrainingData> {
  let document: unknown;
  try {
    document = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw unusable(file, error instanceof Error ? error.message : String(error), error);
  }
  const parsed = v.safeParse(dataSchema, document, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw unusable(file, `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`);
  }
  for (const name of splitNames) checkSplit(parsed.output, name, file);
  return parsed.output;
}

const headStart = '{"categories":';
const headBytes = 65_536;

/**
 * Only the names of the categories, which stand first: a large file is not read for them. Throws FoveaError `bad-input`
 * where they are not there.
 */
export async function readCategoryNames(file: string): Promise<string[]> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw unusable(file, error instanceof Error ? error.message : String(error), error);
  });
  try {
    for (let size = headBytes; ; size *= 2) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(size), 0, size, 0);
      const names = namesIn(buffer.toString('utf8', 0, bytesRead));
      if (names !== null) return names;
      if (bytesRead < size) throw unusable(file, 'categories: it does not begin with them');
    }
  } finally {
    await handle.close();
  }
}

/** Null where the list does not end in this text. A name may hold brackets too. */
function namesIn(text: string): string[] | null {
  if (!text.startsWith(headStart)) return null;
  for (let end = text.indexOf(']'); end !== -1; end = text.indexOf(']', end + 1)) {
    try {
      return v.parse(v.array(v.string()), JSON.parse(text.slice(headStart.length, end + 1)));
    } catch {
      continue;
    }
  }
  return null;
}

function* encode(data: TrainingData): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  const head = JSON.stringify({
    categories: data.categories,
    pose: data.pose,
    fit: data.fit,
    packs: data.packs,
  });
  yield encoder.encode(head.slice(0, -1));
  for (const split of splitNames) {
    for (const [index, column] of columns.entries()) {
      yield encoder.encode(`${index === 0 ? `,"${split}":{` : ','}"${column}":[`);
      yield* encodeNumbers(data[split][column]);
      yield encoder.encode(']');
    }
    const { sizesPx, masks } = data[split];
    if (sizesPx) {
      yield encoder.encode(',"sizesPx":[');
      yield* encodeNumbers(sizesPx);
      yield encoder.encode(']');
    }
    if (masks) {
      yield encoder.encode(',"masks":{"packs":[');
      yield* encodeNumbers(masks.packs);
      yield encoder.encode('],"rows":[');
      yield* encodeNumbers(masks.rows);
      yield encoder.encode(']}');
    }
    const { objects } = data[split];
    if (objects) {
      yield encoder.encode(',"objects":{"counts":[');
      yield* encodeNumbers(objects.counts);
      yield encoder.encode('],"rows":[');
      yield* encodeNumbers(objects.rows);
      if (objects.points) {
        yield encoder.encode('],"points":[');
        yield* encodeNumbers(objects.points);
      }
      yield encoder.encode(']}');
    }
    yield encoder.encode('}');
  }
  yield encoder.encode('}\n');
}

function* encodeNumbers(numbers: readonly number[]): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (let start = 0; start < numbers.length; start += numbersPerPiece) {
    const piece = numbers.slice(start, start + numbersPerPiece).join(',');
    yield encoder.encode(start === 0 ? piece : `,${piece}`);
  }
}

function checkSplit(data: TrainingData, name: (typeof splitNames)[number], file: string): void {
  const { imageIds, packs, rows, labels, sizesPx, masks, objects } = data[name];
  const columns = [
    packs,
    rows,
    ...(masks ? [masks.packs, masks.rows] : []),
    ...(objects ? [objects.counts] : []),
    ...((masks ?? objects) && labels.length === 0 ? [] : [labels]),
  ];
  if (!columns.every((column) => column.length === imageIds.length)) {
    throw unusable(file, `${name} has lists of different lengths`);
  }
  if (sizesPx && sizesPx.length !== 2 * imageIds.length) throw unusable(file, `${name} has not a size for each image`);
  const isIn = (where: PackRows, index: number): boolean => {
    const pack = data.packs[where.packs[index]!];
    return pack !== undefined && where.rows[index]! < pack.count;
  };
  imageIds.forEach((_, index) => {
    if (!isIn({ packs, rows }, index)) throw unusable(file, `${name} image ${index} is in no pack`);
    if (masks && !isIn(masks, index)) throw unusable(file, `the mask of ${name} image ${index} is in no pack`);
    if ((labels[index] ?? 0) >= data.categories.length)
      throw unusable(file, `${name} image ${index} has an unknown label`);
  });
  if (objects) checkObjects(objects, name, data, file);
}

function checkObjects(
  { counts, rows, points = [] }: ObjectLabels,
  name: string,
  data: TrainingData,
  file: string,
): void {
  const categoryCount = data.categories.length;
  const { pointCount = 0, mirrored = null } = data.pose ?? {};
  const width = objectColumns.length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (points.length !== numbersPerPoint * pointCount * total)
    throw unusable(file, `${name} has not ${pointCount} points for each object`);
  if (mirrored && mirrored.toSorted((a, b) => a - b).some((place, i) => place !== i))
    throw unusable(file, 'its points have not one mirrored place each');
  if (rows.length !== width * total) throw unusable(file, `${name} has lists of objects of different lengths`);
  for (let object = 0; object < total; object++) {
    const category = rows[width * object]!;
    if (!Number.isInteger(category) || category < 0 || category >= categoryCount)
      throw unusable(file, `${name} has an object of the unknown class ${category}`);
  }
}

function unusable(file: string, what: string, cause?: unknown): FoveaError {
  return new FoveaError('bad-input', `The run's list of images cannot be used: ${file}: ${what}.`, { file }, { cause });
}
