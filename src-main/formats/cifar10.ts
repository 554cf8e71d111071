/**
 * CIFAR-10, binary version: five training batches and a test batch, each a sequence of 3073-byte records (one label
 * byte 0–9, then 1024 red, 1024 green and 1024 blue bytes, row-major), and batches.meta.txt with the ten class names.
 * A batch may hold any number of records; the published ones hold 10,000. Knows no database and no files.
 * Source: https://www.cs.toronto.edu/~kriz/cifar.html
 */
import { FoveaError } from '../contract/errors.ts';
import { ByteReader, type ByteChunks } from './byte-reader.ts';
import { byFolder, type Failure, type SourceEntry } from './source-entry.ts';

export const cifar10 = {
  widthPx: 32,
  heightPx: 32,
  channels: 3,
  categoryCount: 10,
  pixelBytes: 3072,
  recordBytes: 3073,
  trainFiles: ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin'],
  testFile: 'test_batch.bin',
  metaFile: 'batches.meta.txt',
} as const;

/** Records that are read, checked and handed on together. */
const BLOCK_RECORDS = 256;

/** Images with their classes; `pixels` is uint8 [count, 3, 32, 32]. */
export interface Cifar10Images {
  labels: Uint8Array;
  pixels: Uint8Array;
}

/** Where the files of one CIFAR-10 are. */
export interface Cifar10Layout {
  train: SourceEntry[];
  test: SourceEntry;
  meta: SourceEntry;
}

/** Null where nothing looks like CIFAR-10; failures where it is there, but incomplete or there twice. */
export function findCifar10(
  entries: readonly SourceEntry[],
): { layout: Cifar10Layout } | { failures: Failure[] } | null {
  const batches = [...cifar10.trainFiles, cifar10.testFile];
  const required = [...batches, cifar10.metaFile];
  const candidates = [...byFolder(entries)]
    .filter(([, files]) => batches.some((name) => files.has(name)))
    .map(([folder, files]) => ({ folder, files, missing: required.filter((name) => !files.has(name)) }))
    .sort((a, b) => a.missing.length - b.missing.length);
  const [best, second] = candidates;
  if (!best) return null;
  if (best.missing.length > 0) {
    const reason =
      'is missing: the binary version of CIFAR-10 has five training batches, a test batch and a file of class names';
    return {
      failures: best.missing.map((name) => ({ source: join(best.folder, name), reason: `${name} ${reason}.` })),
    };
  }
  if (second?.missing.length === 0) {
    const reason = `CIFAR-10 is here twice, in “${best.folder || '.'}” and in “${second.folder || '.'}”. Choose one of the two folders.`;
    return { failures: [{ source: second.folder, reason }] };
  }
  const entry = (name: string): SourceEntry => best.files.get(name) as SourceEntry;
  return {
    layout: { train: cifar10.trainFiles.map(entry), test: entry(cifar10.testFile), meta: entry(cifar10.metaFile) },
  };
}

/** Number of images in a batch of this size. Throws `bad-input` where it does not end between two images. */
export function countCifar10Images(file: string, sizeBytes: number): number {
  const whole = Math.floor(sizeBytes / cifar10.recordBytes);
  const rest = sizeBytes % cifar10.recordBytes;
  if (rest !== 0) {
    throw new FoveaError(
      'bad-input',
      `${file}: ends at byte ${sizeBytes}, inside image ${whole}, which begins at byte ${whole * cifar10.recordBytes}: ` +
        `an image takes ${cifar10.recordBytes} bytes, ${rest} are there. The file is cut off or is no CIFAR-10 batch; ` +
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
export async function* readCifar10Batch(file: string, chunks: ByteChunks): AsyncGenerator<Cifar10Images, void> {
  const reader = new ByteReader(chunks);
  const records = new Uint8Array(BLOCK_RECORDS * cifar10.recordBytes);
  for (;;) {
    const start = reader.offset;
    const filled = await reader.fill(records);
    const isLast = filled < records.length;
    if (isLast) countCifar10Images(file, reader.offset);
    if (filled > 0) yield splitRecords(file, records.subarray(0, filled), start);
    if (isLast) return;
  }
}

/** `offset`: where the records begin in the file. */
function splitRecords(file: string, records: Uint8Array, offset: number): Cifar10Images {
  const count = records.length / cifar10.recordBytes;
  const labels = new Uint8Array(count);
  const pixels = new Uint8Array(count * cifar10.pixelBytes);
  for (let index = 0; index < count; index++) {
    const start = index * cifar10.recordBytes;
    const label = records[start] ?? 0;
    if (label >= cifar10.categoryCount) throw wrongLabel(file, label, offset + start);
    labels[index] = label;
    pixels.set(records.subarray(start + 1, start + cifar10.recordBytes), index * cifar10.pixelBytes);
  }
  return { labels, pixels };
}

function wrongLabel(file: string, label: number, offset: number): FoveaError {
  const image = offset / cifar10.recordBytes;
  return new FoveaError(
    'bad-input',
    `${file}: label ${label} at byte ${offset} (image ${image}): CIFAR-10 has the classes 0 to 9. The file is damaged or ` +
      'is no CIFAR-10 batch; copy or download it again.',
    { file, offset, image, label },
  );
}

/** The ten class names in order. Throws `bad-input`. */
export function parseCifar10Meta(file: string, text: string): string[] {
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (names.length !== cifar10.categoryCount || twice !== undefined) {
    const found = twice === undefined ? `${names.length} names` : `“${twice}” twice`;
    throw new FoveaError(
      'bad-input',
      `${file}: expected ${cifar10.categoryCount} different class names, one a line, found ${found}.`,
      { file },
    );
  }
  return names;
}

export function serialiseCifar10Batch({ labels, pixels }: Cifar10Images): Uint8Array {
  const records = new Uint8Array(labels.length * cifar10.recordBytes);
  labels.forEach((label, index) => {
    const image = pixels.subarray(index * cifar10.pixelBytes, (index + 1) * cifar10.pixelBytes);
    records[index * cifar10.recordBytes] = label;
    records.set(image, index * cifar10.recordBytes + 1);
  });
  return records;
}

export function serialiseCifar10Meta(names: readonly string[]): string {
  return names.map((name) => `${name}\n`).join('');
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
