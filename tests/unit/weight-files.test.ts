/**
 * Files of weights against what wrote them: PyTorch's by torch.save (tests/golden/weights), and hostile ones, each of
 * which gives a FoveaError that names the file and says why, does nothing, and claims no memory to speak of.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import { elementTypes } from '../../src-main/engine/onnx/facts.ts';
import { encodeModel, type TensorProto } from '../../src-main/engine/onnx/schema.ts';
import { openWeights } from '../../src-main/engine/weights/open-weights.ts';
import { writeSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { repository } from '../helpers/app-session.ts';

interface Expected {
  others: number;
  tensors: { name: string; shape: number[]; dtype: string; values: number[] }[];
}

const golden = join(repository, 'tests', 'golden', 'weights');
const expected = JSON.parse(readFileSync(join(golden, 'expected.json'), 'utf8')) as Record<string, Expected>;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-weights-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function readAll(file: string): Promise<Expected> {
  const source = await openWeights(file);
  try {
    const tensors = [];
    for (const { name, shape, dtype } of source.tensors)
      tensors.push({ name, shape: [...shape], dtype, values: [...(await source.read(name))] });
    return { others: source.others, tensors };
  } finally {
    await source.close();
  }
}

describe('files written by torch.save', () => {
  test.each(Object.keys(expected))('%s', async (name) => {
    const read = await readAll(join(golden, 'sound', name));
    const { others, tensors } = expected[name]!;
    expect(read.tensors).toEqual(tensors.map((tensor) => ({ ...tensor, values: tensor.values.map(Math.fround) })));
    expect(read.others).toBe(others);
  });

  test('a tensor that is not there is an error of its own', async () => {
    const source = await openWeights(join(golden, 'sound', 'views.pt'));
    await expect(source.read('nothing')).rejects.toMatchObject({ code: 'not-found' });
    await expect(source.read('int64')).rejects.toMatchObject({ code: 'not-found' });
    await source.close();
  });
});

/** What the message says of each file. */
const complaints: Record<string, string> = {
  'command.pt': 'it would run posix.system, which no weights need; nothing was run',
  'evaluate.pt': 'it would run __builtin__.eval',
  'outside-end.pt': 'at “w”: it reaches to element 4 of a storage of 4',
  'outside-stride.pt': 'at “w”: it reaches to element 1000 of a storage of 4',
  'outside-negative.pt': 'at “w”: its offset is no whole number',
  'storage-too-long.pt': 'the tensor “w” needs 4000 bytes of storage 0, which has 16',
  'storage-missing.pt': 'the storage 7 of the tensor “w” is missing',
  'storage-path.pt': 'the storage ../../../../etc/passwd of the tensor “w” is missing',
  'expanded.pt': 'at “w”: its 1000000000000 elements are more than the 4 of its storage',
  'huge-shape.pt': 'at “w”: it reaches to element',
  'strides-differ.pt': 'at “w”: its shape and its strides differ in length',
  'unknown-storage.pt': 'the tensor “w” is of torch.StrangeStorage',
  'cycle.pt': 'it contains itself',
  'nested.pt': 'it is nested more than 64 deep',
  'laughs.pt': 'it holds more than 2000000 values',
  'many-instructions.pt': 'is compressed, as PyTorch never writes it',
  'bomb.pt': 'is compressed, as PyTorch never writes it',
  'bomb-storage.pt': 'is compressed, as PyTorch never writes it',
  'unknown-instruction.pt': 'there is no instruction 0xff',
  'empty-stack.pt': 'it takes a value where there is none',
  'cut-pickle.pt': 'it is cut off',
  'long-number.pt': 'it has a whole number of 2147483647 bytes',
  'long-text.pt': 'it is cut off',
  'no-pickle.pt': 'this zip archive has no data.pkl',
  'absolute.pt': 'absolute path',
  'climbing.pt': 'invalid relative path',
  'torchscript.pt': 'is a TorchScript archive',
  'truncated.pt': 'central directory',
  'legacy.pt': 'was saved by PyTorch before 1.6',
  'text.pt': 'is no file of weights that can be read',
  'empty.pt': 'is empty',
};

describe('hostile files', () => {
  test('each has its complaint', () => {
    expect(readdirSync(join(golden, 'hostile')).sort()).toEqual(Object.keys(complaints).sort());
  });

  test.each(Object.entries(complaints))('%s', async (name, complaint) => {
    const file = join(golden, 'hostile', name);
    const before = process.memoryUsage().rss;
    const error: unknown = await readAll(file).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FoveaError);
    const { code, message } = error as FoveaError;
    expect(['bad-input', 'unsupported']).toContain(code);
    expect(message).toContain(complaint);
    expect(message).toContain(file);
    expect(existsSync('owned-by-pickle')).toBe(false);
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  });

  test('a stored pickle with too many instructions ends at the limit', async () => {
    const { readPickle } = await import('../../src-main/engine/weights/pickle.ts');
    const bytes = new Uint8Array(5_000_000).map((_, i) => (i % 2 === 0 ? 0x4e : 0x30));
    expect(() => readPickle(bytes, 'x.pt')).toThrow('it has more than 2000000 instructions');
  });

  test('every cut of a sound file is refused', async () => {
    const whole = readFileSync(join(golden, 'sound', 'state-dict.pth'));
    for (let length = 1; length < whole.length; length += 97) {
      const file = join(folder, 'cut.pth');
      await writeFile(file, whole.subarray(0, length));
      await expect(readAll(file), `${length} bytes`).rejects.toBeInstanceOf(FoveaError);
    }
  });

  test('a sound file with any byte changed is read or refused, and never anything else', async () => {
    const whole = readFileSync(join(golden, 'sound', 'whole-model.pt'));
    for (let at = 3; at < whole.length; at += 41) {
      const file = join(folder, 'changed.pt');
      const changed = Uint8Array.from(whole);
      changed[at] = changed[at]! ^ 0x55;
      await writeFile(file, changed);
      await readAll(file).catch((error: unknown) => expect(error, `byte ${at}`).toBeInstanceOf(FoveaError));
    }
  });

  test('a folder and a missing file', async () => {
    await expect(openWeights(folder)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(openWeights(join(folder, 'none.pt'))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the other formats', () => {
  test('.safetensors in every type of float', async () => {
    const file = join(folder, 'types.safetensors');
    await writeSafetensors(
      file,
      new Map([
        ['half', { dtype: 'F16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) }],
        ['brain', { dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3fc0, 0xc040) }],
        ['double', { dtype: 'F64', shape: [1], data: Float64Array.of(0.1) }],
        ['count', { dtype: 'I64', shape: [], data: BigInt64Array.of(3n) }],
      ]),
      { note: 'made here' },
    );
    const { tensors, others } = await readAll(file);
    expect(Object.fromEntries(tensors.map(({ name, values }) => [name, values]))).toEqual({
      half: [1, -2],
      brain: [1.5, -3],
      double: [Math.fround(0.1)],
    });
    expect(others).toBe(1);
    const source = await openWeights(file);
    expect(source.metadata).toEqual({ note: 'made here' });
    await source.close();
  });

  const model = (...initializer: TensorProto[]) =>
    encodeModel({ irVersion: 9, graph: { name: 'g', initializer }, metadataProps: [{ key: 'stride', value: '32' }] });

  test('.onnx, raw and listed', async () => {
    const file = join(folder, 'model.onnx');
    await writeFile(
      file,
      model(
        {
          name: 'raw',
          dims: [2],
          dataType: elementTypes.float32,
          rawData: new Uint8Array(Float32Array.of(1, 2).buffer),
        },
        { name: 'listed', dims: [1, 2], dataType: elementTypes.float32, floatData: [3, 4] },
        { name: 'half', dims: [1], dataType: elementTypes.float16, int32Data: [0x3c00] },
        { name: 'double', dims: [1], dataType: elementTypes.float64, doubleData: [0.25] },
        { name: 'axes', dims: [1], dataType: elementTypes.int64, int64Data: [3] },
      ),
    );
    const { tensors, others } = await readAll(file);
    expect(tensors.map(({ name, shape, values }) => [name, shape, values])).toEqual([
      ['raw', [2], [1, 2]],
      ['listed', [1, 2], [3, 4]],
      ['half', [1], [1]],
      ['double', [1], [0.25]],
    ]);
    expect(others).toBe(1);
  });

  test.each([
    ['a shape that the data do not fill', { name: 'w', dims: [3], dataType: 1, floatData: [1] }, 'but 1 elements'],
    ['data elsewhere', { name: 'w', dims: [1], dataType: 1, dataLocation: 1 }, 'lie in another file'],
    ['a negative size', { name: 'w', dims: [-1, -1], dataType: 1, floatData: [1] }, 'has the shape [-1, -1]'],
  ])('.onnx with %s', async (_, initializer, complaint) => {
    const file = join(folder, 'broken.onnx');
    await writeFile(file, model(initializer));
    await expect(openWeights(file)).rejects.toThrow(complaint);
  });
});
