/** The keypoint losses against an independent implementation in float64 (tests/golden/detection/pose_loss.py), and where the points lie. */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { anchorLevels, anchorPoints } from '../../src-main/engine/nn/losses/detection/anchors.ts';
import { keypointLoss } from '../../src-main/engine/nn/losses/detection/keypoint-loss.ts';
import { keypointPredictions } from '../../src-main/engine/nn/losses/detection/keypoints.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { assignedClaims, claimsPerObject, padded, type AssignedCase } from '../helpers/assigned-claims.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { floats, numbersOf, relativeError, runGraph, runtime, scalarOf } from '../helpers/engine-run.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const parts = ['position', 'visibility'] as const;
type Part = (typeof parts)[number];

interface PoseLossCase extends AssignedCase {
  name: string;
  size: [height: number, width: number];
  seed: number;
  pointCount: number;
  spread: number;
  /** x, y of each point, px, by image. */
  guesses: number[][];
  /** x, y, visibility of each point of each object of each image. */
  points: number[][][];
  losses: Record<Part, number>;
  /** Every n-th element, float32, little-endian, base64. */
  gradients: Record<Part, { values: string; torch32: number }>;
  every: number;
}
const golden = readGolden<{ cases: PoseLossCase[] }>('../detection/pose-loss.json').cases;
const bar = 1e-5;

/** The same numbers as pose_loss.py's keypoint_outputs. */
function keypointOutputs({ size, seed, guesses, pointCount, spread }: PoseLossCase) {
  const { x, y, stride } = anchorPoints(anchorLevels(size));
  const noise = seededRandom(seed + 3);
  const count = stride.length;
  const values = Float32Array.from({ length: guesses.length * pointCount * 3 * count }, (_, i) => {
    const [anchor, row] = [i % count, Math.floor(i / count)];
    const [axis, point] = [row % 3, Math.floor(row / 3) % pointCount];
    const u = 2 * noise() - 1;
    if (axis === 2) return 2 * u;
    const cell = (axis === 0 ? x : y)[anchor]! / stride[anchor]! - 0.5;
    const guess = guesses[Math.floor(row / 3 / pointCount)]![2 * point + axis]!;
    return (guess / stride[anchor]! - cell) / 2 + spread * u;
  });
  return floats([guesses.length, 3 * pointCount, count], values);
}

describe.each(golden.map((testCase) => [testCase.name, testCase] as const))('%s', (_, testCase) => {
  test('losses and gradients', async () => {
    const { size, boxes, points, capacity, pointCount, every } = testCase;
    const g = newGraph('keypoint loss');
    const said = keypointOutputs(testCase);
    const keypoints = g.input('keypoints', 'float32', said.shape);
    const { anchors, weights } = assignedClaims(testCase);
    const loss = keypointLoss(
      g,
      keypoints,
      {
        points: g.constant(floats([boxes.length, capacity, 3 * pointCount], padded(points, capacity, 3 * pointCount))),
        bboxXyxy: g.constant(floats([boxes.length, capacity, 4], padded(boxes, capacity, 4))),
      },
      {
        claimsPerObject,
        anchors: g.constant(anchors),
        weights: g.constant(weights),
      },
      anchorLevels(size),
    );
    for (const part of parts) {
      g.output(loss[part], part);
      g.output(gradients(g, loss[part], [keypoints])[0]!, `gradient ${part}`);
    }
    const results = await runGraph(optimise(g.graph), { keypoints: said });
    for (const part of parts) {
      const wanted = testCase.losses[part];
      expect(Math.abs(scalarOf(results, part) - wanted), part).toBeLessThanOrEqual(bar * Math.abs(wanted));
      const { values, torch32 } = testCase.gradients[part];
      const reference = new Float32Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
      const found = numbersOf(results, `gradient ${part}`).filter((_, i) => i % every === 0);
      expect(relativeError(found, reference), `gradient of ${part}`).toBeLessThanOrEqual(Math.max(bar, 3 * torch32));
    }
  });
});

test('points lie two cells from their anchor’s for each 1, and half a cell left of its middle at 0', async () => {
  const g = newGraph('keypoints');
  // 64 px: 64 + 16 + 4 anchors. One point: x in the first row, y in the second, a logit in the third.
  const count = 84;
  const said = new Float32Array(3 * count);
  const anchor = 64 + 5; // stride 16, second row, second column
  said.set([0.25], anchor);
  said.set([-1], count + anchor);
  said.set([Math.log(3)], 2 * count + anchor);
  g.output(keypointPredictions(g, g.constant(floats([1, 3, count], said)), [64, 64]), 'points');
  const points = numbersOf(await runGraph(optimise(g.graph), {}), 'points');
  expect([points[anchor], points[count + anchor]]).toEqual([16 + 0.5 * 16, 16 - 2 * 16]);
  expect(points[2 * count + anchor]).toBeCloseTo(0.75, 6);
  expect([points[9], points[count + 9]]).toEqual([8, 8]);
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
