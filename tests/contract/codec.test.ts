/** Frames of the WebSocket: what goes in comes out, as the same class. */
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../src-main/contract/codec.ts';
import { callNames, type CallName } from '../../src-main/contract/ipc.ts';
import { createFakeBackend } from '../helpers/fake-backend.ts';

const roundTrip = (value: unknown) => decodeFrame(encodeFrame(value));

describe('typed arrays', () => {
  it.each([
    Int8Array.of(-128, 0, 127),
    Uint8Array.of(0, 255),
    Int16Array.of(-32768, 32767),
    Uint16Array.of(0, 65535),
    Int32Array.of(-(2 ** 31), 2 ** 31 - 1),
    Uint32Array.of(0, 2 ** 32 - 1),
    Float32Array.of(0.1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1.401298464324817e-45),
    Float64Array.of(0.1, -0, Number.NaN, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, 2 ** 53),
    new Float32Array(0),
    new Float64Array(0),
  ])('keep class and bits: %o', (array) => {
    const back = roundTrip({ array }) as { array: typeof array };
    expect(back.array.constructor).toBe(array.constructor);
    expect(back.array).toStrictEqual(array);
  });

  it('gives only the part that a view shows', () => {
    const view = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    expect(roundTrip(view)).toStrictEqual(Float32Array.of(1, 2));
  });

  it('come out aligned and not tied to the frame, wherever they stand in it', () => {
    for (let shift = 0; shift < 9; shift++) {
      const frame = encodeFrame({ padding: 'x'.repeat(shift), values: Float64Array.of(Math.PI) });
      const fromSocket = Buffer.from(frame); // ws gives a Buffer, whose methods differ from Uint8Array's
      const { values } = decodeFrame(fromSocket) as { values: Float64Array };
      fromSocket.fill(0);
      expect(values).toStrictEqual(Float64Array.of(Math.PI));
      expect(values.buffer.byteLength).toBe(8);
    }
  });

  it('survive in sizes that need every length prefix', () => {
    for (const length of [1, 2, 64, 20_000]) {
      const values = Float32Array.from({ length }, (_, index) => index / 3);
      expect(roundTrip(values)).toStrictEqual(values);
    }
  });
});

describe('plain values', () => {
  it.each([
    null,
    true,
    'ö 🙂',
    '',
    0,
    -1,
    255,
    2 ** 31,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    0.1,
    [],
    {},
    [1, [2, { three: [null] }]],
  ])('%j', (value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it('leaves out what is undefined', () => {
    expect(roundTrip({ ok: true, value: undefined })).toStrictEqual({ ok: true });
  });

  it.each([() => {}, 10n, Symbol('x')])('refuses %s, which cannot travel', (value) => {
    expect(() => encodeFrame({ value })).toThrow();
  });
});

describe('bytes that are no frame', () => {
  it.each([
    ['nothing', []],
    ['a cut-off map', [0x82, 0xa1, 0x61]],
    ['two values', [0x01, 0x02]],
    ['the reserved byte', [0xc1]],
    ['a float array of three bytes', [0xc7, 3, 6, 0, 0, 0]],
    ['a prototype', [0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0x80]],
  ])('%s is refused', (_what, bytes) => {
    expect(() => decodeFrame(Uint8Array.from(bytes))).toThrow();
  });
});

it.each(callNames)('the answer of %s survives', async (name: CallName) => {
  const handler = createFakeBackend().handlers[name] as (request: unknown) => Promise<unknown>;
  const value = await handler({});
  expect(roundTrip({ id: 1, envelope: { ok: true, value } })).toStrictEqual({ id: 1, envelope: { ok: true, value } });
});
