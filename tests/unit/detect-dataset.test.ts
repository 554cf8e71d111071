import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { detectCompression, detectDataset } from '../../src-main/formats/detect.ts';

const entries = (...paths: string[]): { path: string; sizeBytes: number }[] =>
  paths.map((path) => ({ path, sizeBytes: 1 }));

test('a complete data set wins over an incomplete one of another format', () => {
  const detection = detectDataset(entries('data_batch_1.bin', 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte'));
  expect(detection.format).toBe('idx');
  expect(detection.failures).toEqual([]);
});

test('an incomplete data set is recognised, and says what is missing', () => {
  const detection = detectDataset(entries('data_batch_1.bin'));
  expect(detection).toMatchObject({ format: 'cifar10', found: null });
  expect(detection.failures.map(({ source }) => source)).toContain('test_batch.bin');
});

test('the Python version of CIFAR-10 is known and named', () => {
  expect(
    detectDataset(entries('cifar-10-batches-py/data_batch_1', 'cifar-10-batches-py/batches.meta')).failures,
  ).toEqual([
    {
      source: 'cifar-10-batches-py/data_batch_1',
      reason: 'This is the Python version of CIFAR-10. Fovea reads the binary version, cifar-10-binary.tar.gz.',
    },
  ]);
});

test('a folder of something else says what can be read', () => {
  const { format, failures } = detectDataset(entries('holiday.jpg'));
  expect(format).toBeNull();
  expect(failures[0]?.reason).toContain(
    'No data set was recognised here. Fovea reads folders of images with labels in YOLO, COCO,',
  );
});

test('archives are told by their first bytes', () => {
  const tar = new Uint8Array(512);
  tar.set(new TextEncoder().encode('ustar'), 257);
  expect(detectCompression(tar)).toBe('tar');
  expect(detectCompression(gzipSync(tar))).toBe('gzip');
  expect(detectCompression(new Uint8Array(10))).toBe('none');
});
