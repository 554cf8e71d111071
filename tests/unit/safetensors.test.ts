import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  floatValues,
  readSafetensors,
  writeSafetensors,
  type Tensor,
} from '../../src-main/engine/weights/safetensors.ts';

const golden = new URL('../golden/safetensors/tiny.safetensors', import.meta.url).pathname;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-safetensors-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const float = (shape: number[], values: number[]): Tensor => ({ dtype: 'F32', shape, data: Float32Array.from(values) });

describe('the golden file', () => {
  test('is read with every dtype, a scalar, an empty tensor and its metadata', async () => {
    const { tensors, metadata } = await readSafetensors(golden);
    expect(metadata).toEqual({ format: 'pt', grüße: 'naïve ✓' });
    expect(tensors.get('counts')).toEqual({ dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 53n + 1n) });
    expect(tensors.get('conv1.weight')).toEqual(float([2, 1, 1, 3], [0.1, -0.2, 0.3, 1e-30, -0, 65504]));
    expect(tensors.get('ordinals')).toEqual({ dtype: 'I32', shape: [1, 2], data: Int32Array.of(-(2 ** 31), 7) });
    expect(tensors.get('mask')).toEqual({ dtype: 'U8', shape: [3], data: Uint8Array.of(0, 127, 255) });
    expect(tensors.get('scalar')).toEqual({ dtype: 'U8', shape: [], data: Uint8Array.of(9) });
    expect(tensors.get('empty')).toEqual({ dtype: 'U8', shape: [0, 4], data: new Uint8Array(0) });
  });

  test('gives half and brain floats as numbers, and refuses integers', async () => {
    const { tensors } = await readSafetensors(golden, ['half', 'brain', 'mask']);
    expect([...tensors.keys()]).toEqual(['half', 'brain', 'mask']);
    const valuesOf = (name: string) => [...floatValues(tensors.get(name) ?? float([0], []))];
    expect(valuesOf('half')).toEqual([1.5, -0.25, 65504, 2 ** -24]);
    expect(valuesOf('brain')).toEqual([1, -3.125, Infinity]);
    expect(() => valuesOf('mask')).toThrow('A tensor of U8 holds integers');
  });
});

describe('writing', () => {
  test('round-trips content and metadata', async () => {
    const file = join(folder, 'a.safetensors');
    const tensors = new Map<string, Tensor>([
      ['__proto__', float([2], [1, 2])],
      ['steps', { dtype: 'I64', shape: [1], data: BigInt64Array.of(5n) }],
      ['flags', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 0, 1) }],
      ['7', float([], [0.5])],
    ]);
    await writeSafetensors(file, tensors, { epoch: '3', note: 'a "quoted" line\n' });
    const read = await readSafetensors(file);
    expect(new Map(read.tensors)).toEqual(tensors);
    expect(read.metadata).toEqual({ epoch: '3', note: 'a "quoted" line\n' });
  });

  test('gives the same bytes whatever the order of tensors and metadata, with the data part aligned', async () => {
    const a = float([1], [1]);
    const b: Tensor = { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) };
    const [first, second] = [join(folder, '1'), join(folder, '2')];
    await writeSafetensors(
      first,
      new Map([
        ['b', b],
        ['a', a],
      ]),
      { x: '1', y: '2' },
    );
    await writeSafetensors(
      second,
      new Map([
        ['a', a],
        ['b', b],
      ]),
      { y: '2', x: '1' },
    );
    const bytes = await readFile(first);
    expect(bytes).toEqual(await readFile(second));
    const headerLength = Number(bytes.readBigUInt64LE(0));
    expect(headerLength % 8).toBe(0);
    expect([...bytes.subarray(8 + headerLength)]).toEqual([0, 0, 0x80, 0x3f, 1, 2, 3]);
  });

  test('refuses a tensor that does not fit its shape', async () => {
    await expect(writeSafetensors(join(folder, 'x'), new Map([['w', float([2, 2], [1])]]))).rejects.toThrow(
      'internal: tensor "w" does not fit its shape',
    );
  });

  test.runIf(process.platform === 'linux')('a full disk leaves the old file as it was', async () => {
    const file = join(folder, 'last.safetensors');
    await writeSafetensors(file, new Map([['w', float([1], [1])]]));
    const before = await readFile(file);
    await symlink('/dev/full', `${file}.partial`);
    await expect(writeSafetensors(file, new Map([['w', float([1], [2])]]))).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/^Could not write last\.safetensors .*the disk is full \(ENOSPC\)/),
    });
    expect(await readFile(file)).toEqual(before);
    await writeSafetensors(file, new Map([['w', float([1], [3])]]));
    expect([...floatValues((await readSafetensors(file)).tensors.get('w') ?? float([0], []))]).toEqual([3]);
  });
});

describe('a hostile file is refused with its name and what is wrong', () => {
  const header = (entries: unknown, text = JSON.stringify(entries)) => {
    const json = Buffer.from(text);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json]);
  };
  const entry = (begin: number, end: number, dtype = 'U8', shape: unknown = [end - begin]) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const hugeLength = Buffer.alloc(16);
  hugeLength.writeBigUInt64LE(2n ** 63n);
  const longLength = Buffer.alloc(16);
  longLength.writeBigUInt64LE(99_000_000n);

  test.each<[string, Buffer, string]>([
    ['empty', Buffer.alloc(0), 'it has 0 bytes, fewer than the 8 of the header length'],
    ['header length beyond the limit', hugeLength, 'claims 9223372036854775808 bytes, more than the 100000000 allowed'],
    ['header longer than the file', longLength, 'claims 99000000 bytes, but the file ends after 16: it is cut off'],
    ['not JSON', header(null, '{"a":'), 'its header is not JSON'],
    [
      'not UTF-8',
      Buffer.concat([header(null, '    ').subarray(0, 8), Buffer.from([0x22, 0xff, 0xfe, 0x22])]),
      'not JSON in UTF-8',
    ],
    ['a list', header([]), 'its header is not a JSON object'],
    ['metadata with a number', header({ __metadata__: { epoch: 3 } }), '__metadata__ is not a table of text to text'],
    [
      'entry without offsets',
      header({ w: { dtype: 'U8', shape: [1] } }),
      'tensor "w" needs dtype, shape and data_offsets',
    ],
    ['negative shape', header({ w: entry(0, 1, 'U8', [-1]) }), 'tensor "w" needs dtype, shape and data_offsets'],
    ['fractional offset', header({ w: entry(0.5, 1, 'U8', [1]) }), 'tensor "w" needs dtype, shape and data_offsets'],
    [
      'unknown dtype',
      header({ w: entry(0, 1, 'F8_E4M3') }),
      'has the dtype F8_E4M3; supported are F64, F32, F16, BF16, I64',
    ],
    ['dtype from the prototype', header({ w: entry(0, 1, 'constructor') }), 'has the dtype constructor; supported are'],
    [
      'size against shape',
      header({ w: entry(0, 4, 'F32', [2]) }),
      '"w" ([2] of F32) needs 8 bytes, but its range 0–4 has 4',
    ],
    ['shape that overflows', header({ w: entry(0, 0, 'F32', [2 ** 52, 2 ** 52]) }), 'but its range 0–0 has 0'],
    [
      'data cut off',
      Buffer.concat([header({ w: entry(0, 4) }), Buffer.alloc(3)]),
      '"w" ends at byte 4 of the data, which has 3',
    ],
    [
      'overlap',
      Buffer.concat([header({ a: entry(0, 3), b: entry(2, 4) }), Buffer.alloc(4)]),
      '"b" overlaps another at byte 2',
    ],
    ['hole', Buffer.concat([header({ a: entry(1, 3) }), Buffer.alloc(3)]), 'bytes 0–1 of the data belong to no tensor'],
    [
      'trailing bytes',
      Buffer.concat([header({ a: entry(0, 2) }), Buffer.alloc(3)]),
      'bytes 2–3 of the data belong to no tensor',
    ],
  ])('%s', async (name, bytes, message) => {
    const file = join(folder, `${name}.safetensors`);
    await writeFile(file, bytes);
    await expect(readSafetensors(file)).rejects.toThrow(message);
    await expect(readSafetensors(file)).rejects.toMatchObject({ context: { file } });
  });

  test('a folder, a missing file and a missing tensor', async () => {
    await expect(readSafetensors(folder)).rejects.toThrow('it is not a file');
    await expect(readSafetensors(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(readSafetensors(golden, ['conv9.weight'])).rejects.toThrow('has no tensor "conv9.weight"');
  });
});
