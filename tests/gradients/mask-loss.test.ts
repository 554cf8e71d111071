/** The mask loss against an independent implementation in float64 (tests/golden/detection/mask_loss.py). */
import { afterAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { maskLoss, maskStride } from '../../src-main/engine/nn/losses/detection/mask-loss.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { assignedClaims, claimsPerObject, padded, type AssignedCase } from '../helpers/assigned-claims.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { floats, numbersOf, relativeError, runGraph, runtime, scalarOf } from '../helpers/engine-run.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const parts = ['coefficients', 'prototypes'] as const;

interface MaskLossCase extends AssignedCase {
  name: string;
  size: [height: number, width: number];
  seed: number;
  prototypeCount: number;
  /** Of each image: 1 + the number of the object that a cell shows, else 0. */
  maps: number[][];
  loss: number;
  /** Every n-th element, float32, little-endian, base64. */
  gradients: Record<(typeof parts)[number], { values: string; torch32: number }>;
  every: number;
}
const golden = readGolden<{ cases: MaskLossCase[] }>('../detection/mask-loss.json').cases;
const bar = 1e-5;
/** Of the network’s positions. */
const strides = [8, 16, 32];

/** The same numbers as mask_loss.py's mask_outputs. */
function maskOutputs({ size, seed, maps, prototypeCount }: MaskLossCase) {
  const [height, width] = size;
  const count = strides.reduce((sum, stride) => sum + (height / stride) * (width / stride), 0);
  const drawn = (shape: readonly number[], own: number, low: number) => {
    const noise = seededRandom(seed + own);
    return floats(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 4 * noise() + low),
    );
  };
  return {
    coefficients: drawn([maps.length, prototypeCount, count], 4, -2),
    prototypes: drawn([maps.length, prototypeCount, height / maskStride, width / maskStride], 5, -1),
  };
}

describe.each(golden.map((testCase) => [testCase.name, testCase] as const))('%s', (_, testCase) => {
  test('loss and gradients', async () => {
    const { boxes, maps, capacity, every } = testCase;
    const g = newGraph('mask loss');
    const said = maskOutputs(testCase);
    const inputs = {
      coefficients: g.input('coefficients', 'float32', said.coefficients.shape),
      prototypes: g.input('prototypes', 'float32', said.prototypes.shape),
    };
    const { anchors, weights } = assignedClaims(testCase);
    const loss = maskLoss(
      g,
      inputs,
      {
        instances: g.constant(floats([maps.length, maps[0]!.length], maps.flat())),
        bboxXyxy: g.constant(floats([boxes.length, capacity, 4], padded(boxes, capacity, 4))),
      },
      { claimsPerObject, anchors: g.constant(anchors), weights: g.constant(weights) },
      7.5,
    );
    g.output(loss, 'loss');
    const found = gradients(g, loss, [inputs.coefficients, inputs.prototypes]);
    parts.forEach((part, i) => g.output(found[i]!, `gradient ${part}`));
    const results = await runGraph(optimise(g.graph), said);
    expect(Math.abs(scalarOf(results, 'loss') - testCase.loss)).toBeLessThanOrEqual(bar * Math.abs(testCase.loss));
    for (const part of parts) {
      const { values, torch32 } = testCase.gradients[part];
      const reference = new Float32Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
      const own = numbersOf(results, `gradient ${part}`).filter((_, i) => i % every === 0);
      expect(relativeError(own, reference), `gradient of ${part}`).toBeLessThanOrEqual(Math.max(bar, 3 * torch32));
    }
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
