/**
 * The words of the engine: data types, shapes, values, nodes and graphs, as plain data with static shapes.
 * Knows no operator: what an op does lives in ops/. Source: ONNX IR specification, opset 18.
 */

export const dataTypes = [
  'float32',
  'float16',
  'float64',
  'int64',
  'int32',
  'uint64',
  'uint32',
  'uint8',
  'int8',
  'bool',
] as const;
export type DataType = (typeof dataTypes)[number];

/** Dimensions, outermost first; [] is a scalar. All engine graphs have static shapes. */
export type Shape = readonly number[];

export interface TensorType {
  shape: Shape;
  dataType: DataType;
}

/** Element storage by data type; float16 is kept as its raw 16-bit words, bool as one byte (0 or 1) each. */
export type TensorArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Uint8Array
  | Int8Array;

/** A tensor with its elements, row-major. */
export interface Tensor extends TensorType {
  data: TensorArray;
}

/** One edge of a graph: made once by a node, a graph input or an initializer, and read any number of times. */
export interface Value extends TensorType {
  readonly name: string;
  /** Set for initializers only. */
  readonly constant?: Tensor;
}

/** ONNX tells float attributes from integers; JavaScript does not, so floats are wrapped. */
export interface FloatAttribute {
  readonly float: number;
}
export const float = (value: number): FloatAttribute => ({ float: value });

/** A list of floats. */
export interface FloatsAttribute {
  readonly floats: readonly number[];
}

export type AttributeValue =
  number | FloatAttribute | FloatsAttribute | string | readonly number[] | readonly string[] | Graph | Tensor;
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export interface Node {
  /** Unique in its model; starts with the path of the layer that it belongs to, so that profiles can name layers. */
  readonly name: string;
  readonly opType: string;
  /** '' is ONNX's own domain. */
  readonly domain: string;
  /** null marks an optional input that is left out. */
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

/** Nodes stand in execution order. Values of an enclosing graph may be read by a subgraph (a Loop body). */
export interface Graph {
  readonly name: string;
  inputs: Value[];
  outputs: Value[];
  initializers: Value[];
  nodes: Node[];
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, dimension) => product * dimension, 1);
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
export const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`;

export function isGraph(value: AttributeValue): value is Graph {
  return typeof value === 'object' && 'nodes' in value;
}
export function isFloat(value: AttributeValue): value is FloatAttribute {
  return typeof value === 'object' && 'float' in value;
}
export function isFloats(value: AttributeValue): value is FloatsAttribute {
  return typeof value === 'object' && 'floats' in value;
}
export function isTensor(value: AttributeValue): value is Tensor {
  return typeof value === 'object' && 'dataType' in value;
}

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
} as const;

/** A zero-filled array for `length` elements. */
export function allocate(dataType: DataType, length: number): TensorArray {
  return new constructors[dataType](length);
}

/** Views raw little-endian bytes as elements, copying where the bytes are not aligned. */
export function fromBytes(dataType: DataType, bytes: Uint8Array): TensorArray {
  const constructor = constructors[dataType];
  const width = constructor.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return new constructor(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / width);
}

export function toBytes(array: TensorArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Elements as plain numbers; 64-bit integers must be safe integers, as all shapes and indices here are. */
export function toNumbers(array: TensorArray): number[] {
  return Array.from(array as ArrayLike<number | bigint>, Number);
}

/** A tensor from plain numbers. */
export function tensor(dataType: DataType, shape: Shape, values: ArrayLike<number>): Tensor {
  const data = allocate(dataType, values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i]!);
  } else {
    for (let i = 0; i < values.length; i++) data[i] = values[i]!;
  }
  return { dataType, shape, data };
}
