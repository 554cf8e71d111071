import { expect, test } from 'vitest';
import {
  countCifar10Images,
  cifar10,
  findCifar,
  parseCifar10Meta,
  readCifar10Batch,
  serialiseCifar10Batch,
  serialiseCifar10Meta,
  type Cifar10Images,
} from '../../src-main/formats/cifar10.ts';
import { errorOf, rejectionOf } from '../helpers/errors.ts';
import { CIFAR10_NAMES } from '../helpers/generated-data.ts';

/** Two images: class 7 with pixels 0, 1, 2 …, class 0 with pixels 255. */
function twoImages(): Cifar10Images {
  const pixels = new Uint8Array(2 * 3072).fill(255);
  for (let index = 0; index < 3072; index++) pixels[index] = index % 251;
  return { labels: Uint8Array.of(7, 0), pixels };
}

async function readAll(file: string, chunks: Iterable<Uint8Array>): Promise<Cifar10Images> {
  const labels: number[] = [];
  const pixels: number[] = [];
  for await (const block of readCifar10Batch(file, chunks)) {
    labels.push(...block.labels);
    for (const value of block.pixels) pixels.push(value);
  }
  return { labels: Uint8Array.from(labels), pixels: Uint8Array.from(pixels) };
}

test('a record is one label byte, then the red, green and blue planes', () => {
  const bytes = serialiseCifar10Batch(twoImages());
  expect(bytes).toHaveLength(2 * 3073);
  expect([bytes[0], bytes[1], bytes[2], bytes[3072], bytes[3073], bytes[3074]]).toEqual([7, 0, 1, 3071 % 251, 0, 255]);
});

test('what is read is what was written, wherever the chunks are cut', async () => {
  const bytes = serialiseCifar10Batch(twoImages());
  expect(await readAll('b.bin', [bytes])).toEqual(twoImages());
  expect(
    await readAll('b.bin', [bytes.subarray(0, 1), bytes.subarray(1, 3073), new Uint8Array(0), bytes.subarray(3073)]),
  ).toEqual(twoImages());
});

test('a batch that is cut off names the file, the byte and the image', async () => {
  const bytes = serialiseCifar10Batch(twoImages()).subarray(0, 4000);
  const error = await rejectionOf(readAll('data_batch_3.bin', [bytes]));
  expect(error.message).toBe(
    'data_batch_3.bin: ends at byte 4000, inside image 1, which begins at byte 3073: an image takes 3073 bytes, 927 are ' +
      'there. The file is cut off or is no CIFAR-10 batch; copy or download it again.',
  );
  expect(error.code).toBe('bad-input');
  expect(error.context).toEqual({ file: 'data_batch_3.bin', offset: 4000, image: 1 });
  expect(errorOf(() => countCifar10Images('data_batch_3.bin', 4000)).message).toBe(error.message);
});

test('a wrong label names the file, the byte and the image, also far into the file', async () => {
  const count = 600;
  const images = { labels: new Uint8Array(count).fill(9), pixels: new Uint8Array(count * 3072) };
  images.labels[523] = 10;
  const error = await rejectionOf(readAll('test_batch.bin', [serialiseCifar10Batch(images)]));
  expect(error.message).toBe(
    'test_batch.bin: label 10 at byte 1607179 (image 523): CIFAR-10 has the classes 0 to 9. The file is damaged or is no ' +
      'CIFAR-10 batch; copy or download it again.',
  );
  expect(error.context).toEqual({ file: 'test_batch.bin', offset: 523 * 3073, image: 523, label: 10 });
});

test('an empty batch is no batch', async () => {
  const error = await rejectionOf(readAll('data_batch_1.bin', []));
  expect(error.message).toBe('data_batch_1.bin: is empty (ends at byte 0). Copy or download it again.');
});

test('the number of images follows from the size', () => {
  expect(countCifar10Images('x', 30_730_000)).toBe(10_000);
});

test('class names are ten different lines', () => {
  expect(parseCifar10Meta('batches.meta.txt', serialiseCifar10Meta(CIFAR10_NAMES))).toEqual(CIFAR10_NAMES);
  expect(parseCifar10Meta('batches.meta.txt', `${CIFAR10_NAMES.join('\r\n')}\r\n\r\n`)).toEqual(CIFAR10_NAMES);
  expect(errorOf(() => parseCifar10Meta('batches.meta.txt', 'cat\ndog\n')).message).toBe(
    'batches.meta.txt: expected 10 different class names, one a line, found 2 names.',
  );
  expect(errorOf(() => parseCifar10Meta('batches.meta.txt', 'cat\n'.repeat(10))).message).toContain(
    'found “cat” twice',
  );
});

const FILES = [
  'data_batch_1.bin',
  'data_batch_2.bin',
  'data_batch_3.bin',
  'data_batch_4.bin',
  'data_batch_5.bin',
  'test_batch.bin',
  'batches.meta.txt',
];
const inFolder = (folder: string, names: readonly string[] = FILES): { path: string; sizeBytes: number }[] =>
  names.map((name) => ({ path: `${folder}${name}`, sizeBytes: 3073 }));

test('the files are found in any folder, batches in order, without the companions of macOS', () => {
  const entries = [...inFolder('', ['readme.html']), ...inFolder('deep/cifar-10-batches-bin/', [...FILES].reverse())];
  const found = findCifar([...entries, ...inFolder('deep/cifar-10-batches-bin/._')], cifar10);
  expect(found).toMatchObject({
    layout: {
      train: FILES.slice(0, 5).map((name) => ({ path: `deep/cifar-10-batches-bin/${name}` })),
      test: { path: 'deep/cifar-10-batches-bin/test_batch.bin' },
      meta: { path: 'deep/cifar-10-batches-bin/batches.meta.txt' },
    },
  });
});

test('each missing file is named', () => {
  expect(
    findCifar(
      inFolder('c/', [
        'data_batch_1.bin',
        'data_batch_2.bin',
        'data_batch_4.bin',
        'test_batch.bin',
        'data_batch_5.bin',
      ]),
      cifar10,
    ),
  ).toEqual({
    failures: [
      {
        source: 'c/data_batch_3.bin',
        reason:
          'data_batch_3.bin is missing: the binary version of CIFAR-10 has five training batches, a test batch and a file of class names.',
      },
      {
        source: 'c/batches.meta.txt',
        reason:
          'batches.meta.txt is missing: the binary version of CIFAR-10 has five training batches, a test batch and a file of class names.',
      },
    ],
  });
});

test('two complete copies are not guessed between', () => {
  expect(findCifar([...inFolder('a/'), ...inFolder('b/')], cifar10)).toEqual({
    failures: [{ source: 'b', reason: 'CIFAR-10 is here twice, in “a” and in “b”. Choose one of the two folders.' }],
  });
});

test('other folders are no CIFAR-10', () => {
  expect(findCifar(inFolder('', ['notes.txt', 'batches.meta.txt']), cifar10)).toBeNull();
});
