import { expect, test } from 'vitest';
import {
  findIdx,
  openIdxImages,
  readIdxLabels,
  requireSameCount,
  serialiseIdxImages,
  serialiseIdxLabels,
} from '../../src-main/formats/idx.ts';
import { errorOf, rejectionOf } from '../helpers/errors.ts';

const PIXELS = Uint8Array.from({ length: 3 * 2 * 4 }, (_, index) => index);

async function readImages(
  file: string,
  bytes: Uint8Array,
): Promise<{ count: number; heightPx: number; widthPx: number; pixels: number[] }> {
  const { count, heightPx, widthPx, blocks } = await openIdxImages(file, [bytes]);
  const pixels: number[] = [];
  for await (const block of blocks()) pixels.push(...block);
  return { count, heightPx, widthPx, pixels };
}

test('the header is big-endian: magic number, count, rows, columns', () => {
  const bytes = serialiseIdxImages(2, 4, PIXELS);
  expect([...bytes.subarray(0, 17)]).toEqual([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0]);
  expect([...serialiseIdxLabels(Uint8Array.of(5, 6))]).toEqual([0, 0, 8, 1, 0, 0, 0, 2, 5, 6]);
});

test('what is read is what was written', async () => {
  expect(await readImages('i', serialiseIdxImages(2, 4, PIXELS))).toEqual({
    count: 3,
    heightPx: 2,
    widthPx: 4,
    pixels: [...PIXELS],
  });
  expect([...(await readIdxLabels('l', [serialiseIdxLabels(Uint8Array.of(9, 0, 255))]))]).toEqual([9, 0, 255]);
});

test('a labels file in the place of an images file is told by its magic number', async () => {
  const error = await rejectionOf(readImages('train-images-idx3-ubyte', serialiseIdxLabels(Uint8Array.of(1, 2, 3))));
  expect(error.message).toBe(
    'train-images-idx3-ubyte: magic number 0x00000801 at byte 0, expected 0x00000803 (unsigned bytes, 3 dimensions). It is no ' +
      'IDX file of images.',
  );
  expect(error.context).toEqual({ file: 'train-images-idx3-ubyte', offset: 0 });
});

test('a file that is cut off names the byte where it ends and where it should', async () => {
  const bytes = serialiseIdxImages(2, 4, PIXELS);
  const error = await rejectionOf(readImages('t10k-images-idx3-ubyte', bytes.subarray(0, 30)));
  expect(error.message).toBe(
    't10k-images-idx3-ubyte: ends at byte 30, but 3 images of 4×2 px take 40 bytes. The file is cut off; copy or download it again.',
  );
  expect(error.context).toEqual({ file: 't10k-images-idx3-ubyte', offset: 30, expected: 40 });
  const header = await rejectionOf(readImages('i', bytes.subarray(0, 10)));
  expect(header.message).toBe(
    'i: ends at byte 10, but the fields of its header take 16 bytes. The file is cut off; copy or download it again.',
  );
  const labels = await rejectionOf(readIdxLabels('l', [serialiseIdxLabels(Uint8Array.of(1, 2, 3)).subarray(0, 9)]));
  expect(labels.message).toContain('l: ends at byte 9, but 3 labels take 11 bytes.');
});

test('a file that goes on after its end is refused', async () => {
  const bytes = new Uint8Array([...serialiseIdxImages(2, 4, PIXELS), 1, 2]);
  expect((await rejectionOf(readImages('i', bytes))).message).toBe(
    'i: goes on for 2 bytes after byte 40, where its header says it ends. The file is damaged.',
  );
});

test('sizes that cannot be are refused before anything is reserved for them', async () => {
  const bytes = serialiseIdxImages(2, 4, PIXELS);
  const broken = (offset: number, value: number): Uint8Array => {
    const copy = bytes.slice();
    new DataView(copy.buffer).setUint32(offset, value);
    return copy;
  };
  expect((await rejectionOf(readImages('i', broken(12, 0)))).message).toContain('image side of 0 px at byte 12');
  expect((await rejectionOf(readImages('i', broken(8, 0xffffffff)))).message).toContain(
    'image side of 4294967295 px at byte 8',
  );
  expect((await rejectionOf(readImages('i', broken(4, 0)))).message).toBe('i: has no images (count 0 at byte 4).');
  expect((await rejectionOf(readImages('i', broken(4, 0xffffffff)))).message).toContain(
    'ends at byte 40, but 4294967295 images',
  );
});

test('images and labels of different number do not belong together', () => {
  requireSameCount('images', 5, 'labels', 5);
  expect(
    errorOf(() => requireSameCount('train-images-idx3-ubyte', 60_000, 'train-labels-idx1-ubyte', 59_999)).message,
  ).toBe(
    'train-labels-idx1-ubyte: has 59999 labels (count at byte 4), but train-images-idx3-ubyte has 60000 images. The two files ' +
      'do not belong together.',
  );
});

const entries = (...paths: string[]): { path: string; sizeBytes: number }[] =>
  paths.map((path) => ({ path, sizeBytes: 1 }));

test('pairs are found under the names that are in use, the plain file before its compressed copy', () => {
  expect(
    findIdx(
      entries(
        'm/train-images-idx3-ubyte.gz',
        'm/train-images-idx3-ubyte',
        'm/train-labels.idx1-ubyte',
        'm/t10k-images-idx3-ubyte.gz',
        'm/t10k-labels-idx1-ubyte.gz',
      ),
    ),
  ).toMatchObject({
    layout: {
      pairs: [
        {
          split: 'train',
          images: { path: 'm/train-images-idx3-ubyte' },
          labels: { path: 'm/train-labels.idx1-ubyte' },
        },
        {
          split: 'test',
          images: { path: 'm/t10k-images-idx3-ubyte.gz' },
          labels: { path: 'm/t10k-labels-idx1-ubyte.gz' },
        },
      ],
    },
  });
});

test('half a pair is named', () => {
  expect(findIdx(entries('train-images-idx3-ubyte', 't10k-labels-idx1-ubyte'))).toEqual({
    failures: [
      { source: 'train-images-idx3-ubyte', reason: 'train-images-idx3-ubyte has no file of labels beside it.' },
      { source: 't10k-labels-idx1-ubyte', reason: 't10k-labels-idx1-ubyte has no file of images beside it.' },
    ],
  });
});

test('two folders are not guessed between', () => {
  const pair = (folder: string): string[] => [`${folder}/train-images-idx3-ubyte`, `${folder}/train-labels-idx1-ubyte`];
  expect(findIdx(entries(...pair('mnist'), ...pair('fashion')))).toEqual({
    failures: [
      { source: 'fashion', reason: 'IDX files are in “mnist” and in “fashion”. Choose one of the two folders.' },
    ],
  });
});
