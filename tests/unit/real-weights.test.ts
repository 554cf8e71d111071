/**
 * Published weights whose batch norms are folded, where they lie beside the repository: YOLOv8n from its .onnx file, whose
 * outputs are those of onnxruntime running that file, and MobileNetV2. Both before and after the norms are rebuilt.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import type { Tensor } from '../../src-main/engine/graph/types.ts';
import { planNetwork, type NetworkPlan } from '../../src-main/engine/nn/network.ts';
import type { Preprocessing } from '../../src-main/engine/nn/preprocessing.ts';
import { startWeights } from '../../src-main/engine/train/start-weights.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { segmentationNetwork } from '../../src-main/engine/zoo/segmentation.ts';
import { yolov8 } from '../../src-main/engine/zoo/yolov8.ts';
import { floats, relativeError, runtime } from '../helpers/engine-run.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { infer } from '../helpers/infer-network.ts';
import { realData } from '../helpers/real-data.ts';

const yolo = realData('weights/yolov8n.onnx');
const mobilenet = realData('weights/mobilenet_v2-imagenet-folded.safetensors');
const zeroToOne: Preprocessing = { range: [0, 1], mean: 0, std: 1 };
const imagenet: Preprocessing = { range: [0, 1], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-real-weights-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  expect(runtime.liveSessions).toBe(0);
});

/** Soft blobs of colour, so that neighbouring pixels are alike as in photographs. uint8 [count, 3, side, side] */
function drawImages(count: number, side: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const images = new Uint8Array(count * 3 * side * side);
  for (let plane = 0; plane < count * 3; plane++) {
    const waves = Array.from({ length: 4 }, () => [random() * 12, random() * 12, random() * 6, random() * 40] as const);
    for (let i = 0; i < side * side; i++) {
      const [x, y] = [(i % side) / side, Math.floor(i / side) / side];
      const sum = waves.reduce((total, [fx, fy, phase, size]) => total + size * Math.sin(fx * x + fy * y + phase), 128);
      images[plane * side * side + i] = Math.max(0, Math.min(255, sum));
    }
  }
  return images;
}

async function dataOf(side: number): Promise<TrainingData> {
  const count = 8;
  const file = join(folder, `images-${side}.u8`);
  await writeFile(file, drawImages(count, side, 3));
  const split = {
    imageIds: Array.from({ length: count }, (_, i) => i + 1),
    packs: new Array<number>(count).fill(0),
    rows: Array.from({ length: count }, (_, i) => i),
    labels: new Array<number>(count).fill(0),
  };
  return {
    categories: ['thing'],
    packs: [{ file, count, channels: 3, heightPx: side, widthPx: side }],
    train: split,
    evaluation: split,
  };
}

async function start(plan: NetworkPlan, path: string, preprocessing: Preprocessing, side: number) {
  return startWeights({
    file: { label: 'real', path, sha256: await hashFile(path, 'sha256'), known: { padding: null, scaling: null } },
    plan,
    preprocessing,
    config: { seed: 1, device: 'cpu' },
    data: await dataOf(side),
    runtime,
    threads: 0,
    signal: new AbortController().signal,
  });
}

describe.skipIf(yolo === null)('YOLOv8n', () => {
  test(
    'computes what onnxruntime computes from the file, after its norms are rebuilt',
    { timeout: 120_000 },
    async () => {
      const side = 640;
      const { layers, outputs } = yolov8('n', 80);
      const plan = planNetwork(layers, [3, side, side], outputs);
      const { tensors, provenance } = await start(plan, yolo!, zeroToOne, side);
      expect(provenance.fit).toMatchObject({
        naming: 'Ultralytics YOLOv8',
        loaded: 298,
        total: 298,
        rebuiltNorms: 57,
        unused: 0,
      });
      expect(provenance.calibration!.difference).toBeLessThan(1e-4);

      const images = drawImages(1, side, 12);
      const session = await runtime.createSession(new Uint8Array(await readFile(yolo!)), { device: 'cpu', threads: 0 });
      const wanted: Tensor = await session
        .run({
          images: floats(
            [1, 3, side, side],
            Float32Array.from(images, (value) => value / 255),
          ),
        })
        .then((results) => results['output0']!)
        .finally(() => session.release());
      const anchors = 8400;
      expect(wanted.shape).toEqual([1, 84, anchors]);
      const reference = wanted.data as Float32Array;
      const [, scores, distances] = (await infer(plan, tensors, zeroToOne, images)).map(
        ({ data }) => data as Float32Array,
      );
      const probabilities = scores!.map((logit) => 1 / (1 + Math.exp(-logit)));
      const off = probabilities.map((value, i) => Math.abs(value - reference[4 * anchors + i]!));
      expect(off.reduce((worst, value) => Math.max(worst, value), 0)).toBeLessThan(1e-4);
      // Sides in strides become middle, width and height in pixels.
      const boxes = new Float32Array(4 * anchors);
      let anchor = 0;
      for (const stride of [8, 16, 32]) {
        for (let i = 0; i < (side / stride) ** 2; i++, anchor++) {
          const across = side / stride;
          const [x, y] = [(i % across) + 0.5, Math.floor(i / across) + 0.5];
          const [left, top, right, bottom] = [0, 1, 2, 3].map((part) => distances![part * anchors + anchor]!) as [
            number,
            number,
            number,
            number,
          ];
          const box = [x + (right - left) / 2, y + (bottom - top) / 2, left + right, top + bottom];
          box.forEach((value, part) => (boxes[part * anchors + anchor] = value * stride));
        }
      }
      expect(relativeError(boxes, reference.subarray(0, 4 * anchors))).toBeLessThan(1e-4);
    },
  );
});

describe.skipIf(mobilenet === null)('MobileNetV2 as an encoder', () => {
  test('keeps what it computes while its norms are rebuilt', { timeout: 120_000 }, async () => {
    const { layers, outputs } = segmentationNetwork('unet', 'mobilenet_v2', 5);
    const plan = planNetwork(layers, [3, 128, 128], outputs);
    const { provenance } = await start(plan, mobilenet!, imagenet, 128);
    const { fit, calibration } = provenance;
    expect(fit).toMatchObject({
      naming: 'torchvision MobileNetV2',
      rebuiltNorms: 52,
      unused: 0,
      padding: { weights: 'same', network: 'symmetric' },
      scaling: { weights: 'minus-one-to-one', network: 'imagenet' },
    });
    expect(fit.fresh.every(({ name }) => /^(decoder|segmentation_head)\./.test(name))).toBe(true);
    expect(calibration!.difference).toBeLessThan(1e-4);
  });
});
