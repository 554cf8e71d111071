/**
 * A whole training step of YOLOv8n on two small images against PyTorch in float64 (tests/golden/detection/step.py): which
 * anchors learn which objects and how well they should score, the three losses, and the gradient of their sum by every
 * weight.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { sizeOf, tensor, type Value } from '../../src-main/engine/graph/types.ts';
import { buildNetwork, planNetwork } from '../../src-main/engine/nn/network.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { anchorLevels } from '../../src-main/engine/nn/losses/detection/anchors.ts';
import { assign } from '../../src-main/engine/nn/losses/detection/assigner.ts';
import { detectionLoss } from '../../src-main/engine/nn/losses/detection/detection-loss.ts';
import { detectionLabels, labelWidth } from '../../src-main/engine/nn/losses/detection/labels.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { yolov8 } from '../../src-main/engine/zoo/yolov8.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { floats, numbersOf, runGraph, runtime, scalarOf, type Feeds, type Results } from '../helpers/engine-run.ts';
import { distance, drawn, parameterValues, type DrawnParameter, type Sampled } from '../helpers/golden-network.ts';

const parts = ['box', 'category', 'distribution'] as const;

interface GoldenStep {
  side: number;
  batch: number;
  categoryCount: number;
  imageSeed: number;
  /** Of each image. */
  categories: number[][];
  boxes: number[][][];
  parameters: DrawnParameter[];
  assigned: [image: number, object: number, anchor: number, weight: number][];
  losses: Record<(typeof parts)[number], number>;
  gradients: Record<string, Sampled>;
}

const golden = readGolden<GoldenStep>('../detection/step.json');
const { side, batch, categoryCount } = golden;
const capacity = Math.max(...golden.categories.map((list) => list.length)) + 2;
const network = yolov8('n', categoryCount);
const plan = planNetwork(network.layers, [3, side, side], network.outputs);

/** [N, M, 6], with room that no object fills. */
function labelRows(): Float32Array {
  const rows = new Float32Array(batch * capacity * labelWidth);
  golden.categories.forEach((categories, image) =>
    categories.forEach((category, object) =>
      rows.set([1, category, ...golden.boxes[image]![object]!], (image * capacity + object) * labelWidth),
    ),
  );
  return rows;
}

async function step(): Promise<Results> {
  const g = newGraph('step');
  const imageShape = [batch, 3, side, side];
  const bytes = g.input('bytes', 'uint8', imageShape);
  const tensors = new Map<string, Value>(
    [...plan.parameters, ...plan.buffers].map(({ name, shape }) => [name, g.input(name, 'float32', shape)]),
  );
  const preprocessing = { range: [0, 1], mean: 0.5, std: 0.5 } as const;
  const [boxes, scores, distances] = buildNetwork(
    plan,
    g,
    { bytes, preprocessing },
    {
      mode: 'training',
      tensor: (name) => tensors.get(name)!,
      updateBuffer: () => undefined,
      step: null,
      seed: 0,
    },
  ) as unknown as [Value, Value, Value];
  const labels = detectionLabels(g, g.input('labels', 'float32', [batch, capacity, labelWidth]));
  const loss = detectionLoss(g, { boxes, scores, distances }, labels, [side, side]);
  const { anchors, weights } = assign(g, { scores, distances }, labels, anchorLevels([side, side]));
  for (const part of parts) g.output(loss[part], part);
  g.output(anchors, 'anchors');
  g.output(weights, 'weights');
  const trained = plan.parameters.filter(({ fixed }) => !fixed);
  gradients(
    g,
    loss.total,
    trained.map(({ name }) => tensors.get(name)!),
  ).forEach((gradient, i) => g.output(gradient!, `gradient ${trained[i]!.name}`));
  const fixed = plan.parameters.filter((parameter) => parameter.fixed);
  const feeds: Feeds = {
    bytes: tensor(
      'uint8',
      imageShape,
      drawn(golden.imageSeed, sizeOf(imageShape), (u) => Math.floor(u * 256)),
    ),
    labels: floats([batch, capacity, labelWidth], labelRows()),
    ...Object.fromEntries(
      [...initialise(fixed, plan.buffers, 0)].map(([name, values]) => [name, floats(tensors.get(name)!.shape, values)]),
    ),
    ...Object.fromEntries(
      golden.parameters
        .filter(({ kind }) => kind !== 'fixed')
        .map((parameter) => [parameter.name, floats(parameter.shape, parameterValues(parameter))]),
    ),
  };
  return runGraph(optimise(g.graph), feeds);
}

describe('a training step of YOLOv8n', async () => {
  const results = await step();

  test('assigns the same anchors to the same objects, with the same target scores', () => {
    const [anchors, weights] = [numbersOf(results, 'anchors'), numbersOf(results, 'weights')];
    const claimsPerImage = anchors.length / batch;
    const claimsPerObject = claimsPerImage / capacity;
    const claims = Array.from(anchors, (anchor, i) => {
      const image = Math.floor(i / claimsPerImage);
      const object = Math.floor((i % claimsPerImage) / claimsPerObject);
      return [image, object, Number(anchor), weights[i]!] as const;
    })
      .filter(([, , , weight]) => weight > 0)
      .sort((a, b) => a[0] - b[0] || a[2] - b[2]);
    expect(claims.map(([image, object, anchor]) => [image, object, anchor])).toEqual(
      golden.assigned.map(([image, object, anchor]) => [image, object, anchor]),
    );
    golden.assigned.forEach(([, , , weight], i) => expect(claims[i]![3] / weight).toBeCloseTo(1, 4));
  });

  test.each(parts)('%s loss', (part) => {
    expect(scalarOf(results, part) / golden.losses[part]).toBeCloseTo(1, 5);
  });

  test('the gradient by every weight', () => {
    const limit = 3 * Math.max(...Object.values(golden.gradients).map(({ torch32 }) => torch32));
    const errors = Object.entries(golden.gradients).map(([name, wanted]) => ({
      name,
      error: distance(numbersOf(results, `gradient ${name}`), wanted),
    }));
    expect(errors).toHaveLength(plan.parameters.filter(({ fixed }) => !fixed).length);
    expect(
      errors.filter(({ error }) => !(error <= limit)),
      `three times PyTorch's own worst is ${limit}`,
    ).toEqual([]);
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
