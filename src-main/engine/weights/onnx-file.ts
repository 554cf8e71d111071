/** Opens an .onnx model as a file of weights: its initializers. The graph around them is passed over. */
import { readFile, stat } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import { elementTypes } from '../onnx/facts.ts';
import { decodeModel, toNumber, type ModelProto, type TensorProto } from '../onnx/schema.ts';
import { floatsOf } from './element-types.ts';
import { halvesToFloats } from './half-float.ts';
import { elementCount, type TensorSource } from './tensor-source.ts';

/** What one protobuf message may have. */
const mostBytes = 2 ** 31 - 1;

/** Bytes of an element of the types that weights have. */
const floatTypes: ReadonlyMap<number, { dtype: string; width: number }> = new Map([
  [elementTypes.float32, { dtype: 'float32', width: 4 }],
  [elementTypes.float16, { dtype: 'float16', width: 2 }],
  [elementTypes.bfloat16, { dtype: 'bfloat16', width: 2 }],
  [elementTypes.float64, { dtype: 'float64', width: 8 }],
]);

interface Initializer {
  name: string;
  shape: readonly number[];
  dtype: string;
  proto: TensorProto;
}

/** Throws FoveaError `bad-input` for what is no model, `unsupported` for weights that lie in other files. */
export async function openOnnxFile(file: string): Promise<TensorSource> {
  const model = await readModelFile(file);
  const all = model.graph?.initializer ?? [];
  const initializers = all.flatMap((proto) => initializerOf(proto, file));
  const byName = new Map(initializers.map((initializer) => [initializer.name, initializer]));
  return {
    format: 'onnx',
    tensors: initializers.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    others: all.length - initializers.length,
    metadata: Object.fromEntries((model.metadataProps ?? []).map(({ key = '', value = '' }) => [key, value])),
    async read(name) {
      const initializer = byName.get(name);
      if (!initializer) throw new FoveaError('not-found', `${file} has no initializer “${name}”.`, { tensor: name });
      return valuesOf(initializer, file);
    },
    close: async () => undefined,
  };
}

async function readModelFile(file: string): Promise<ModelProto> {
  const { size } = await stat(file);
  if (size > mostBytes) throw broken(file, `it has ${size} bytes, more than an ONNX model can have`);
  const bytes = await readFile(file);
  let model: ModelProto;
  try {
    model = decodeModel(bytes);
  } catch (cause) {
    throw broken(file, 'it is damaged or of another format', cause);
  }
  if (!model.graph) throw broken(file, 'it holds no graph');
  return model;
}

function initializerOf(proto: TensorProto, file: string): Initializer[] {
  const type = floatTypes.get(proto.dataType ?? 0);
  const name = proto.name ?? '';
  if (!type || name === '') return [];
  if (proto.dataLocation) {
    throw new FoveaError(
      'unsupported',
      `${file}: the data of “${name}” lie in another file, which is not supported. Save the model as one file.`,
      { file, tensor: name },
    );
  }
  const shape = (proto.dims ?? []).map(toNumber);
  const count = elementCount(shape);
  const { rawData, floatData, doubleData, int32Data } = proto;
  const found = rawData?.length
    ? rawData.length / type.width
    : ((floatData?.length || doubleData?.length || int32Data?.length) ?? 0);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || found !== count)
    throw broken(file, `“${name}” has the shape [${shape.join(', ')}], but ${found} elements`);
  return [{ name, shape, dtype: type.dtype, proto }];
}

function valuesOf({ dtype, proto }: Initializer, file: string): Float32Array {
  const { rawData, floatData, doubleData, int32Data } = proto;
  if (rawData?.length) return floatsOf(dtype, Uint8Array.from(rawData));
  // Halves stand as their bit patterns in the list of whole numbers.
  if (int32Data?.length && dtype === 'float16') return halvesToFloats(Uint16Array.from(int32Data));
  const numbers = floatData?.length ? floatData : doubleData;
  if (int32Data?.length) throw broken(file, `“${proto.name}” has its numbers where they do not belong`);
  return Float32Array.from(numbers ?? []);
}

function broken(file: string, what: string, cause?: unknown): FoveaError {
  return new FoveaError('bad-input', `${file} is not a sound ONNX model: ${what}.`, { file }, { cause });
}
