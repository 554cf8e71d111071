/** What is shown of a network's inside is what its layers compute: held to a plain convolution written here. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { histogramBins, lookInside, spreadOf } from '../../src-main/engine/train/look-inside.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import { openTrained } from '../../src-main/engine/train/trained-network.ts';
import { preprocessingOf } from '../../src-main/engine/zoo/registry.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { phase } from '../helpers/run-config.ts';
import { everythingOn, makeSmallData, runTraining, type SmallData } from '../helpers/training-run.ts';

let small: SmallData;
let folder: string;
const side = 16;
beforeAll(async () => {
  small = await makeSmallData({ train: 40, test: 20, channels: 1, side });
  folder = join(small.folder, 'run');
  await mkdir(folder);
  const config = everythingOn([phase({ epochs: 1 })]);
  await writeFile(runFiles.config(folder), JSON.stringify(config));
  await writeFile(runFiles.data(folder), JSON.stringify({ version: 1, ...small.data }));
  await runTraining(folder, config, small.data);
});
afterAll(() => small.dispose());

/** The first convolution of one image, as it is defined. */
async function firstConvolution(place: number): Promise<number[]> {
  const { plan, tensors, config } = await openTrained(folder, 'last');
  const conv = plan.layers.find(({ spec }) => spec.kind === 'conv2d')!;
  const [weight, bias] = conv.parameters.map(({ name }) => tensors.get(name)!);
  const { evaluation, packs } = small.data;
  const pack = packs[evaluation.packs[place]!]!;
  const start = evaluation.rows[place]! * side * side;
  const bytes = new Uint8Array(await readFile(pack.file)).subarray(start, start + side * side);
  const { mean, std } = preprocessingOf(config.model) as { mean: number; std: number };
  const input = Array.from(bytes, (byte) => (byte / 255 - mean) / std);
  const [channels, height, width] = conv.outputShape as [number, number, number];
  const kernel = conv.parameters[0]!.shape[2]!;
  const padding = (height - 1 + kernel - side) / 2;
  return Array.from({ length: channels * height * width }, (_, at) => {
    const [channel, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
    let sum = bias?.[channel] ?? 0;
    for (let ky = 0; ky < kernel; ky++)
      for (let kx = 0; kx < kernel; kx++) {
        const [iy, ix] = [y + ky - padding, x + kx - padding];
        if (iy >= 0 && ix >= 0 && iy < side && ix < side)
          sum += weight![(channel * kernel + ky) * kernel + kx]! * input[iy * side + ix]!;
      }
    return sum;
  });
}

describe('inside a trained network', () => {
  test('feature maps are those of the layer on that image', async () => {
    const imageId = small.data.evaluation.imageIds[3]!;
    const { plan } = await openTrained(folder, 'last');
    const layer = plan.layers.find(({ spec }) => spec.kind === 'conv2d')!.spec.path;
    const answer = await lookInside(new OnnxRuntime(), { folder, checkpoint: 'last', maps: { layer, imageId } });
    if (answer.kind !== 'maps') throw new Error('no maps');
    const { shape, values, limits } = answer.maps;
    const wanted = await firstConvolution(3);
    const area = shape[1] * shape[2];
    wanted.forEach((value, i) => {
      const [min, max] = limits.subarray(Math.floor(i / area) * 2);
      const got = min! + (values[i]! / 255) * (max! - min!);
      expect(Math.abs(got - value), `value ${i}`).toBeLessThan((max! - min!) / 255);
    });
  });

  test('every layer has its spread, a ReLU nothing below 0, and the sources that it reads', async () => {
    const answer = await lookInside(new OnnxRuntime(), { folder, checkpoint: 'last', maps: null });
    if (answer.kind !== 'spread') throw new Error('no spread');
    const { layers, imageIds, epoch } = answer.inside;
    expect([imageIds, epoch]).toEqual([small.data.evaluation.imageIds, 1]);
    const { plan } = await openTrained(folder, 'last');
    expect(layers.map(({ path }) => path)).toEqual(plan.layers.map(({ spec }) => spec.path));
    for (const { shape, histogram, min, kind } of layers) {
      const values = imageIds.length * shape.reduce((product, size) => product * size, 1);
      expect(histogram.reduce((sum, count) => sum + count, 0)).toBe(values);
      if (kind === 'relu') expect(min).toBeGreaterThanOrEqual(0);
    }
    expect(layers.slice(1).every(({ sources }, i) => sources.includes(layers[i]!.path))).toBe(true);
  });

  test('a layer or an image that is not there is named', async () => {
    const ask = (layer: string, imageId: number) =>
      lookInside(new OnnxRuntime(), { folder, checkpoint: 'last', maps: { layer, imageId } });
    await expect(ask('conv99', small.data.evaluation.imageIds[0]!)).rejects.toThrow('no layer “conv99”');
    await expect(ask('conv1', 987_654)).rejects.toThrow('not measured by image 987654');
  });
});

test('a spread is mean, deviation, extremes and a histogram between them', () => {
  const { histogram, ...rest } = spreadOf(Float32Array.of(-1, 0, 0, 3));
  expect(rest).toEqual({
    mean: 0.5,
    deviation: Math.sqrt((2.25 + 0.25 + 0.25 + 6.25) / 4),
    min: -1,
    max: 3,
    zeros: 0.5,
  });
  expect([histogram[0], histogram[histogramBins / 4], histogram[histogramBins - 1]]).toEqual([1, 2, 1]);
  expect(spreadOf(Float32Array.of(2, 2)).histogram[0]).toBe(2);
});
