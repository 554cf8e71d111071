/** Trained networks as files: what an .onnx model gives in plain onnxruntime, with and without decisions; weights alone. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExportForm } from '../../src-main/contract/model/run-export.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { SplitImages } from '../../src-main/engine/data/split-images.ts';
import { tensor, type Tensor } from '../../src-main/engine/graph/types.ts';
import { decodeModel } from '../../src-main/engine/onnx/schema.ts';
import type { Runtime } from '../../src-main/engine/runtime/runtime.ts';
import { exportModel, type ExportAnswer } from '../../src-main/engine/train/export-model.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { floatToHalf, halfToFloat } from '../../src-main/engine/weights/half-float.ts';
import { readSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { makeScenes, scenesConfig } from '../helpers/detection-run.ts';
import { runtime } from '../helpers/engine-run.ts';
import { writeFreshRun } from '../helpers/fresh-run.ts';
import { instancesConfig, makeInstanceScenes } from '../helpers/instance-run.ts';
import { makePosedScenes, posedConfig } from '../helpers/pose-run.ts';
import { makeShapes, shapesConfig } from '../helpers/segmentation-run.ts';
import { smallConfig } from '../helpers/run-config.ts';
import { makeSmallData, type SmallData } from '../helpers/training-run.ts';

interface Case {
  config: RunConfig;
  make(): Promise<SmallData>;
  /** Shape of the raw results and of the decisions, both of one image. */
  raw: readonly [name: string, shape: readonly number[]];
  decided: readonly [name: string, shape: readonly number[]];
  /** Raw results and decisions beside the first. */
  beside?: readonly [name: string, shape: readonly number[]][];
  decidedBeside?: readonly [name: string, shape: readonly number[]][];
}

const cases: Record<string, Case> = {
  classification: {
    config: smallConfig({}, { batchNorm: true }),
    make: () => makeSmallData({ train: 4, test: 6, channels: 3, side: 32 }),
    raw: ['logits', [1, 10]],
    decided: ['category', [1]],
  },
  segmentation: {
    config: shapesConfig(),
    make: () => makeShapes({ train: 2, test: 3, side: 64, squares: true }),
    raw: ['logits', [1, 3, 64, 64]],
    decided: ['category', [1, 64, 64]],
  },
  detection: {
    config: scenesConfig(),
    make: () => makeScenes({ world: 'street', train: 1, test: 2, widthPx: 96, heightPx: 64 }),
    raw: ['output0', [1, 4 + 4, 126]],
    decided: ['detections', [1, 300, 6]],
  },
  'instance-segmentation': {
    config: instancesConfig(),
    make: () => makeInstanceScenes({ world: 'street', train: 1, test: 2, widthPx: 96, heightPx: 64 }),
    raw: ['output0', [1, 4 + 4 + 32, 126]],
    beside: [['output1', [1, 32, 16, 24]]],
    decided: ['detections', [1, 300, 6]],
    decidedBeside: [['masks', [1, 300, 16, 24]]],
  },
  pose: {
    config: posedConfig(),
    make: () => makePosedScenes({ world: 'street', train: 1, test: 2, widthPx: 96, heightPx: 64 }),
    raw: ['output0', [1, 4 + 4 + 6, 126]],
    decided: ['detections', [1, 300, 6]],
    decidedBeside: [['keypoints', [1, 300, 2, 3]]],
  },
};

/** What onnxruntime makes of the file for the first image of the evaluation split. */
async function runFile(file: string, { data }: SmallData): Promise<Record<string, Tensor>> {
  const images = await SplitImages.open(data.evaluation, data.packs, 0);
  const session = await runtime.createSession(new Uint8Array(await readFile(file)), { device: 'cpu', threads: 1 });
  try {
    const { images: bytes } = await images.feed([0]);
    const pixels = Float32Array.from(bytes, (byte) => byte / 255);
    return await session.run({ images: tensor('float32', [1, ...images.imageShape], pixels) });
  } finally {
    await Promise.all([session.release(), images.close()]);
  }
}

describe.each(Object.keys(cases))('%s', (name) => {
  const testCase = cases[name]!;
  let run: SmallData;
  let answers: Record<'raw' | 'decided', ExportAnswer>;
  const fileOf = (form: string): string => join(run.folder, `${form}.onnx`);

  beforeAll(async () => {
    run = await testCase.make();
    await writeFreshRun(testCase.config, run);
    const write = (form: string, decisions: boolean): Promise<ExportAnswer> =>
      exportModel(runtime, {
        folder: run.folder,
        checkpoint: 'best',
        file: fileOf(form),
        form: { format: 'onnx', decisions, batchSize: 1 },
      });
    answers = { raw: await write('raw', false), decided: await write('decided', true) };
  }, 120_000);
  afterAll(() => run.dispose());

  test('gives what the app gives, which is checked on images of the evaluation split', async () => {
    const images = Math.min(4, run.data.evaluation.rows.length);
    expect(answers.raw.check).toMatchObject({ images, decisions: 0, different: 0, ok: true });
    expect(answers.raw.check!.worst).toBeLessThan(1e-5);
    expect(answers.decided.check).toMatchObject({ images, worst: 0, different: 0, ok: true });
    expect(answers.decided.check!.decisions).toBeGreaterThanOrEqual(images);
    // An image of twice the input's sides, where tiles can be joined.
    const tiled = name === 'segmentation' ? { pixels: 4 * 64 * 64, different: 0 } : null;
    expect([answers.raw.check!.tiled, answers.decided.check!.tiled]).toEqual([tiled, null]);
    expect((await stat(fileOf('raw'))).size).toBe(answers.raw.sizeBytes);
  });

  test('has operators of ONNX only, weights under their names, and names of the classes', async () => {
    const model = decodeModel(new Uint8Array(await readFile(fileOf('decided'))));
    expect(model.opsetImport!.map(({ domain }) => domain || '')).toEqual(['']);
    expect(model.graph!.input!.map((input) => input.name)).toEqual(['images']);
    const weights = [...(await readSafetensors(runFiles.checkpoint(run.folder, 'best'))).tensors.keys()];
    const initializers = new Set(model.graph!.initializer!.map((each) => each.name));
    // What a network keeps but does not compute with is left out.
    expect(weights.filter((weight) => !initializers.has(weight)).length).toBeLessThan(weights.length / 20);
    const names = model.metadataProps!.find(({ key }) => key === 'names')!.value!;
    expect(Object.values(JSON.parse(names) as object)).toEqual(run.data.categories);
  });

  test('its results have the shapes that are promised, and decisions follow from raw results', async () => {
    const [rawName, rawShape] = testCase.raw;
    const [decidedName, decidedShape] = testCase.decided;
    const raw = await runFile(fileOf('raw'), run);
    const decided = await runFile(fileOf('decided'), run);
    expect(Object.entries(raw).map(([key, { shape }]) => [key, shape])).toEqual([
      [rawName, rawShape],
      ...(testCase.beside ?? []),
    ]);
    expect(Object.entries(decided).map(([key, { shape }]) => [key, shape])).toEqual([
      [decidedName, decidedShape],
      ...(testCase.decidedBeside ?? []),
    ]);
    const values = raw[rawName]!.data as Float32Array;
    if (decidedName === 'category') {
      const places = values.length / rawShape[1]!;
      const best = Array.from({ length: places }, (_, place) => {
        const scores = Array.from({ length: rawShape[1]! }, (_unused, category) => values[category * places + place]!);
        return scores.indexOf(Math.max(...scores));
      });
      expect(Array.from(decided[decidedName]!.data as BigInt64Array, Number)).toEqual(best);
    } else {
      // The best box is the raw one with the highest score.
      const anchors = rawShape[2]!;
      const scores = values.subarray(4 * anchors, (4 + run.data.categories.length) * anchors);
      const place = scores.indexOf(scores.reduce((best, score) => Math.max(best, score)));
      const [x, y, width, height] = [0, 1, 2, 3].map((row) => values[row * anchors + (place % anchors)]!) as [
        number,
        number,
        number,
        number,
      ];
      const wanted = [
        x - width / 2,
        y - height / 2,
        x + width / 2,
        y + height / 2,
        scores[place]!,
        Math.floor(place / anchors),
      ];
      const first = [...(decided[decidedName]!.data as Float32Array).subarray(0, 6)];
      first.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 3));
    }
  });

  test.runIf(testCase.decidedBeside)('what is said beside the boxes belongs to them, row by row', async () => {
    const raw = await runFile(fileOf('raw'), run);
    const decided = await runFile(fileOf('decided'), run);
    const [, , anchors] = testCase.raw[1] as [number, number, number];
    const values = raw['output0']!.data as Float32Array;
    const detections = decided['detections']!.data as Float32Array;
    const at = (row: number, place: number): number => values[row * anchors + place]!;
    const categories = run.data.categories.length;
    const rows = Array.from({ length: 300 }, (_, row) => [...detections.subarray(6 * row, 6 * row + 6)]);
    const kept = rows.filter((row) => row[4]! > 0);
    expect(kept.length).toBeGreaterThan(3);
    kept.forEach(([x1, y1, x2, y2, score, category], row) => {
      const places = Array.from({ length: anchors }, (_, place) => place);
      const place = places.find(
        (each) =>
          Math.abs(at(4 + category!, each) - score!) < 1e-5 &&
          Math.abs(at(0, each) - (x1! + x2!) / 2) < 1e-3 &&
          Math.abs(at(1, each) - (y1! + y2!) / 2) < 1e-3,
      )!;
      expect(place, `row ${row}`).toBeDefined();
      if (name === 'pose') {
        const said = [...(decided['keypoints']!.data as Float32Array).subarray(6 * row, 6 * row + 6)];
        said.forEach((value, i) => expect(value).toBeCloseTo(at(4 + categories + i, place), 3));
        return;
      }
      const [height, width] = [16, 24];
      const maps = raw['output1']!.data as Float32Array;
      const mask = (decided['masks']!.data as Uint8Array).subarray(row * height * width, (row + 1) * height * width);
      mask.forEach((cell, i) => {
        const [x, y] = [4 * (i % width), 4 * Math.floor(i / width)];
        const isIn = x >= x1! && x < x2! && y >= y1! && y < y2!;
        let logit = 0;
        for (let p = 0; p < 32; p++) logit += at(4 + categories + p, place) * maps[p * height * width + i]!;
        if (Math.abs(logit) > 1e-4) expect(cell, `row ${row}, cell ${i}`).toBe(Number(isIn && logit > 0));
      });
    });
  });

  test.runIf(testCase.decidedBeside)('a model that says something else beside its boxes is not written', async () => {
    const file = join(run.folder, 'other.onnx');
    let sessions = 0;
    const [beside] = testCase.decidedBeside![0]!;
    const other: Runtime = {
      ...runtime,
      description: 'other',
      liveSessions: 0,
      createSession: async (model, options) => {
        const session = await runtime.createSession(model, options);
        const isExported = sessions++ === 0;
        return {
          run: async (feeds, into) => {
            const results = await session.run(feeds, into);
            const data = results[beside]?.data as Float32Array | Uint8Array | undefined;
            if (isExported && data) data.forEach((value, i) => (data[i] = 1 - value));
            return results;
          },
          readKept: () => session.readKept(),
          release: () => session.release(),
        };
      },
    };
    const form: ExportForm = { format: 'onnx', decisions: true, batchSize: 1 };
    const request = { folder: run.folder, checkpoint: 'best', file, form } as const;
    await expect(exportModel(other, request)).rejects.toThrow('gives other results than the app');
  });

  test('weights alone, whole or in half precision', async () => {
    const write = async (precision: 'float32' | 'float16') => {
      const file = join(run.folder, `${precision}.safetensors`);
      const form: ExportForm = { format: 'safetensors', precision };
      const { check } = await exportModel(runtime, { folder: run.folder, checkpoint: 'best', file, form });
      expect(check).toBeNull();
      return readSafetensors(file);
    };
    const source = (await readSafetensors(runFiles.checkpoint(run.folder, 'best'))).tensors;
    const whole = await write('float32');
    expect(new Map(whole.tensors)).toEqual(new Map(source));
    expect(whole.metadata['task']).toBe(name);
    const half = (await write('float16')).tensors;
    for (const [tensorName, { data }] of source) {
      const stored = half.get(tensorName)!;
      expect(stored.dtype).toBe('F16');
      expect(stored.data).toEqual(Uint16Array.from(data as Float32Array, floatToHalf));
    }
  });

  test('a model that gives something else than the app is not written', async () => {
    const file = join(run.folder, 'wrong.onnx');
    let sessions = 0;
    const wrong: Runtime = {
      description: 'wrong',
      liveSessions: 0,
      createSession: async (model, options) => {
        const session = await runtime.createSession(model, options);
        const isExported = sessions++ === 0;
        return {
          run: async (feeds, into) => {
            const results = await session.run(feeds, into);
            const { images } = feeds;
            if (isExported && images) for (const { data } of Object.values(results)) data.fill(data[0] as never);
            return results;
          },
          readKept: () => session.readKept(),
          release: () => session.release(),
        };
      },
    };
    const form: ExportForm = { format: 'onnx', decisions: false, batchSize: 1 };
    const request = { folder: run.folder, checkpoint: 'best', file, form } as const;
    await expect(exportModel(wrong, request)).rejects.toThrow('gives other results than the app');
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  test('several images at a time', async () => {
    const form: ExportForm = { format: 'onnx', decisions: false, batchSize: 2 };
    const file = join(run.folder, 'batch.onnx');
    const { check } = await exportModel(runtime, { folder: run.folder, checkpoint: 'best', file, form });
    expect(check!.ok).toBe(true);
    const decisions = exportModel(runtime, {
      folder: run.folder,
      checkpoint: 'best',
      file,
      form: { ...form, decisions: true },
    });
    await expect(decisions).rejects.toThrow('set the batch to 1');
  });
});

test('numbers become the nearest halves', () => {
  for (let bits = 0; bits < 0x7c00; bits++) expect(floatToHalf(halfToFloat(bits))).toBe(bits);
  expect([-1.5, -0, Infinity, -Infinity, 65519, 65520, 2 ** -25, 2 ** -25 * 1.01].map(floatToHalf)).toEqual([
    0xbe00, 0x8000, 0x7c00, 0xfc00, 0x7bff, 0x7c00, 0, 1,
  ]);
  expect(halfToFloat(floatToHalf(NaN))).toBeNaN();
  // Half-way between two halves the even one is taken.
  expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 2048.5 * 2 ** -10].map(floatToHalf)).toEqual([0x3c00, 0x3c02, 0x4000]);
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
