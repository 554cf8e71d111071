/**
 * layers.bin of a run: what was measured of its layers, one record of a fixed size an epoch. Little-endian:
 *   "FVLR", uint32 version = 1, uint32 bins (0: no histograms), uint32 tensors T, uint32 bytes of the description, the
 *   description (JSON: name, number of values and whether it has histograms of each tensor, filled up with spaces to a
 *   multiple of 4)
 *   records: uint32 epoch, uint32 0, float32 weight norms [T], gradient norms [T]; where there are bins, of each tensor that
 *   has histograms, of its weights and then of its gradients: float32 low, float32 high, uint16 shares [bins]
 * A record that is not whole (cut off by a kill) does not count and is written over.
 */
import { open, type FileHandle } from 'node:fs/promises';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import type { LayerNorms, Spread, TensorSpread } from '../../contract/model/monitoring.ts';
import { bytesOf, damaged, readBytes, withFile } from './number-file.ts';
import { writeFileAtomic } from '../weights/atomic-file.ts';

const magic = 0x524c5646; // "FVLR" as a little-endian uint32
const version = 1;
const headerBytes = 20;

const tensorList = v.array(v.object({ name: v.string(), values: v.number(), hasHistograms: v.boolean() }));
export type WatchedTensor = v.InferOutput<typeof tensorList>[number];

/** Of one epoch, in the order of the tensors; spreads of those that have histograms. */
export interface LayerRecord {
  epoch: number;
  weightNorms: Float32Array;
  gradientNorms: Float32Array;
  spreads: readonly { weights: RecordedSpread; gradients: RecordedSpread }[];
}
/** NaN and zeros where nothing was measured. */
export interface RecordedSpread {
  low: number;
  high: number;
  /** [bins], 65535 for all values. */
  shares: Uint16Array;
}

interface Layout {
  bins: number;
  tensors: readonly WatchedTensor[];
  recordsStart: number;
  recordBytes: number;
  /** Of a histogram within a record, by the tensor's place among those that have them. */
  spreadStart: number;
  spreadBytes: number;
}

function layoutOf(bins: number, tensors: readonly WatchedTensor[], descriptionBytes: number): Layout {
  const spreadStart = 8 + 8 * tensors.length;
  const spreadBytes = bins === 0 ? 0 : 16 + 4 * bins;
  const spread = tensors.filter(({ hasHistograms }) => hasHistograms).length;
  return {
    ...{ bins, tensors, spreadStart, spreadBytes },
    recordsStart: headerBytes + descriptionBytes,
    recordBytes: spreadStart + spread * spreadBytes,
  };
}

/**
 * Begins the file, or goes on with it: records of epochs after `epochsDone` are taken away, because those epochs come
 * again. One that is damaged or speaks of other tensors is begun anew. Throws FoveaError `io`.
 */
export async function beginLayerRecords(
  file: string,
  { bins, tensors }: Pick<Layout, 'bins' | 'tensors'>,
  epochsDone: number,
): Promise<void> {
  const description = describe(tensors);
  const header = Uint32Array.of(magic, version, bins, tensors.length, description.length);
  let kept = new Uint8Array();
  try {
    kept = await withFile(file, async (handle) => {
      const layout = await readLayout(file, handle);
      const isSame = layout.bins === bins && JSON.stringify(layout.tensors) === JSON.stringify(tensors);
      if (!isSame) return new Uint8Array();
      const epochs = await readEpochs(file, handle, layout);
      const count = epochs.filter((epoch) => epoch <= epochsDone).length;
      return new Uint8Array(await readBytes(file, handle, layout.recordsStart, count * layout.recordBytes));
    });
  } catch (error) {
    const isBegunAnew = error instanceof FoveaError && ['not-found', 'bad-input', 'unsupported'].includes(error.code);
    if (!isBegunAnew) throw error;
  }
  await writeFileAtomic(file, [bytesOf(header), description, kept]);
}

/** Behind the whole records that are there. Throws FoveaError `io`, `bad-input` where the file was damaged meanwhile. */
export async function appendLayerRecord(file: string, record: LayerRecord): Promise<void> {
  try {
    const handle = await open(file, 'r+');
    try {
      const layout = await readLayout(file, handle);
      const records = await countRecords(handle, layout);
      await handle.write(
        encode(record, layout),
        0,
        layout.recordBytes,
        layout.recordsStart + records * layout.recordBytes,
      );
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof FoveaError) throw cause;
    throw new FoveaError('io', `Could not write into ${file}: ${String(cause)}`, { file }, { cause });
  }
}

/** float32 low and high, uint16 shares [bins] of each. */
export function encodeSpreads(spreads: readonly RecordedSpread[], bins: number): Uint8Array {
  const bytes = new Uint8Array(spreads.length * (8 + 2 * bins));
  spreads.forEach(({ low, high, shares }, i) => {
    const start = i * (8 + 2 * bins);
    new Float32Array(bytes.buffer, start, 2).set([low, high]);
    new Uint16Array(bytes.buffer, start + 8, bins).set(shares);
  });
  return bytes;
}

/** What is cut off is left out. */
export function decodeSpreads(encoded: Uint8Array, bins: number): RecordedSpread[] {
  const bytes = Uint8Array.from(encoded); // a Buffer may begin anywhere in its memory
  const each = 8 + 2 * bins;
  return Array.from({ length: Math.floor(bytes.length / each) }, (_, i) => {
    const [low, high] = new Float32Array(bytes.buffer, i * each, 2) as unknown as [number, number];
    return { low, high, shares: new Uint16Array(bytes.buffer, i * each + 8, bins) };
  });
}

/** Throws FoveaError `not-found`, `bad-input` where the file is damaged, `unsupported`, `io`. */
export function readLayerNorms(file: string): Promise<LayerNorms> {
  return withFile(file, async (handle) => {
    const layout = await readLayout(file, handle);
    const { recordsStart, recordBytes, tensors } = layout;
    const epochs = await readEpochs(file, handle, layout);
    const norms = epochs.map(async (_, at) => {
      const bytes = await readBytes(file, handle, recordsStart + at * recordBytes + 8, 8 * tensors.length);
      return new Float32Array(bytes);
    });
    const rows = await Promise.all(norms);
    const join = (part: (row: Float32Array) => Float32Array): Float32Array =>
      Float32Array.from(rows.flatMap((row) => Array.from(part(row))));
    return {
      tensors: tensors.map((tensor) => ({ ...tensor })),
      epochs: Float64Array.from(epochs),
      weightNorms: join((row) => row.subarray(0, tensors.length)),
      gradientNorms: join((row) => row.subarray(tensors.length)),
    };
  });
}

/** Throws as `readLayerNorms` does; `not-found` too for a tensor without histograms. */
export function readTensorSpread(file: string, name: string): Promise<TensorSpread> {
  return withFile(file, async (handle) => {
    const layout = await readLayout(file, handle);
    const { bins, tensors, recordsStart, recordBytes, spreadStart, spreadBytes } = layout;
    const place = tensors.filter(({ hasHistograms }) => hasHistograms).findIndex((tensor) => tensor.name === name);
    if (place < 0 || bins === 0)
      throw new FoveaError('not-found', `There are no histograms of "${name}".`, { file, tensor: name });
    const epochs = await readEpochs(file, handle, layout);
    const start = recordsStart + spreadStart + place * spreadBytes;
    const spread = (): Spread => ({
      low: new Float32Array(epochs.length),
      high: new Float32Array(epochs.length),
      shares: new Uint16Array(epochs.length * bins),
    });
    const [weights, gradients] = [spread(), spread()];
    for (let at = 0; at < epochs.length; at++) {
      const bytes = await readBytes(file, handle, start + at * recordBytes, spreadBytes);
      const recorded = decodeSpreads(new Uint8Array(bytes), bins);
      [weights, gradients].forEach((each, which) => {
        const { low, high, shares } = recorded[which]!;
        each.low[at] = low;
        each.high[at] = high;
        each.shares.set(shares, at * bins);
      });
    }
    return { name, bins, epochs: Float64Array.from(epochs), weights, gradients };
  });
}

function describe(tensors: readonly WatchedTensor[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(tensors));
  const padded = new Uint8Array(4 * Math.ceil(text.length / 4)).fill(0x20);
  padded.set(text);
  return padded;
}

async function readLayout(file: string, handle: FileHandle): Promise<Layout> {
  const header = new Uint32Array(await readBytes(file, handle, 0, headerBytes));
  const [fileMagic, fileVersion, bins, count, descriptionBytes] = header as unknown as number[];
  if (fileMagic !== magic) throw damaged(file, 'it does not begin with "FVLR"');
  if (fileVersion !== version)
    throw new FoveaError('unsupported', `${file} has version ${fileVersion}; this program reads version ${version}.`, {
      file,
    });
  const { size } = await handle.stat();
  if (descriptionBytes! > size) throw damaged(file, 'its description is longer than the file');
  const text = new TextDecoder().decode(await readBytes(file, handle, headerBytes, descriptionBytes!));
  const tensors = v.safeParse(v.pipe(v.string(), v.parseJson(), tensorList), text);
  if (!tensors.success || tensors.output.length !== count)
    throw damaged(file, 'it does not say which tensors it is of');
  return layoutOf(bins!, tensors.output, descriptionBytes!);
}

async function countRecords(handle: FileHandle, { recordsStart, recordBytes }: Layout): Promise<number> {
  const { size } = await handle.stat();
  return Math.max(0, Math.floor((size - recordsStart) / recordBytes));
}

async function readEpochs(file: string, handle: FileHandle, layout: Layout): Promise<number[]> {
  const count = await countRecords(handle, layout);
  const epochs: number[] = [];
  for (let at = 0; at < count; at++) {
    const bytes = await readBytes(file, handle, layout.recordsStart + at * layout.recordBytes, 4);
    epochs.push(new Uint32Array(bytes)[0]!);
  }
  return epochs;
}

function encode({ epoch, weightNorms, gradientNorms, spreads }: LayerRecord, layout: Layout): Uint8Array {
  const { recordBytes, spreadStart, spreadBytes, bins, tensors } = layout;
  const bytes = new Uint8Array(recordBytes);
  const { buffer } = bytes;
  new Uint32Array(buffer, 0, 1)[0] = epoch;
  const norms = new Float32Array(buffer, 8, 2 * tensors.length);
  norms.set(weightNorms);
  norms.set(gradientNorms, tensors.length);
  spreads.forEach(({ weights, gradients }, place) => {
    bytes.set(encodeSpreads([weights, gradients], bins), spreadStart + place * spreadBytes);
  });
  return bytes;
}
