/**
 * A weights file that is open: the names, shapes and types of its tensors, and their values one by one, so that only what
 * is wanted lies in memory.
 */

export interface SourceTensor {
  name: string;
  shape: readonly number[];
  /** Of the file: "float16". */
  dtype: string;
}

export interface TensorSource {
  readonly format: 'safetensors' | 'onnx' | 'pytorch';
  /** Those of floating-point numbers, in the file's order. */
  readonly tensors: readonly SourceTensor[];
  /** How many others there are: of whole numbers, which are no weights. */
  readonly others: number;
  /** What the file says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Row-major and dense, as float32. Throws FoveaError `not-found` for a name that is not in `tensors`, else as opening. */
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
