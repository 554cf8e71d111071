/**
 * Bytes of a WebSocket frame: msgpack, with one extension type per typed array, so that a value arrives as the class
 * it left as (as Electron's structured clone does). Uint8Array travels as msgpack's own binary type.
 */
import { decode, encode, ExtensionCodec } from '@msgpack/msgpack';

type ElementArray = Int8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;
interface ElementArrayClass {
  new (buffer: ArrayBuffer): ElementArray;
  readonly BYTES_PER_ELEMENT: number;
}

/** Wire format: a number is never given to another class. Elements are little-endian, as on every platform we run on. */
const extensionTypes: ReadonlyArray<readonly [type: number, arrayClass: ElementArrayClass]> = [
  [1, Int8Array],
  [2, Int16Array],
  [3, Uint16Array],
  [4, Int32Array],
  [5, Uint32Array],
  [6, Float32Array],
  [7, Float64Array],
];

const extensionCodec = new ExtensionCodec();
for (const [type, arrayClass] of extensionTypes) {
  extensionCodec.register({
    type,
    encode: (value) =>
      value instanceof arrayClass ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : null,
    // A frame gives no alignment, and a view would keep the whole frame alive, so the elements are copied out.
    // (Not by `slice`: on Node's Buffer, which a socket gives, that copies nothing.)
    decode: (bytes) => new arrayClass(new Uint8Array(bytes).buffer),
  });
}

/** Properties that are undefined are left out. Throws where a value cannot travel (a function, a bigint, a cycle). */
export function encodeFrame(frame: unknown): Uint8Array<ArrayBuffer> {
  return encode(frame, { extensionCodec, ignoreUndefined: true });
}

/** Throws RangeError or DecodeError where the bytes are not one whole msgpack value. */
export function decodeFrame(bytes: Uint8Array | ArrayBuffer): unknown {
  return decode(bytes, { extensionCodec });
}
