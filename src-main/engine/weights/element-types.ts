/** Bytes of floating-point numbers, little-endian, as float32. */
import { invariant } from '../../contract/errors.ts';
import { bfloatsToFloats, halvesToFloats } from './half-float.ts';

/** `bytes` must own its buffer. For float32 the result lies in it; float64 is rounded. */
export function floatsOf(dtype: string, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  invariant(bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength, 'bytes in a buffer of others');
  switch (dtype) {
    case 'float32':
      return new Float32Array(bytes.buffer);
    case 'float16':
      return halvesToFloats(new Uint16Array(bytes.buffer));
    case 'bfloat16':
      return bfloatsToFloats(new Uint16Array(bytes.buffer));
    case 'float64':
      return Float32Array.from(new Float64Array(bytes.buffer));
  }
  invariant(false, `${dtype} is no floating-point type`);
}
