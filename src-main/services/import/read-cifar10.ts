/** Reads CIFAR-10 from a source into a sink, checking every byte that can be wrong. */
import { FoveaError } from '../../contract/errors.ts';
import type { ByteChunks } from '../../formats/byte-reader.ts';
import {
  cifar10,
  countCifar10Images,
  parseCifar10Meta,
  readCifar10Batch,
  type Cifar10Layout,
} from '../../formats/cifar10.ts';
import { baseName } from '../../formats/source-entry.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { DatasetSink } from './dataset-sink.ts';
import type { ImportSource } from './source.ts';

interface Batch {
  path: string;
  split: Split;
  firstRow: number;
  count: number;
}

export async function readCifar10(source: ImportSource, layout: Cifar10Layout, sink: DatasetSink): Promise<void> {
  sink.begin(['train', 'test']);
  const batches = [...planBatches('train', layout.train, sink), ...planBatches('test', [layout.test], sink)];
  for (const split of ['train', 'test'] as const) {
    const count = batches.filter((batch) => batch.split === split).reduce((sum, batch) => sum + batch.count, 0);
    if (count > 0)
      await sink.split({ split, count, channels: 3, heightPx: cifar10.heightPx, widthPx: cifar10.widthPx });
  }
  const byPath = new Map(batches.map((batch) => [batch.path, batch]));
  await source.visit([layout.meta.path, ...byPath.keys()], async (path, chunks) => {
    const batch = byPath.get(path);
    try {
      if (batch) await readBatch(batch, chunks, sink);
      else sink.categories(parseCifar10Meta(baseName(path), await readText(chunks)));
    } catch (error) {
      sink.failure(path, error);
    }
  });
}

/** Where each batch's images go; a batch whose size is wrong is reported and left out. */
function planBatches(split: Split, files: Cifar10Layout['train'], sink: DatasetSink): Batch[] {
  const batches: Batch[] = [];
  let firstRow = 0;
  for (const { path, sizeBytes } of files) {
    try {
      const count = countCifar10Images(baseName(path), sizeBytes);
      batches.push({ path, split, firstRow, count });
      firstRow += count;
    } catch (error) {
      sink.failure(path, error);
    }
  }
  return batches;
}

async function readBatch(batch: Batch, chunks: ByteChunks, sink: DatasetSink): Promise<void> {
  const { split, firstRow } = batch;
  const sourceFile = baseName(batch.path);
  const labels = new Uint8Array(batch.count);
  let done = 0;
  for await (const block of readCifar10Batch(sourceFile, chunks)) {
    if (done + block.labels.length > batch.count) throw changedWhileRead(sourceFile);
    labels.set(block.labels, done);
    await sink.pixels(split, firstRow + done, sourceFile, block.pixels);
    done += block.labels.length;
  }
  if (done < batch.count) throw changedWhileRead(sourceFile);
  sink.labels({ split, sourceFile, firstRow, labels });
}

function changedWhileRead(file: string): FoveaError {
  return new FoveaError(
    'bad-input',
    `${file}: changed its size while it was read. Import it again once it is complete.`,
    { file },
  );
}

async function readText(chunks: ByteChunks): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
