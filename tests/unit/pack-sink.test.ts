/** The packs of a data set that is too large for one, and rows in the order of the data set whatever comes first. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ImportMessage, RowBlock } from '../../src-main/services/import/messages.ts';
import { PackSink } from '../../src-main/services/import/pack-sink.ts';
import { temporaryFolder } from '../helpers/service-fixture.ts';

/** Images of 2 × 2 px, 4 bytes each. */
const SIZE = { channels: 1, heightPx: 2, widthPx: 2 };
const images = (...values: number[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => Array<number>(4).fill(value)));

async function createSink(
  maxPackBytes: number,
): Promise<{ folder: string; messages: ImportMessage[]; sink: PackSink }> {
  const folder = await temporaryFolder();
  const messages: ImportMessage[] = [];
  return { folder, messages, sink: new PackSink(folder, 'd-', (message) => messages.push(message), maxPackBytes) };
}

const rowsOf = (messages: readonly ImportMessage[]): RowBlock[] =>
  messages.flatMap((message) => (message.kind === 'rows' ? [message.rows] : []));

test('a split that does not fit into one pack goes on in the next', async () => {
  const { folder, messages, sink } = await createSink(12); // three images
  sink.begin(['train']);
  sink.categories(['a', 'b']);
  await sink.split({ split: 'train', count: 7, ...SIZE });
  expect(messages.flatMap((message) => (message.kind === 'pack' ? [message.pack] : []))).toEqual([
    { file: 'd-train.u8', count: 3, ...SIZE },
    { file: 'd-train-2.u8', count: 3, ...SIZE },
    { file: 'd-train-3.u8', count: 1, ...SIZE },
  ]);
  await sink.pixels('train', 5, 'y', images(5, 6));
  await sink.pixels('train', 0, 'x', images(0, 1, 2, 3, 4));
  sink.labels({ split: 'train', sourceFile: 'x', firstRow: 0, labels: Uint8Array.of(0, 1, 0, 1, 0) });
  sink.labels({ split: 'train', sourceFile: 'y', firstRow: 5, labels: Uint8Array.of(1, 1) });
  expect(readdirSync(folder).sort()).toEqual(['d-train-2.u8.part', 'd-train-3.u8.part', 'd-train.u8.part']);
  await sink.complete();
  expect(readdirSync(folder).sort()).toEqual(['d-train-2.u8', 'd-train-3.u8', 'd-train.u8']);
  expect([...readFileSync(join(folder, 'd-train.u8'))]).toEqual([...images(0, 1, 2)]);
  expect([...readFileSync(join(folder, 'd-train-2.u8'))]).toEqual([...images(3, 4, 5)]);
  expect([...readFileSync(join(folder, 'd-train-3.u8'))]).toEqual([...images(6)]);
  const row = { split: 'train', sourceFile: 'x' };
  expect(rowsOf(messages)).toEqual([
    { ...row, pack: 'd-train.u8', firstRow: 0, firstNumber: 0, labels: Uint8Array.of(0, 1, 0) },
    { ...row, pack: 'd-train-2.u8', firstRow: 0, firstNumber: 3, labels: Uint8Array.of(1, 0) },
    { ...row, sourceFile: 'y', pack: 'd-train-2.u8', firstRow: 2, firstNumber: 0, labels: Uint8Array.of(1) },
    { ...row, sourceFile: 'y', pack: 'd-train-3.u8', firstRow: 0, firstNumber: 1, labels: Uint8Array.of(1) },
  ]);
});

test('rows wait for the ones before them, and for the classes', async () => {
  const { messages, sink } = await createSink(1000);
  sink.begin(['train', 'test']);
  await sink.split({ split: 'test', count: 1, ...SIZE });
  await sink.split({ split: 'train', count: 2, ...SIZE });
  const part = { sourceFile: 'x', labels: Uint8Array.of(0) };
  const sent = (): string[] => rowsOf(messages).map(({ split, firstRow }) => `${split} ${firstRow}`);
  sink.labels({ ...part, split: 'test', firstRow: 0 });
  sink.labels({ ...part, split: 'train', firstRow: 1 });
  sink.labels({ ...part, split: 'train', firstRow: 0 });
  expect(sent()).toEqual([]);
  sink.categories(['a']);
  expect(sent()).toEqual(['train 0', 'train 1', 'test 0']);
  await sink.close();
});

test('an import that ends with rows missing is a mistake of ours, and is told as one', async () => {
  const { sink } = await createSink(1000);
  sink.begin(['train']);
  sink.categories(['a']);
  await sink.split({ split: 'train', count: 2, ...SIZE });
  sink.labels({ split: 'train', sourceFile: 'x', firstRow: 0, labels: Uint8Array.of(0) });
  await expect(sink.complete()).rejects.toThrow('internal: an import ended before all of its rows came');
  await sink.close();
});
