/** Reads MNIST-style IDX pairs, plain or compressed, from a source into a sink. Classes are named by their number. */
import type { ByteChunks } from '../../formats/byte-reader.ts';
import { openIdxImages, readIdxLabels, requireSameCount, type IdxLayout, type IdxPair } from '../../formats/idx.ts';
import { baseName } from '../../formats/source-entry.ts';
import type { DatasetSink } from './dataset-sink.ts';
import { gunzipped, type ImportSource } from './source.ts';

/** What is known of a pair so far; an archive may hold its two files in either order. */
interface PairState {
  pair: IdxPair;
  imageCount: number | null;
  labels: Uint8Array | null;
}

export async function readIdx(source: ImportSource, layout: IdxLayout, sink: DatasetSink): Promise<void> {
  sink.begin(layout.pairs.map((pair) => pair.split));
  const states = layout.pairs.map((pair): PairState => ({ pair, imageCount: null, labels: null }));
  const paths = layout.pairs.flatMap((pair) => [pair.labels.path, pair.images.path]);
  await source.visit(paths, async (path, raw) => {
    const state = states.find(({ pair }) => pair.images.path === path || pair.labels.path === path);
    if (!state) return;
    try {
      const chunks = path.endsWith('.gz') ? gunzipped(baseName(path), raw) : raw;
      if (path === state.pair.labels.path) await readLabels(state, chunks);
      else await readImages(state, chunks, sink);
      if (states.every(({ labels }) => labels)) sink.categories(categoryNames(states));
      finishPair(state, sink);
    } catch (error) {
      sink.failure(path, error);
    }
  });
}

async function readLabels(state: PairState, chunks: ByteChunks): Promise<void> {
  const labels = await readIdxLabels(baseName(state.pair.labels.path), chunks);
  requireMatch(state.pair, state.imageCount, labels.length);
  state.labels = labels;
}

async function readImages(state: PairState, chunks: ByteChunks, sink: DatasetSink): Promise<void> {
  const { split, images: entry } = state.pair;
  const sourceFile = baseName(entry.path);
  const images = await openIdxImages(sourceFile, chunks);
  const { count, heightPx, widthPx } = images;
  requireMatch(state.pair, count, state.labels?.length ?? null);
  await sink.split({ split, count, channels: 1, heightPx, widthPx });
  let row = 0;
  for await (const block of images.blocks()) {
    await sink.pixels(split, row, sourceFile, block);
    row += block.length / (heightPx * widthPx);
  }
  state.imageCount = count;
}

function requireMatch(pair: IdxPair, imageCount: number | null, labelCount: number | null): void {
  if (imageCount === null || labelCount === null) return;
  requireSameCount(baseName(pair.images.path), imageCount, baseName(pair.labels.path), labelCount);
}

function finishPair({ pair, imageCount, labels }: PairState, sink: DatasetSink): void {
  if (imageCount === null || !labels) return;
  sink.labels({ split: pair.split, sourceFile: baseName(pair.images.path), firstRow: 0, labels });
}

function categoryNames(states: readonly PairState[]): string[] {
  let highest = 0;
  for (const { labels } of states) for (const label of labels ?? []) highest = Math.max(highest, label);
  return Array.from({ length: highest + 1 }, (_, index) => String(index));
}
