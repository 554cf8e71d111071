/** The names of a run's categories, read without the rest of its data.json. */
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  readCategoryNames,
  readTrainingData,
  writeTrainingData,
} from '../../src-main/engine/train/training-data-file.ts';
import { rejectionOf } from '../helpers/errors.ts';

function fileIn(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-names-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'data.json');
}

const split = () => ({
  ...{ imageIds: Float64Array.from([1]), packs: Uint16Array.from([0]), rows: Uint32Array.from([0]), labels: [0] },
});

test.each([
  ['few', ['cat', 'dog']],
  ['with brackets, quotes and letters of other scripts', ['a]b', '"x", ["y"]', 'кошка']],
  ['more than are read at once', Array.from({ length: 3000 }, (_, at) => `class ${at} ${'é'.repeat(40)}`)],
])('%s', async (_, categories) => {
  const file = fileIn();
  const packs = [{ file: 'p.u8', count: 1, channels: 1, heightPx: 2, widthPx: 2 }];
  await writeTrainingData(file, { categories, packs, train: split(), evaluation: split() } as never);
  expect(await readCategoryNames(file)).toEqual(categories);
  expect((await readTrainingData(file)).categories).toEqual(categories);
});

test('a file that is not there, or begins with something else, is named', async () => {
  const file = fileIn();
  expect(await rejectionOf(readCategoryNames(file))).toMatchObject({ code: 'bad-input' });
  await writeFile(file, '{"packs":[]}');
  const refused = await rejectionOf(readCategoryNames(file));
  expect(refused.message).toContain(file);
  await writeFile(file, '{"categories":["cat"');
  expect((await rejectionOf(readCategoryNames(file))).code).toBe('bad-input');
});
