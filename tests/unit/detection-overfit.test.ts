/** A small detector learns four generated images by heart: the loss falls and the boxes are found. */
import { afterAll, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { Random } from '../../src-main/engine/data/random.ts';
import { tensor, type Graph, type Tensor, type Value } from '../../src-main/engine/graph/types.ts';
import { cocoMeasures } from '../../src-main/engine/metrics/average-precision.ts';
import { candidatesOf, nonMaxSuppression } from '../../src-main/contract/geometry/non-max-suppression.ts';
import { detectionLoss } from '../../src-main/engine/nn/losses/detection/detection-loss.ts';
import { detectionLabels, labelWidth } from '../../src-main/engine/nn/losses/detection/labels.ts';
import { detectionPredictions } from '../../src-main/engine/nn/losses/detection/predictions.ts';
import {
  buildNetwork,
  isFrozen,
  planNetwork,
  type LayerSpec,
  type NetworkPlan,
} from '../../src-main/engine/nn/network.ts';
import { FlatLayout, initialise } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { convNorm, reading } from '../../src-main/engine/zoo/blocks.ts';
import { detectionsOf, groundTruthsOf, type DetectionRow, type ObjectRow } from '../helpers/detection-tables.ts';
import { floats, runtime, scalarOf, withSession, type Results } from '../helpers/engine-run.ts';

const side = 64;
const imageCount = 4;
const mostObjects = 3;
const categoryCount = 2;

/** Five convolutions of stride 2; from the last three of them, at strides 8, 16 and 32, a head like YOLOv8's, but slim. */
function tinyDetector(): { layers: LayerSpec[]; outputs: string[] } {
  const norm = { epsilon: 1e-3, momentum: 0.03 };
  const block = (path: string, outChannels: number, stride: number): LayerSpec[] => [
    ...convNorm({
      conv: { outChannels, kernel: 3, stride, padding: 1 },
      convPath: `${path}.conv`,
      normPath: `${path}.bn`,
      norm,
    }),
    { kind: 'silu', path },
  ];
  const head = (path: string, from: string, outChannels: number, biasValue: number): LayerSpec[] => [
    ...reading(from, block(`${path}.0`, 32, 1)),
    { kind: 'conv2d', path: `${path}.1`, outChannels, kernel: 1, stride: 1, padding: 0, biasValue },
    { kind: 'flattenSpace', path: `${path}.flat` },
  ];
  const levels = ['down2', 'down3', 'down4'];
  const joined = (path: string): LayerSpec => ({
    kind: 'concat',
    path,
    from: levels.map((level) => `${path}.${level}.flat`),
    axis: 1,
  });
  const layers: LayerSpec[] = [
    ...[16, 24, 32, 48, 48].flatMap((channels, i) => block(`down${i}`, channels, 2)),
    ...levels.flatMap((level) => head(`scores.${level}`, level, categoryCount, -4)),
    ...levels.flatMap((level) => head(`boxes.${level}`, level, 4 * 16, 1)),
    joined('scores'),
    joined('boxes'),
    { kind: 'dfl', path: 'distances', bins: 16 },
  ];
  return { layers, outputs: ['boxes', 'scores', 'distances'] };
}

/** Grey images with a red (0) or blue (1) rectangle in each of one to three corners. */
function drawImages(): { bytes: Uint8Array; labels: Float32Array; objects: ObjectRow[] } {
  const random = Random.derive(7, 'scenes');
  const bytes = new Uint8Array(imageCount * 3 * side * side).fill(90);
  const labels = new Float32Array(imageCount * mostObjects * labelWidth);
  const objects: ObjectRow[] = [];
  for (let image = 0; image < imageCount; image++) {
    for (let corner = 0; corner <= image % mostObjects; corner++) {
      const category = random.below(categoryCount);
      const [width, height] = [14 + random.below(14), 14 + random.below(14)];
      const x = (corner % 2) * 32 + random.below(32 - width);
      const y = Math.floor(corner / 2) * 32 + random.below(32 - height);
      const plane = (image * 3 + 2 * category) * side * side;
      for (let row = y; row < y + height; row++)
        bytes.fill(230, plane + row * side + x, plane + row * side + x + width);
      labels.set([1, category, x, y, x + width, y + height], (image * mostObjects + corner) * labelWidth);
      objects.push([image, category, x, y, width, height, 0, 0]);
    }
  }
  return { bytes, labels, objects };
}

function buildStep(plan: NetworkPlan, trained: FlatLayout, others: FlatLayout): Graph {
  const g = newGraph('overfit');
  const bytes = g.input('images', 'uint8', [imageCount, 3, side, side]);
  const rows = g.input('labels', 'float32', [imageCount, mostObjects, labelWidth]);
  const tensors = new Map<string, Value>();
  for (const [name, layout] of Object.entries({ trained, others })) {
    const lengths = layout.entries.map(({ length }) => length);
    const pieces = g.split(g.input(name, 'float32', [layout.length]), lengths, 0);
    layout.entries.forEach((entry, i) => tensors.set(entry.name, g.reshape(pieces[i]!, entry.shape)));
  }
  const [boxes, scores, distances] = buildNetwork(
    plan,
    g,
    { bytes, preprocessing: { range: [0, 1], mean: 0.4, std: 0.2 } },
    // Norms use the batch's statistics throughout, which are all that this test has.
    { mode: 'training', tensor: (name) => tensors.get(name)!, updateBuffer: () => {}, step: null, seed: 1 },
  ) as unknown as [Value, Value, Value];
  const size = [side, side] as const;
  const loss = detectionLoss(g, { boxes, scores, distances }, detectionLabels(g, rows), size);
  const names = trained.entries.map(({ name }) => name);
  const found = gradients(
    g,
    loss.total,
    names.map((name) => tensors.get(name)!),
  );
  const flat = found.map((gradient, i) => g.reshape(gradient!, [trained.entries[i]!.length]));
  const predictions = detectionPredictions(g, { scores, distances }, size);
  g.output(loss.total, 'loss');
  g.output(g.concat(flat, 0), 'gradient');
  g.output(predictions.scores, 'scores');
  g.output(predictions.sides, 'sides');
  return optimise(g.graph);
}

/** Adam, on the flat weights. */
function adam(weights: Float32Array, learningRate: number): (gradient: Float32Array) => void {
  const first = new Float32Array(weights.length);
  const second = new Float32Array(weights.length);
  let step = 0;
  return (gradient) => {
    step++;
    const rate = learningRate / (1 - 0.9 ** step);
    const scale = 1 / (1 - 0.99 ** step);
    for (let i = 0; i < weights.length; i++) {
      const slope = gradient[i]!;
      first[i] = 0.9 * first[i]! + 0.1 * slope;
      second[i] = 0.99 * second[i]! + 0.01 * slope * slope;
      weights[i] = weights[i]! - (rate * first[i]!) / (Math.sqrt(second[i]! * scale) + 1e-8);
    }
  };
}

function ap50Of(results: Results, objects: readonly ObjectRow[]): number {
  const rows = Array.from({ length: imageCount }, (_, image): DetectionRow[] => {
    const part = (name: string): Float32Array => {
      const { data, shape } = results[name]!;
      const length = shape[1]! * shape[2]!;
      return (data as Float32Array).slice(image * length, (image + 1) * length);
    };
    const candidates = candidatesOf(part('scores'), part('sides'), 0.001);
    const settings = { scoreThreshold: 0.001, iouThreshold: 0.7, maxDetections: 300, classAgnostic: false };
    return [...nonMaxSuppression(candidates, settings)].map((kept) => {
      const [x1, y1, x2, y2] = candidates.bboxXyxy.subarray(4 * kept, 4 * kept + 4) as unknown as number[];
      return [image, candidates.categories[kept]!, x1!, y1!, x2! - x1!, y2! - y1!, candidates.scores[kept]!];
    });
  });
  return cocoMeasures(groundTruthsOf(objects), detectionsOf(rows.flat()), categoryCount).all.ap50!;
}

test('the loss falls and the boxes are found', async () => {
  const { layers, outputs } = tinyDetector();
  const plan = planNetwork(layers, [3, side, side], outputs);
  const trained = new FlatLayout(plan.parameters.filter((parameter) => !isFrozen(parameter, [])));
  const others = new FlatLayout([...plan.parameters.filter((parameter) => isFrozen(parameter, [])), ...plan.buffers]);
  const initial = initialise(plan.parameters, plan.buffers, 3);
  const weights = trained.pack(initial);
  const { bytes, labels, objects } = drawImages();
  const feeds = {
    images: tensor('uint8', [imageCount, 3, side, side], bytes),
    labels: floats([imageCount, mostObjects, labelWidth], labels),
    others: floats([others.length], others.pack(initial)),
  } satisfies Record<string, Tensor>;

  await withSession(buildStep(plan, trained, others), async (session) => {
    const run = (): Promise<Results> => session.run({ ...feeds, trained: floats([trained.length], weights) });
    const update = adam(weights, 2e-3);
    const start = await run();
    for (let step = 0; step < 120; step++) update((await run())['gradient']!.data as Float32Array);
    const end = await run();
    expect(scalarOf(end, 'loss')).toBeLessThan(scalarOf(start, 'loss') / 4);
    expect(ap50Of(start, objects)).toBeLessThan(0.1);
    expect(ap50Of(end, objects)).toBeGreaterThan(0.95);
  });
}, 60_000);

afterAll(() => expect(runtime.liveSessions).toBe(0));
