/**
 * Reads CIFAR-10 or CIFAR-100 from a source into a sink, checking every byte that can be wrong. The superclasses of CIFAR-100
 * become tags.
 */
import { FoveaError } from '../../contract/errors.ts';
import type { ByteChunks } from '../../formats/byte-reader.ts';
import {
  countCifar10Images,
  parseCifar10Meta,
  readCifar10Batch,
  superclassCount,
  type Cifar,
  type Cifar10Layout,
} from '../../formats/cifar10.ts';
import { baseName } from '../../formats/source-entry.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { DatasetSink, LabelledPart } from './dataset-sink.ts';
import type { ImportSource } from './source.ts';

interface Batch {
  path: string;
  split: Split;
  firstRow: number;
  count: number;
}

/** A part whose superclasses wait for their names, which may come last in an archive. */
type WaitingPart = LabelledPart & { coarse: Uint8Array };

export async function readCifar10(source: ImportSource, layout: Cifar10Layout, sink: DatasetSink): Promise<void> {
  const { kind, coarseMeta } = layout;
  sink.begin(['train', 'test']);
  const batches = [
    ...planBatches('train', layout.train, kind, sink),
    ...planBatches('test', [layout.test], kind, sink),
  ];
  for (const split of ['train', 'test'] as const) {
    const count = batches.filter((batch) => batch.split === split).reduce((sum, batch) => sum + batch.count, 0);
    if (count > 0)
      await sink.split({ split, count, channels: kind.channels, heightPx: kind.heightPx, widthPx: kind.widthPx });
  }
  const byPath = new Map(batches.map((batch) => [batch.path, batch]));
  const waiting: WaitingPart[] = [];
  let superclasses: string[] = [];
  const paths = [layout.meta.path, ...(coarseMeta === null ? [] : [coarseMeta.path]), ...byPath.keys()];
  await source.visit(paths, async (path, chunks) => {
    const batch = byPath.get(path);
    try {
      if (batch) {
        const part = await readBatch(batch, chunks, kind, sink);
        if (part.coarse.length === 0) sink.labels(part);
        else waiting.push(part);
      } else if (path === coarseMeta?.path) {
        superclasses = parseCifar10Meta(baseName(path), await readText(chunks), superclassCount);
      } else {
        sink.categories(parseCifar10Meta(baseName(path), await readText(chunks), kind.categoryCount));
      }
    } catch (error) {
      sink.failure(path, error);
    }
  });
  for (const { coarse, ...part } of waiting) {
    sink.labels(superclasses.length === 0 ? part : { ...part, tags: { names: superclasses, of: coarse } });
  }
}

/** Where each batch's images go; a batch whose size is wrong is reported and left out. */
function planBatches(split: Split, files: Cifar10Layout['train'], kind: Cifar, sink: DatasetSink): Batch[] {
  const batches: Batch[] = [];
  let firstRow = 0;
  for (const { path, sizeBytes } of files) {
    try {
      const count = countCifar10Images(baseName(path), sizeBytes, kind);
      batches.push({ path, split, firstRow, count });
      firstRow += count;
    } catch (error) {
      sink.failure(path, error);
    }
  }
  return batches;
}

async function readBatch(batch: Batch, chunks: ByteChunks, kind: Cifar, sink: DatasetSink): Promise<WaitingPart> {
  const { split, firstRow } = batch;
  const sourceFile = baseName(batch.path);
  const labels = new Uint8Array(batch.count);
  const coarse = new Uint8Array(kind.labelBytes === 2 ? batch.count : 0);
  let done = 0;
  for await (const block of readCifar10Batch(sourceFile, chunks, kind)) {
    if (done + block.labels.length > batch.count) throw changedWhileRead(sourceFile);
    labels.set(block.labels, done);
    if (block.coarse !== undefined) coarse.set(block.coarse, done);
    await sink.pixels(split, firstRow + done, sourceFile, block.pixels);
    done += block.labels.length;
  }
  if (done < batch.count) throw changedWhileRead(sourceFile);
  return { split, sourceFile, firstRow, labels, coarse };
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
