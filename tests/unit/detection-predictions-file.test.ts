/** predictions.bin of a detection: its bytes, what is kept of many candidates, and what a damaged file is told. */
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { joinPayloads } from '../../src-main/contract/model/run-results.ts';
import {
  DetectionPredictionsWriter,
  mostCandidates,
  readCandidates,
  readDetectionPredictions,
} from '../../src-main/engine/train/detection-predictions-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-detections-'));
  file = join(folder, 'predictions.bin');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const objects = { counts: [1, 0, 2], rows: [3, 1.5, 2, 11.5, 12, 90, 0, 1, 0, 0, 5, 5, 20, 1, 0, 4, 4, 8, 8, 16, 0] };
const head = { epoch: 4, categoryCount: 5, imageIds: [11, 2 ** 40, 13], objects, head: null };
const first = Float32Array.of(1, 2, 3, 4, 0.9, 3, 5, 6, 7, 8, 0.25, 1);
const last = Float32Array.of(-2, 0.5, 9, 9.25, 0.5, 0);

async function write(...images: Float32Array[]): Promise<void> {
  const writer = await DetectionPredictionsWriter.create(file, head);
  for (const candidates of images) await writer.addImage(candidates);
  await writer.commit();
}

test('what is written is read, whole and image by image', async () => {
  await write(first, new Float32Array(), last);
  const predictions = await readDetectionPredictions(file);
  expect(predictions).toEqual({
    epoch: 4,
    categoryCount: 5,
    imageIds: Float64Array.from(head.imageIds),
    firstObject: Float64Array.of(0, 1, 1, 3),
    firstCandidate: Float64Array.of(0, 2, 2, 3),
    objects: Float64Array.from(objects.rows),
    candidateBytes: Float64Array.of(0, 48, 48, 72).map((bytes) => 32 + 3 * 8 + 2 * 4 * 8 + 3 * 7 * 8 + bytes),
    head: null,
  });
  expect((await readCandidates(file, predictions)).rows).toEqual(Float32Array.of(...first, ...last));
  expect((await readCandidates(file, predictions, 1, 1)).rows).toEqual(new Float32Array());
  expect((await readCandidates(file, predictions, 2, 1)).rows).toEqual(last);
});

test('the bytes are those of the documented format', async () => {
  await write(first, new Float32Array(), last);
  const bytes = await readFile(file);
  expect(bytes.length).toBe(32 + 3 * 8 + 2 * 4 * 8 + 3 * 7 * 8 + 3 * 6 * 4);
  expect(bytes.toString('latin1', 0, 4)).toBe('FVDP');
  expect([4, 8, 12, 16, 20, 24].map((offset) => bytes.readUInt32LE(offset))).toEqual([1, 4, 3, 5, 3, mostCandidates]);
  expect(bytes.readDoubleLE(32 + 24 + 3 * 8)).toBe(3);
  expect(bytes.readDoubleLE(32 + 24 + 64 + 8)).toBe(1.5);
  expect(bytes.readFloatLE(bytes.length - 2 * 4)).toBe(0.5);
});

test('what is said beside boxes is read with them, whole and image by image', async () => {
  const bytes = (...lengths: number[]) => lengths.map((length, i) => new Uint8Array(length).fill(10 * length + i));
  const known = { kind: 'masks', objects: joinPayloads(bytes(5, 0, 3)) } as const;
  const writer = await DetectionPredictionsWriter.create(file, { ...head, head: known });
  const said = [bytes(2, 7), [], bytes(1)];
  for (const [image, rows] of [first, new Float32Array(), last].entries()) await writer.addImage(rows, said[image]);
  await writer.commit();
  const predictions = await readDetectionPredictions(file);
  expect(predictions.head).toEqual(known);
  expect(await readCandidates(file, predictions)).toEqual({
    rows: Float32Array.of(...first, ...last),
    payloads: joinPayloads(said.flat()),
  });
  expect(await readCandidates(file, predictions, 1, 1)).toEqual({
    rows: new Float32Array(),
    payloads: joinPayloads([]),
  });
  expect(await readCandidates(file, predictions, 2, 1)).toEqual({ rows: last, payloads: joinPayloads(bytes(1)) });
  const { length } = await readFile(file);
  for (const cut of [1, 9, 60, length - 40]) {
    await truncate(file, length - cut);
    await expect(readDetectionPredictions(file)).rejects.toMatchObject({ code: 'bad-input' });
  }
});

test('of very many candidates the best are kept', async () => {
  const many = new Float32Array(6 * (mostCandidates + 5)).map((_, i) => (i % 6 === 4 ? 1 - i / 1e6 : 0));
  await write(many, first, new Float32Array());
  const predictions = await readDetectionPredictions(file);
  expect([...predictions.firstCandidate]).toEqual([0, mostCandidates, mostCandidates + 2, mostCandidates + 2]);
  expect((await readCandidates(file, predictions, 0, 1)).rows).toEqual(many.subarray(0, 6 * mostCandidates));
});

test('what was there stays until everything is written, and an unfinished file is not', async () => {
  await write(first, first, first);
  const before = await readFile(file);
  const writer = await DetectionPredictionsWriter.create(file, head);
  await writer.addImage(last);
  await expect(writer.commit()).rejects.toThrow('internal: 1 of 3 images');
  await writer.discard();
  expect(await readFile(file)).toEqual(before);
});

test('a missing, cut off or foreign file is refused with the reason', async () => {
  await expect(readDetectionPredictions(file)).rejects.toMatchObject({ code: 'not-found', context: { file } });
  await write(first, new Float32Array(), last);
  const { length } = await readFile(file);
  await truncate(file, length - 1);
  await expect(readDetectionPredictions(file)).rejects.toThrow('its lists do not fit its length');
  await truncate(file, 100);
  await expect(readDetectionPredictions(file)).rejects.toThrow('it ends at byte 100, inside of what it should hold');
  await writeFile(file, Buffer.alloc(40));
  await expect(readDetectionPredictions(file)).rejects.toThrow('it does not begin with "FVDP"');
});

test('lists that go backwards are refused', async () => {
  await write(first, new Float32Array(), last);
  const bytes = await readFile(file);
  bytes.writeDoubleLE(9, 32 + 24 + 4 * 8 + 8);
  await writeFile(file, bytes);
  await expect(readDetectionPredictions(file)).rejects.toThrow('its lists do not fit its length');
});
