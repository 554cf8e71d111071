/**
 * data.json of a run's folder: TrainingData as JSON. Written in pieces, so that the process that writes it is not held
 * up by a large data set; read whole, and checked, because what it names decides which bytes of the packs are read.
 */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import { writeFileAtomic } from '../weights/atomic-file.ts';
import type { PackRows, SplitData, TrainingData } from '../data/training-data.ts';

const splitNames = ['train', 'evaluation'] as const;
const columns = ['imageIds', 'packs', 'rows', 'labels'] as const satisfies (keyof SplitData)[];
const numbersPerPiece = 8192;

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const packRows = { packs: v.array(natural), rows: v.array(natural) };
const splitSchema = v.object({
  imageIds: v.array(natural),
  ...packRows,
  labels: v.array(natural),
  masks: v.exactOptional(v.object(packRows)),
});
const dataSchema = v.object({
  categories: v.array(v.string()),
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

function* encode(data: TrainingData): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  const head = JSON.stringify({ categories: data.categories, packs: data.packs });
  yield encoder.encode(head.slice(0, -1));
  for (const split of splitNames) {
    for (const [index, column] of columns.entries()) {
      yield encoder.encode(`${index === 0 ? `,"${split}":{` : ','}"${column}":[`);
      yield* encodeNumbers(data[split][column]);
      yield encoder.encode(']');
    }
    const { masks } = data[split];
    if (masks) {
      yield encoder.encode(',"masks":{"packs":[');
      yield* encodeNumbers(masks.packs);
      yield encoder.encode('],"rows":[');
      yield* encodeNumbers(masks.rows);
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
  const { imageIds, packs, rows, labels, masks } = data[name];
  const columns = [
    packs,
    rows,
    ...(masks ? [masks.packs, masks.rows] : []),
    ...(masks && labels.length === 0 ? [] : [labels]),
  ];
  if (!columns.every((column) => column.length === imageIds.length)) {
    throw unusable(file, `${name} has lists of different lengths`);
  }
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
}

function unusable(file: string, what: string, cause?: unknown): FoveaError {
  return new FoveaError('bad-input', `The run's list of images cannot be used: ${file}: ${what}.`, { file }, { cause });
}
