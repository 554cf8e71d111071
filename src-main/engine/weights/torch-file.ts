/**
 * Opens a PyTorch file (`torch.save` from 1.6 on): a zip archive with a pickle and one entry for each storage, none of
 * them compressed. Nothing of it is executed. Because nothing is unpacked, no tensor can be larger than the file.
 */
import type { Readable } from 'node:stream';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { FoveaError } from '../../contract/errors.ts';
import { floatsOf } from './element-types.ts';
import { readPickle } from './pickle.ts';
import { elementCount, type TensorSource } from './tensor-source.ts';
import { findTensors, torchDtypes, type TorchTensor } from './torch-tensors.ts';

/** The pickle of a large checkpoint has some 2 MB: tensors are not in it. */
const mostPickleBytes = 32 * 1024 * 1024;
const mostEntries = 200_000;
const stored = 0;

/** Throws FoveaError `bad-input` for a file that is broken or hostile, `unsupported` for what is not read here. */
export async function openTorchFile(file: string): Promise<TensorSource> {
  const zip = await sound(file, () => yauzl.openPromise(file, { autoClose: false }));
  try {
    const archive = new TorchArchive(file, zip, await listEntries(file, zip));
    const pickle = await archive.read(archive.pickle, 0, archive.pickle.uncompressedSize);
    const tensors = findTensors(readPickle(pickle, file), file);
    const floats = tensors.filter(({ storage }) => storage.dtype.includes('float'));
    for (const tensor of floats) archive.check(tensor);
    return source(zip, archive, floats, tensors.length - floats.length);
  } catch (error) {
    zip.close();
    throw error;
  }
}

function source(zip: ZipFile, archive: TorchArchive, tensors: readonly TorchTensor[], others: number): TensorSource {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return {
    format: 'pytorch',
    tensors: tensors.map(({ name, shape, storage }) => ({ name, shape, dtype: storage.dtype })),
    others,
    metadata: {},
    async read(name) {
      const tensor = byName.get(name);
      if (!tensor) throw new FoveaError('not-found', `${archive.file} has no tensor “${name}”.`, { tensor: name });
      return archive.values(tensor);
    },
    close: async () => zip.close(),
  };
}

async function listEntries(file: string, zip: ZipFile): Promise<Map<string, Entry>> {
  if (zip.entryCount > mostEntries)
    throw broken(file, `it claims ${zip.entryCount} entries, more than the ${mostEntries} allowed`);
  return sound(file, async () => {
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) {
      if (entries.has(entry.fileName)) throw broken(file, `it has two entries “${entry.fileName}”`);
      entries.set(entry.fileName, entry);
    }
    return entries;
  });
}

class TorchArchive {
  readonly file: string;
  readonly pickle: Entry;
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;
  /** Folder in the archive. */
  readonly #root: string;

  constructor(file: string, zip: ZipFile, entries: ReadonlyMap<string, Entry>) {
    this.file = file;
    this.#zip = zip;
    this.#entries = entries;
    const pickle = [...entries.values()].find(({ fileName }) => /^([^/]*\/)?data\.pkl$/.test(fileName));
    if (!pickle) throw broken(file, 'this zip archive has no data.pkl, so torch.save has not written it');
    this.#root = pickle.fileName.slice(0, -'data.pkl'.length);
    if (entries.has(`${this.#root}constants.pkl`)) {
      throw new FoveaError(
        'unsupported',
        `${file} is a TorchScript archive. Save its state_dict() with torch.save, or export it to ONNX or safetensors.`,
        { file },
      );
    }
    this.#requireStored(pickle);
    if (pickle.uncompressedSize > mostPickleBytes)
      throw broken(file, `its pickle has ${pickle.uncompressedSize} bytes, more than the ${mostPickleBytes} allowed`);
    this.pickle = pickle;
  }

  /** Whether the storage is there, and as long as the tensor's description says. */
  check(tensor: TorchTensor): void {
    const { key, dtype, length } = tensor.storage;
    const entry = this.#storage(tensor);
    this.#requireStored(entry);
    const wanted = length * torchDtypes[dtype];
    if (wanted > entry.uncompressedSize) {
      throw broken(
        this.file,
        `the tensor “${tensor.name}” needs ${wanted} bytes of storage ${key}, which has ${entry.uncompressedSize}`,
      );
    }
  }

  async values(tensor: TorchTensor): Promise<Float32Array> {
    const { shape, strides, offset, storage } = tensor;
    const count = elementCount(shape);
    if (count === 0) return new Float32Array(0);
    const width = torchDtypes[storage.dtype];
    const span = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 1);
    const bytes = await this.read(this.#storage(tensor), offset * width, (offset + span) * width);
    const values = floatsOf(storage.dtype, bytes);
    return isDense(shape, strides) ? values : gathered(values, shape, strides);
  }

  /** Bytes `start` to `end` (exclusive) of an entry. */
  async read(entry: Entry, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return sound(this.file, async () => {
      const stream = await this.#zip.openReadStreamPromise(entry, { start, end, decodeFileData: false });
      return collect(stream, end - start);
    });
  }

  #storage({ name, storage: { key } }: TorchTensor): Entry {
    const entry = this.#entries.get(`${this.#root}data/${key}`);
    if (!entry) throw broken(this.file, `the storage ${key} of the tensor “${name}” is missing`);
    return entry;
  }

  #requireStored({ fileName, compressionMethod, compressedSize, uncompressedSize }: Entry): void {
    if (compressionMethod === stored && compressedSize === uncompressedSize) return;
    throw broken(
      this.file,
      `its entry “${fileName}” is compressed, as PyTorch never writes it. Load it with PyTorch and save it again`,
    );
  }
}

async function collect(stream: Readable, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    if (filled + chunk.length > length) throw new Error('an entry is longer than the archive says');
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < length) throw new Error(`an entry ends after ${filled} of ${length} bytes`);
  return bytes;
}

function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis]!;
  }
  return true;
}

/** Row-major, of a view whose elements lie apart or in another order. */
function gathered(values: Float32Array, shape: readonly number[], strides: readonly number[]): Float32Array {
  const result = new Float32Array(elementCount(shape));
  const position = shape.map(() => 0);
  let at = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = values[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++position[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      position[axis] = 0;
    }
  }
  return result;
}

/** What the zip reader complains about is said of the file. */
async function sound<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof FoveaError) throw cause;
    throw broken(file, cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause), cause);
  }
}

function broken(file: string, what: string, cause?: unknown): FoveaError {
  return new FoveaError('bad-input', `${file} is not a sound PyTorch file: ${what}.`, { file }, { cause });
}
