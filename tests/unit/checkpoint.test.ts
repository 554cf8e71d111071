/** Checkpoint files: what is written is read back, earlier versions too, and what cannot be used is refused in words. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  readCheckpoint,
  startPosition,
  writeCheckpoint,
  type Checkpoint,
} from '../../src-main/engine/train/checkpoint.ts';
import { readSafetensors, writeSafetensors } from '../../src-main/engine/weights/safetensors.ts';

const shapes = new Map([
  ['a.weight', [2, 3]],
  ['a.bias', [2]],
]);
const values = (first: number): Map<string, Float32Array> =>
  new Map([
    ['a.weight', Float32Array.from({ length: 6 }, (_, i) => first + i / 7)],
    ['a.bias', Float32Array.of(first, -first)],
  ]);
const checkpoint: Checkpoint = {
  position: {
    ...startPosition,
    epoch: 3,
    stepInEpoch: 2,
    step: 41,
    update: 14,
    optimiserUpdate: 4,
    lossSum: 1.25,
    counts: { right: [3, 4], seen: [5] },
    best: 0.5,
    epochsSinceBest: 2,
  },
  tensors: values(1),
  averages: values(2),
  slots: new Map([
    ['momentum', values(3)],
    ['gradientSum', new Map([['a.bias', Float32Array.of(5, 6)]])],
  ]),
};

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-checkpoint-'));
  file = join(folder, 'last.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const write = (changes: Partial<Checkpoint> = {}): Promise<void> =>
  writeCheckpoint(file, { ...checkpoint, ...changes }, shapes, 'lenet5');

/** Rewrites the file with other metadata or without some tensors. */
async function tamper(metadata: Record<string, string>, keep: (name: string) => boolean = () => true): Promise<void> {
  const stored = await readSafetensors(file);
  const tensors = new Map([...stored.tensors].filter(([name]) => keep(name)));
  await writeSafetensors(file, tensors, { ...stored.metadata, ...metadata });
}

describe('a checkpoint', () => {
  test('is read as it was written', async () => {
    await write();
    expect(await readCheckpoint(file, shapes)).toEqual(checkpoint);
    await write({ averages: null, slots: new Map() });
    expect(await readCheckpoint(file, shapes)).toEqual({ ...checkpoint, averages: null, slots: new Map() });
  });

  test('gives its weights to any reader of .safetensors under their own names', async () => {
    await write();
    const { tensors, metadata } = await readSafetensors(file);
    expect([...tensors.keys()].filter((name) => name.startsWith('a.')).sort()).toEqual(['a.bias', 'a.weight']);
    expect(metadata).toMatchObject({ format: 'fovea-checkpoint', version: '3', model: 'lenet5' });
  });

  test('of version 1 counts every step as an update', async () => {
    const { update, optimiserUpdate, counts, best, ...position } = checkpoint.position;
    await write({ averages: null });
    const stored = { ...position, stepInPhase: 9, correctSum: 7, bestAccuracy: -1 };
    await tamper({ version: '1', position: JSON.stringify(stored) });
    expect([update, optimiserUpdate, counts, best]).toEqual([14, 4, { right: [3, 4], seen: [5] }, 0.5]);
    expect((await readCheckpoint(file, shapes)).position).toEqual({
      ...position,
      update: 41,
      optimiserUpdate: 9,
      counts: { correct: [7] },
      best: null,
    });
  });

  test('of version 2 is one of a classification', async () => {
    const { counts, best, ...position } = checkpoint.position;
    await write();
    expect([counts, best]).toEqual([{ right: [3, 4], seen: [5] }, 0.5]);
    for (const [correctSum, expected] of [
      [0, {}],
      [12, { correct: [12] }],
    ] as const) {
      await tamper({ version: '2', position: JSON.stringify({ ...position, correctSum, bestAccuracy: 0.625 }) });
      expect((await readCheckpoint(file, shapes)).position).toEqual({ ...position, counts: expected, best: 0.625 });
    }
  });

  test('leaves nothing half-written behind', async () => {
    await write();
    const before = await readFile(file);
    const broken = new Map([['a.weight', new Float32Array(5)]]);
    await expect(write({ tensors: broken })).rejects.toThrow();
    expect(await readFile(file)).toEqual(before);
  });
});

describe('is refused', () => {
  test.each([
    ['a newer version', { version: '4' }, /is a checkpoint of version 4; this app reads up to 3\. Update the app\.$/],
    ['a position that is no JSON', { position: '{' }, /does not say where its run stands\.$/],
    ['a position without its counts', { position: '{"epoch":1}' }, /does not say where its run stands\.$/],
    ['another kind of file', { format: 'other' }, /is not a checkpoint of a run\.$/],
  ])('%s', async (_, metadata, message) => {
    await write();
    await tamper(metadata);
    await expect(readCheckpoint(file, shapes)).rejects.toThrow(message);
    await expect(readCheckpoint(file, shapes)).rejects.toMatchObject({ code: 'bad-input', context: { file } });
  });

  test.each(['a.bias', 'average.a.bias'])('one without %s', async (missing) => {
    await write();
    await tamper({}, (name) => name !== missing);
    await expect(readCheckpoint(file, shapes)).rejects.toThrow('the tensor "a.bias" is missing.');
  });

  test('one with a tensor of another shape, in any of its parts', async () => {
    await write();
    const other = new Map([...shapes, ['a.bias', [1, 2]]] as [string, number[]][]);
    await expect(readCheckpoint(file, other)).rejects.toThrow('"a.bias" has the shape [2], expected [1, 2].');
  });

  test('a file that is not there', async () => {
    await writeFile(join(folder, 'empty'), '');
    await expect(readCheckpoint(join(folder, 'gone'), shapes)).rejects.toMatchObject({ code: 'not-found' });
    await expect(readCheckpoint(join(folder, 'empty'), shapes)).rejects.toMatchObject({ code: 'bad-input' });
  });
});
