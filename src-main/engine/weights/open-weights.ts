/** Opens a file of weights of any known format, told by its content and not by its name. */
import { open, type FileHandle } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import { openOnnxFile } from './onnx-file.ts';
import { floatValues, openSafetensors } from './safetensors.ts';
import type { TensorSource } from './tensor-source.ts';
import { openTorchFile } from './torch-file.ts';

/** What people may choose, for messages. */
const knownFormats = '.safetensors, .onnx, and .pt or .pth as torch.save writes them';

/**
 * Nothing of the file is executed, and no more of it read than its list of tensors. Throws FoveaError `not-found`,
 * `bad-input` for a file that is broken, hostile or of another format, `unsupported` for a format that is known and not
 * read here; each names the file and says what to do.
 */
export async function openWeights(file: string): Promise<TensorSource> {
  const start = await firstBytes(file);
  if (start.length === 0) throw new FoveaError('bad-input', `${file} is empty.`, { file });
  const text = Buffer.from(start).toString('latin1');
  if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return openTorchFile(file);
  // A header's length, then JSON.
  if (text[8] === '{') return openSafetensorsFile(file);
  if (start[0] === 0x80 || text.includes('ustar')) {
    throw new FoveaError(
      'unsupported',
      `${file} was saved by PyTorch before 1.6, or as a bare pickle, which is not read. Load it with PyTorch and save it again with torch.save.`,
      { file },
    );
  }
  // The first field of an ONNX model is its version.
  if (start[0] === 0x08) return openOnnxFile(file);
  throw new FoveaError('bad-input', `${file} is no file of weights that can be read. Known are ${knownFormats}.`, {
    file,
  });
}

async function openSafetensorsFile(file: string): Promise<TensorSource> {
  const { tensors, metadata, read, close } = await openSafetensors(file);
  const floats = tensors.flatMap(({ name, dtype, shape }) => {
    const type = floatDtypes[dtype];
    return type === undefined ? [] : [{ name, shape, dtype: type }];
  });
  return {
    format: 'safetensors',
    tensors: floats,
    others: tensors.length - floats.length,
    metadata,
    read: async (name) => floatValues(await read(name)),
    close,
  };
}

const floatDtypes: Readonly<Record<string, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

async function firstBytes(file: string): Promise<Uint8Array> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(file, 'r');
    const bytes = new Uint8Array(512);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ENOENT')
      throw new FoveaError('not-found', `The weights file ${file} does not exist.`, { file }, { cause });
    const reason = code === 'EISDIR' ? 'it is a folder' : cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('bad-input', `${file} cannot be read: ${reason}.`, { file }, { cause });
  } finally {
    await handle?.close();
  }
}
