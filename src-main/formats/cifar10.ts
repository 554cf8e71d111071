/**
 * CIFAR-10 and CIFAR-100, binary versions. CIFAR-10: five training batches and a test batch, each a sequence of 3073-byte
 * records (one label byte 0–9, then 1024 red, 1024 green and 1024 blue bytes, row-major), and batches.meta.txt with the ten
 * class names. CIFAR-100: train.bin and test.bin, whose records have two label bytes (superclass 0–19, class 0–99), and
 * fine_label_names.txt and coarse_label_names.txt.
 * A batch may hold any number of records; the published ones hold 10,000 or more. Knows no database and no files.
 * Source: https://www.cs.toronto.edu/~kriz/cifar.html
 */
import { FoveaError } from '../contract/errors.ts';
import { ByteReader, type ByteChunks } from './byte-reader.ts';
import { byFolder, type Failure, type SourceEntry } from './source-entry.ts';

const picture = { widthPx: 32, heightPx: 32, channels: 3, pixelBytes: 3072 } as const;

export interface Cifar {
  readonly format: 'cifar10' | 'cifar100';
  readonly title: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly channels: number;
  readonly pixelBytes: number;
  readonly categoryCount: number;
  /** The last of them is the class, the first of two the superclass. */
  readonly labelBytes: 1 | 2;
  readonly recordBytes: number;
  readonly trainFiles: readonly string[];
  readonly testFile: string;
  readonly metaFile: string;
  /** The superclasses' names, where there are any; an import does without it. */
  readonly coarseMetaFile: string | null;
  /** What it consists of, in words. */
  readonly contents: string;
}

export const cifar10 = {
  format: 'cifar10',
  title: 'CIFAR-10',
  ...picture,
  categoryCount: 10,
  labelBytes: 1,
  recordBytes: 3073,
  trainFiles: ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin'],
  testFile: 'test_batch.bin',
  metaFile: 'batches.meta.txt',
  coarseMetaFile: null,
  contents: 'five training batches, a test batch and a file of class names',
} as const satisfies Cifar;

export const cifar100 = {
  format: 'cifar100',
  title: 'CIFAR-100',
  ...picture,
  categoryCount: 100,
  labelBytes: 2,
  recordBytes: 3074,
  trainFiles: ['train.bin'],
  testFile: 'test.bin',
  metaFile: 'fine_label_names.txt',
  coarseMetaFile: 'coarse_label_names.txt',
  contents: 'train.bin, test.bin and a file of class names',
} as const satisfies Cifar;

/** Of CIFAR-100. */
export const superclassCount = 20;

/** Records that are read, checked and handed on together. */
const BLOCK_RECORDS = 256;

/** Images with their classes; `pixels` is uint8 [count, 3, 32, 32]. */
export interface Cifar10Images {
  labels: Uint8Array;
  pixels: Uint8Array;
  /** The superclasses of CIFAR-100. */
  coarse?: Uint8Array;
}

/** Where the files of one CIFAR-10 or CIFAR-100 are. */
export interface Cifar10Layout {
  kind: Cifar;
  train: SourceEntry[];
  test: SourceEntry;
  meta: SourceEntry;
  coarseMeta: SourceEntry | null;
}

/** Null where nothing looks like it; failures where it is there, but incomplete or there twice. */
export function findCifar(
  entries: readonly SourceEntry[],
  kind: Cifar,
): { layout: Cifar10Layout } | { failures: Failure[] } | null {
  const batches = [...kind.trainFiles, kind.testFile];
  const required = [...batches, kind.metaFile];
  // "train.bin" may be anything; beside names of fine labels it is not.
  const telling = kind.format === 'cifar10' ? batches : [kind.metaFile];
  const candidates = [...byFolder(entries)]
    .filter(([, files]) => telling.some((name) => files.has(name)))
    .map(([folder, files]) => ({ folder, files, missing: required.filter((name) => !files.has(name)) }))
    .sort((a, b) => a.missing.length - b.missing.length);
  const [best, second] = candidates;
  if (!best) return null;
  if (best.missing.length > 0) {
    const reason = `is missing: the binary version of ${kind.title} has ${kind.contents}`;
    return {
      failures: best.missing.map((name) => ({ source: join(best.folder, name), reason: `${name} ${reason}.` })),
    };
  }
  if (second?.missing.length === 0) {
    const reason = `${kind.title} is here twice, in “${best.folder || '.'}” and in “${second.folder || '.'}”. Choose one of the two folders.`;
    return { failures: [{ source: second.folder, reason }] };
  }
  const entry = (name: string): SourceEntry => best.files.get(name) as SourceEntry;
  const layout = { kind, train: kind.trainFiles.map(entry), test: entry(kind.testFile), meta: entry(kind.metaFile) };
  const coarseMeta = kind.coarseMetaFile === null ? null : (best.files.get(kind.coarseMetaFile) ?? null);
  return { layout: { ...layout, coarseMeta } };
}

/** Number of images in a batch of this size. Throws `bad-input` where it does not end between two images. */
export function countCifar10Images(file: string, sizeBytes: number, kind: Cifar = cifar10): number {
  const whole = Math.floor(sizeBytes / kind.recordBytes);
  const rest = sizeBytes % kind.recordBytes;
  if (rest !== 0) {
    throw new FoveaError(
      'bad-input',
      `${file}: ends at byte ${sizeBytes}, inside image ${whole}, which begins at byte ${whole * kind.recordBytes}: ` +
        `an image takes ${kind.recordBytes} bytes, ${rest} are there. The file is cut off or is no ${kind.title} batch; ` +
        'copy or download it again.',
      { file, offset: sizeBytes, image: whole },
    );
  }
  if (whole === 0) {
    throw new FoveaError('bad-input', `${file}: is empty (ends at byte 0). Copy or download it again.`, {
      file,
      offset: 0,
    });
  }
  return whole;
}

/** The images of one batch, some at a time. Throws `bad-input` with the file and the byte offset. */
export async function* readCifar10Batch(
  file: string,
  chunks: ByteChunks,
  kind: Cifar = cifar10,
): AsyncGenerator<Cifar10Images, void> {
  const reader = new ByteReader(chunks);
  const records = new Uint8Array(BLOCK_RECORDS * kind.recordBytes);
  for (;;) {
    const start = reader.offset;
    const filled = await reader.fill(records);
    const isLast = filled < records.length;
    if (isLast) countCifar10Images(file, reader.offset, kind);
    if (filled > 0) yield splitRecords(file, records.subarray(0, filled), start, kind);
    if (isLast) return;
  }
}

/** `offset`: where the records begin in the file. */
function splitRecords(file: string, records: Uint8Array, offset: number, kind: Cifar): Cifar10Images {
  const { recordBytes, labelBytes, pixelBytes } = kind;
  const count = records.length / recordBytes;
  const labels = new Uint8Array(count);
  const coarse = new Uint8Array(labelBytes === 2 ? count : 0);
  const pixels = new Uint8Array(count * pixelBytes);
  for (let index = 0; index < count; index++) {
    const start = index * recordBytes;
    const label = records[start + labelBytes - 1] ?? 0;
    if (label >= kind.categoryCount)
      throw wrongLabel(file, label, offset + start + labelBytes - 1, offset + start, kind);
    labels[index] = label;
    if (labelBytes === 2) coarse[index] = records[start] ?? 0;
    if ((coarse[index] ?? 0) >= superclassCount)
      throw wrongLabel(file, coarse[index]!, offset + start, offset + start, kind);
    pixels.set(records.subarray(start + labelBytes, start + recordBytes), index * pixelBytes);
  }
  return labelBytes === 2 ? { labels, pixels, coarse } : { labels, pixels };
}

function wrongLabel(file: string, label: number, offset: number, imageOffset: number, kind: Cifar): FoveaError {
  const image = imageOffset / kind.recordBytes;
  const classes = kind.labelBytes === 2 && offset === imageOffset ? superclassCount : kind.categoryCount;
  return new FoveaError(
    'bad-input',
    `${file}: label ${label} at byte ${offset} (image ${image}): ${kind.title} has the ${
      classes === superclassCount ? 'superclasses' : 'classes'
    } 0 to ${classes - 1}. The file is damaged or is no ${kind.title} batch; copy or download it again.`,
    { file, offset, image, label },
  );
}

/** The class names in order. Throws `bad-input`. */
export function parseCifar10Meta(file: string, text: string, count: number = cifar10.categoryCount): string[] {
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (names.length !== count || twice !== undefined) {
    const found = twice === undefined ? `${names.length} names` : `“${twice}” twice`;
    throw new FoveaError('bad-input', `${file}: expected ${count} different class names, one a line, found ${found}.`, {
      file,
    });
  }
  return names;
}

/** Of CIFAR-100 where `coarse` is given. */
export function serialiseCifar10Batch({ labels, pixels, coarse }: Cifar10Images): Uint8Array {
  const { recordBytes, labelBytes, pixelBytes } = coarse === undefined ? cifar10 : cifar100;
  const records = new Uint8Array(labels.length * recordBytes);
  labels.forEach((label, index) => {
    const image = pixels.subarray(index * pixelBytes, (index + 1) * pixelBytes);
    const start = index * recordBytes;
    if (coarse !== undefined) records[start] = coarse[index] ?? 0;
    records[start + labelBytes - 1] = label;
    records.set(image, start + labelBytes);
  });
  return records;
}

export function serialiseCifar10Meta(names: readonly string[]): string {
  return names.map((name) => `${name}\n`).join('');
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
