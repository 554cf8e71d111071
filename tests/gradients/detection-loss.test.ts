/**
 * The detection loss and its assigner against an independent implementation in float64 (tests/golden/detection/loss.py), on
 * random objects and on edge cases; and that nothing of the assignment is differentiated.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { tensor, type Value } from '../../src-main/engine/graph/types.ts';
import { dfl } from '../../src-main/engine/nn/layers/dfl.ts';
import { anchorLevels, anchorPoints } from '../../src-main/engine/nn/losses/detection/anchors.ts';
import { assign } from '../../src-main/engine/nn/losses/detection/assigner.ts';
import { completeIou } from '../../src-main/engine/nn/losses/detection/ciou.ts';
import { detectionLoss } from '../../src-main/engine/nn/losses/detection/detection-loss.ts';
import { detectionLabels } from '../../src-main/engine/nn/losses/detection/labels.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { floats, numbersOf, relativeError, runGraph, runtime, scalarOf, type Results } from '../helpers/engine-run.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const parts = ['box', 'category', 'distribution'] as const;
type Part = (typeof parts)[number];

interface LossCase {
  name: string;
  size: [height: number, width: number];
  categoryCount: number;
  /** Objects an image has room for. */
  capacity: number;
  seed: number;
  reach: number;
  slope: number;
  categories: number[][];
  boxes: number[][][];
  assigned: [image: number, object: number, anchor: number, weight: number][];
  losses: Record<Part, number>;
  /** Every n-th element, float32, little-endian, base64. */
  gradients: Record<Part, { values: string; torch32: number }>;
  every: number;
}
const golden = readGolden<{ cases: LossCase[] }>('../detection/loss.json').cases;
const bins = 16;
const bar = 1e-5;

/** The same numbers as loss.py's network_outputs. */
function networkOutputs({ size, categoryCount, categories, seed, reach, slope }: LossCase) {
  const { stride } = anchorPoints(anchorLevels(size));
  const [images, count] = [categories.length, stride.length];
  const [places, noise, draws] = [seededRandom(seed), seededRandom(seed + 1), seededRandom(seed + 2)];
  const place = Float64Array.from(
    { length: images * 4 * count },
    (_, i) => (places() * reach) / (stride[i % count]! / 8),
  );
  const boxes = Float32Array.from({ length: images * 4 * bins * count }, (_, i) => {
    const bin = Math.floor(i / count) % bins;
    const row = Math.floor(i / count / bins) * count + (i % count);
    return 2 * (2 * noise() - 1) - slope * Math.abs(bin - place[row]!);
  });
  const scores = Float32Array.from({ length: images * categoryCount * count }, () => 8 * draws() - 6);
  return {
    boxes: floats([images, 4 * bins, count], boxes),
    scores: floats([images, categoryCount, count], scores),
  };
}

function labelFeeds({ categories, boxes, capacity }: LossCase) {
  const images = categories.length;
  const padded = <T>(list: readonly T[], filler: T): T[] =>
    Array.from({ length: capacity }, (_, i) => list[i] ?? filler);
  return {
    categories: tensor(
      'int64',
      [images, capacity],
      categories.flatMap((list) => padded(list, 0)),
    ),
    bboxXyxy: floats([images, capacity, 4], boxes.flatMap((list) => padded(list, [0, 0, 0, 0])).flat()),
    mask: floats(
      [images, capacity],
      categories.flatMap((list) =>
        padded(
          list.map(() => 1),
          0,
        ),
      ),
    ),
  };
}

async function evaluate(testCase: LossCase): Promise<Results> {
  const g = newGraph('detection loss');
  const feeds = { ...networkOutputs(testCase), ...labelFeeds(testCase) };
  const input = (name: keyof typeof feeds): Value => g.input(name, feeds[name].dataType, feeds[name].shape);
  const [boxes, scores] = [input('boxes'), input('scores')];
  const labels = { categories: input('categories'), bboxXyxy: input('bboxXyxy'), mask: input('mask') };
  const places = g.constant(
    floats(
      [1, bins, 1, 1],
      Array.from({ length: bins }, (_, i) => i),
    ),
  );
  const context = { g, tensor: () => places } as unknown as Parameters<typeof dfl.build>[0];
  const outputs = { boxes, scores, distances: dfl.build(context, 'dfl', { bins }, boxes) };
  const loss = detectionLoss(g, outputs, labels, testCase.size);
  const assignment = assign(g, outputs, labels, anchorLevels(testCase.size));
  g.output(assignment.anchors, 'anchors');
  g.output(assignment.weights, 'weights');
  g.output(loss.total, 'total');
  for (const part of parts) {
    g.output(loss[part], part);
    const [by, other] = part === 'category' ? [scores, boxes] : [boxes, scores];
    const [found, foreign] = gradients(g, loss[part], [by, other]);
    // The weights come from the scores and the boxes, but are constants.
    expect(foreign, `${part} has a gradient through the assignment`).toBeNull();
    g.output(found!, `gradient ${part}`);
  }
  return runGraph(optimise(g.graph), feeds);
}

function assignedOf({ capacity, categories }: LossCase, results: Results): LossCase['assigned'] {
  const [anchors, weights] = [numbersOf(results, 'anchors'), numbersOf(results, 'weights')];
  const claims = weights.length / categories.length;
  return weights
    .flatMap((weight, i): LossCase['assigned'] => {
      const object = Math.floor(((i % claims) * capacity) / claims);
      return weight > 0 ? [[Math.floor(i / claims), object, anchors[i]!, weight]] : [];
    })
    .sort((a, b) => a[0] - b[0] || a[2] - b[2]);
}

describe.each(golden.map((testCase) => [testCase.name, testCase] as const))('%s', (_, testCase) => {
  test('assignment, losses and gradients', async () => {
    const results = await evaluate(testCase);
    const assigned = assignedOf(testCase, results);
    const places = (list: LossCase['assigned']) => list.map(([image, object, anchor]) => [image, object, anchor]);
    expect(places(assigned)).toEqual(places(testCase.assigned));
    const weights = (list: LossCase['assigned']): number[] => list.map((entry) => entry[3]);
    expect(relativeError(weights(assigned), weights(testCase.assigned))).toBeLessThan(bar);
    for (const part of parts) {
      const wanted = testCase.losses[part];
      expect(Math.abs(scalarOf(results, part) - wanted), part).toBeLessThanOrEqual(bar * Math.abs(wanted));
      const { values, torch32 } = testCase.gradients[part];
      const reference = new Float32Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
      const found = numbersOf(results, `gradient ${part}`).filter((_, i) => i % testCase.every === 0);
      expect(relativeError(found, reference), `gradient of ${part}`).toBeLessThanOrEqual(Math.max(bar, 3 * torch32));
    }
    const sum = parts.reduce((total, part) => total + testCase.losses[part], 0);
    expect(relativeError([scalarOf(results, 'total')], [sum])).toBeLessThan(bar);
  });
});

test('gives the same bytes on every run', async () => {
  const [first, second] = [await evaluate(golden[0]!), await evaluate(golden[0]!)];
  expect(second).toEqual(first);
});

test('CIoU of boxes that are apart, of equal ones and of different shapes', async () => {
  const g = newGraph('CIoU');
  // 10 × 10 boxes 30 and 40 px apart; the same box twice; 10 × 10 in the middle of 40 × 20.
  const row = (...values: number[]): Value => g.constant(floats([3], values));
  const value = completeIou(g, {
    first: { width: row(10, 10, 10), height: row(10, 10, 10) },
    second: { width: row(10, 10, 40), height: row(10, 10, 20) },
    overlap: { width: row(-20, 10, 10), height: row(-30, 10, 10) },
    offset: { x: row(30, 0, 0), y: row(40, 0, 0) },
  });
  g.output(value, 'ciou');
  const v = ((2 / Math.PI) * (Math.atan(2) - Math.atan(1))) ** 2;
  const inside = 1 / 8 - (v * v) / (1 - 1 / 8 + v);
  const wanted = [-(30 ** 2 + 40 ** 2) / (40 ** 2 + 50 ** 2), 1, inside];
  expect(relativeError(numbersOf(await runGraph(optimise(g.graph), {}), 'ciou'), wanted)).toBeLessThan(1e-6);
});

test('labels of another form are refused', () => {
  const g = newGraph('labels');
  expect(() => detectionLabels(g, g.float(0, [2, 3, 5]))).toThrow('labels: expected [N, M, 6], got [2, 3, 5]');
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
