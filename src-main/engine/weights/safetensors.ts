/**
 * Reads and writes .safetensors: an 8-byte little-endian header length, a JSON header that gives every tensor's dtype,
 * shape and byte range, then the bytes, row-major. A file is checked whole before a tensor is handed out, because it may
 * come from anywhere. Must not know models or checkpoints. Source: the format's specification (huggingface/safetensors).
 */
import { open, type FileHandle } from 'node:fs/promises';
import * as v from 'valibot';
import { FoveaError, invariant, type ErrorContext } from '../../contract/errors.ts';
import { bfloatsToFloats, halvesToFloats } from './half-float.ts';
import { writeFileAtomic } from './atomic-file.ts';

const bytesPerElement = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;
export type TensorDtype = keyof typeof bytesPerElement;
const dtypes = Object.keys(bytesPerElement) as TensorDtype[];

/** `data` is row-major and dense. F16 and BF16 are kept as their bit patterns: `floatValues` makes numbers of them. */
export type Tensor = { readonly shape: readonly number[] } & (
  | { readonly dtype: 'F64'; readonly data: Float64Array }
  | { readonly dtype: 'F32'; readonly data: Float32Array }
  | { readonly dtype: 'F16' | 'BF16'; readonly data: Uint16Array }
  | { readonly dtype: 'I64'; readonly data: BigInt64Array }
  | { readonly dtype: 'I32'; readonly data: Int32Array }
  | { readonly dtype: 'I16'; readonly data: Int16Array }
  | { readonly dtype: 'I8'; readonly data: Int8Array }
  | { readonly dtype: 'U8' | 'BOOL'; readonly data: Uint8Array }
);

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The specification's limit, which keeps a hostile length field from claiming all memory. */
const maximumHeaderBytes = 100_000_000;
const lengthFieldBytes = 8;
/** One read call takes at most 2 GiB. */
const pieceBytes = 2 ** 30;
const metadataKey = '__metadata__';

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const entrySchema = v.strictObject({
  dtype: v.string(),
  shape: v.array(size),
  data_offsets: v.strictTuple([size, size]),
});
const metadataSchema = v.record(v.string(), v.string());

interface Entry {
  name: string;
  dtype: TensorDtype;
  shape: readonly number[];
  /** Byte range in the data part. */
  begin: number;
  end: number;
}

/**
 * Reads a file, or only those of its tensors that are named in `only`.
 * Throws FoveaError `bad-input` where the file breaks the format (the message names the file and tensor), `not-found`
 * where the file or a tensor of `only` is missing, `unsupported` for a dtype outside `bytesPerElement`.
 */
export async function readSafetensors(file: string, only?: readonly string[]): Promise<TensorFile> {
  const opened = await openSafetensors(file);
  try {
    const tensors = new Map<string, Tensor>();
    for (const name of only ?? opened.tensors.map((tensor) => tensor.name)) tensors.set(name, await opened.read(name));
    return { tensors, metadata: opened.metadata };
  } finally {
    await opened.close();
  }
}

/** A file whose tensors are read one by one. Throws as `readSafetensors`; close it in the end. */
export async function openSafetensors(file: string) {
  const handle = await openForReading(file);
  try {
    const { entries, metadata, dataStart } = await readHeader(handle, file);
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    return {
      tensors: entries as readonly { name: string; dtype: TensorDtype; shape: readonly number[] }[],
      metadata,
      async read(name: string): Promise<Tensor> {
        const entry = byName.get(name);
        if (entry === undefined) {
          throw new FoveaError('not-found', `The weights file ${file} has no tensor "${name}".`, {
            file,
            tensor: name,
          });
        }
        return readTensor(handle, entry, dataStart, file);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Replaces `file` atomically. The bytes depend only on the content, not on the order of `tensors`: tensors go by falling
 * element size (which aligns them) and then by name, metadata by key. Throws FoveaError `io`.
 */
export async function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const ordered = [...tensors].sort(
    ([nameA, a], [nameB, b]) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype] || compareText(nameA, nameB),
  );
  const header: [string, unknown][] = [];
  const sortedMetadata = Object.entries(metadata).sort(([a], [b]) => compareText(a, b));
  if (sortedMetadata.length > 0) header.push([metadataKey, Object.fromEntries(sortedMetadata)]);
  let offset = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    invariant(name !== metadataKey && elementCount(shape) === data.length, `tensor "${name}" does not fit its shape`, {
      shape: shape.join('×'),
      length: data.length,
    });
    header.push([name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  await writeFileAtomic(file, [
    encodeHeader(Object.fromEntries(header)),
    ...ordered.map(([, { data }]) => bytesOf(data)),
  ]);
}

/** The tensor's numbers as float32; for F32 the tensor's own array, not a copy. Throws `unsupported` for integers. */
export function floatValues(tensor: Tensor): Float32Array {
  switch (tensor.dtype) {
    case 'F32':
      return tensor.data;
    case 'F16':
      return halvesToFloats(tensor.data);
    case 'BF16':
      return bfloatsToFloats(tensor.data);
    case 'F64':
      return Float32Array.from(tensor.data);
    default:
      throw new FoveaError(
        'unsupported',
        `A tensor of ${tensor.dtype} holds integers, where F64, F32, F16 or BF16 was expected.`,
      );
  }
}

async function openForReading(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = error instanceof Error ? error.message : String(error);
    throw new FoveaError(
      missing ? 'not-found' : 'io',
      missing ? `The weights file ${file} does not exist.` : `Could not open the weights file ${file}: ${message}`,
      { file },
      { cause: error },
    );
  }
}

async function readHeader(handle: FileHandle, file: string) {
  const stats = await handle.stat();
  if (!stats.isFile()) throw invalid(file, 'it is not a file');
  const fileBytes = stats.size;
  if (fileBytes < lengthFieldBytes) {
    throw invalid(file, `it has ${fileBytes} bytes, fewer than the ${lengthFieldBytes} of the header length`);
  }
  const lengthField = await readBytes(handle, 0, lengthFieldBytes, file);
  const headerLength = new DataView(lengthField.buffer).getBigUint64(0, true);
  if (headerLength > BigInt(maximumHeaderBytes)) {
    throw invalid(file, `its header claims ${headerLength} bytes, more than the ${maximumHeaderBytes} allowed`);
  }
  const dataStart = lengthFieldBytes + Number(headerLength);
  if (dataStart > fileBytes) {
    throw invalid(file, `its header claims ${headerLength} bytes, but the file ends after ${fileBytes}: it is cut off`);
  }
  const header = parseHeader(await readBytes(handle, lengthFieldBytes, Number(headerLength), file), file);
  const { [metadataKey]: rawMetadata = {}, ...rawEntries } = header;
  if (!v.is(metadataSchema, rawMetadata)) throw invalid(file, `its ${metadataKey} is not a table of text to text`);
  const entries = Object.entries(rawEntries).map(([name, value]) => parseEntry(name, value, file));
  checkRanges(entries, fileBytes - dataStart, file);
  return { entries, metadata: rawMetadata, dataStart };
}

function parseHeader(bytes: Uint8Array, file: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(file, `its header is not JSON in UTF-8 (${error instanceof Error ? error.message : String(error)})`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw invalid(file, 'its header is not a JSON object');
  }
  return { ...header };
}

function parseEntry(name: string, value: unknown, file: string): Entry {
  const parsed = v.safeParse(entrySchema, value);
  if (!parsed.success) {
    throw invalid(file, `tensor "${name}" needs dtype, shape and data_offsets (${parsed.issues[0].message})`, {
      tensor: name,
    });
  }
  const { dtype, shape, data_offsets } = parsed.output;
  if (!isSupported(dtype)) {
    throw new FoveaError(
      'unsupported',
      `Tensor "${name}" in ${file} has the dtype ${dtype}; supported are ${dtypes.join(', ')}.`,
      { file, tensor: name },
    );
  }
  const [begin, end] = data_offsets;
  const expected = elementCount(shape) * bytesPerElement[dtype];
  if (end - begin !== expected) {
    throw invalid(
      file,
      `tensor "${name}" ([${shape.join(', ')}] of ${dtype}) needs ${expected} bytes, but its range ${begin}–${end} has ${end - begin}`,
      { tensor: name, expected, got: end - begin },
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The ranges must cover the data part exactly: no overlap, no hole, nothing beyond its end. */
function checkRanges(entries: Entry[], dataBytes: number, file: string): void {
  let covered = 0;
  const byPosition = entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  for (const { name, begin, end } of byPosition) {
    const context = { tensor: name, offset: begin };
    if (end > dataBytes) {
      throw invalid(
        file,
        `tensor "${name}" ends at byte ${end} of the data, which has ${dataBytes}: it is cut off`,
        context,
      );
    }
    if (begin < covered) throw invalid(file, `tensor "${name}" overlaps another at byte ${begin} of the data`, context);
    if (begin > covered) throw invalid(file, `bytes ${covered}–${begin} of the data belong to no tensor`, context);
    covered = end;
  }
  if (covered !== dataBytes) throw invalid(file, `bytes ${covered}–${dataBytes} of the data belong to no tensor`);
}

async function readTensor(handle: FileHandle, entry: Entry, dataStart: number, file: string): Promise<Tensor> {
  const { dtype, shape } = entry;
  const { buffer } = await readBytes(handle, dataStart + entry.begin, entry.end - entry.begin, file);
  switch (dtype) {
    case 'F64':
      return { dtype, shape, data: new Float64Array(buffer) };
    case 'F32':
      return { dtype, shape, data: new Float32Array(buffer) };
    case 'F16':
    case 'BF16':
      return { dtype, shape, data: new Uint16Array(buffer) };
    case 'I64':
      return { dtype, shape, data: new BigInt64Array(buffer) };
    case 'I32':
      return { dtype, shape, data: new Int32Array(buffer) };
    case 'I16':
      return { dtype, shape, data: new Int16Array(buffer) };
    case 'I8':
      return { dtype, shape, data: new Int8Array(buffer) };
    case 'U8':
    case 'BOOL':
      return { dtype, shape, data: new Uint8Array(buffer) };
  }
}

async function readBytes(
  handle: FileHandle,
  position: number,
  length: number,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, Math.min(length - filled, pieceBytes), position + filled);
    if (bytesRead === 0) throw invalid(file, `it ended while byte ${position + filled} was read`);
    filled += bytesRead;
  }
  return bytes;
}

/** Padded with spaces so that the data part starts at a multiple of 8 bytes. */
function encodeHeader(header: object): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const paddedLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(lengthFieldBytes + paddedLength).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(paddedLength), true);
  bytes.set(json, lengthFieldBytes);
  return bytes;
}

const bytesOf = (data: Tensor['data']): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const elementCount = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
const isSupported = (dtype: string): dtype is TensorDtype => Object.hasOwn(bytesPerElement, dtype);
/** By code unit: the same on every machine, which a locale's order is not. */
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function invalid(file: string, what: string, context: ErrorContext = {}): FoveaError {
  return new FoveaError('bad-input', `${file} is not a sound .safetensors file: ${what}.`, { file, ...context });
}
