import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPredictions, writePredictions, type Predictions } from '../../src-main/engine/train/predictions-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-predictions-'));
  file = join(folder, 'predictions.bin');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const threeImages: Predictions = {
  epoch: 7,
  categoryCount: 2,
  imageIds: Float64Array.of(11, 2 ** 40, 13),
  labels: Int32Array.of(0, 1, 1),
  logits: Float32Array.of(1.5, -2, 0, NaN, 3e38, -0.25),
};

test('what is written is read', async () => {
  await writePredictions(file, threeImages);
  expect(await readPredictions(file)).toEqual(threeImages);
});

test('the bytes are those of the documented format', async () => {
  await writePredictions(file, threeImages);
  const bytes = await readFile(file);
  expect(bytes.length).toBe(32 + 3 * 8 + 3 * 4 + 6 * 4);
  expect(bytes.toString('latin1', 0, 4)).toBe('FVPR');
  expect([4, 8, 12, 16, 20].map((offset) => bytes.readUInt32LE(offset))).toEqual([1, 7, 3, 2, 0]);
  expect(bytes.readDoubleLE(32 + 8)).toBe(2 ** 40);
  expect(bytes.readInt32LE(32 + 24 + 4)).toBe(1);
  expect(bytes.readFloatLE(32 + 24 + 12)).toBe(1.5);
});

test('a missing, cut off or foreign file is refused with the reason', async () => {
  await expect(readPredictions(file)).rejects.toMatchObject({ code: 'not-found', context: { file } });
  await writePredictions(file, threeImages);
  await truncate(file, 91);
  await expect(readPredictions(file)).rejects.toThrow('3 images and 2 categories need 92 bytes, but it has 91');
  await truncate(file, 31);
  await expect(readPredictions(file)).rejects.toThrow('it has 31 bytes, fewer than its header');
  await writeFile(file, Buffer.alloc(40));
  await expect(readPredictions(file)).rejects.toThrow('it does not begin with "FVPR"');
});

test('arrays that do not belong together are not written', async () => {
  await expect(writePredictions(file, { ...threeImages, labels: Int32Array.of(0) })).rejects.toThrow(
    'internal: 3 images with 1 labels and 6 logits of 2 categories',
  );
});
