/**
 * The whole LeNet-5 step against PyTorch in float64: loss, gradients by every parameter, and the weights after one and
 * five steps of Adam and SGD, each tensor within 1e-5 of its largest element. Both ways of laying a network out are tried.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { LossConfig } from '../../src-main/contract/model/loss.ts';
import type { OptimiserConfig } from '../../src-main/contract/model/run.ts';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { tensor } from '../../src-main/engine/graph/types.ts';
import { classificationLoss } from '../../src-main/engine/nn/losses/cross-entropy.ts';
import { buildFeatureMajorNetwork, buildNetwork, type NetworkPlan } from '../../src-main/engine/nn/network.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { modelSpec, planModel } from '../../src-main/engine/zoo/registry.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import { floats, numbersOf, relativeError, runGraph, runtime, scalarOf, type Results } from '../helpers/engine-run.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import {
  goldenImages,
  goldenParameters,
  runGoldenSteps,
  type ImageSpec,
  type ParameterSpec,
} from '../helpers/golden-training.ts';
import { phase } from '../helpers/run-config.ts';

/** A tensor, or every `stride`-th element of it and its products with rows of random signs. */
interface SampledTensor {
  stride: number;
  /** float32, little-endian, base64. */
  values: string;
  largest: number;
  norm?: number;
  projections?: number[];
}
interface Golden {
  images: ImageSpec;
  indices: number[][];
  variants: {
    name: string;
    options: { batchNorm: boolean };
    softmaxBeforeLoss: boolean;
    parameters: ParameterSpec[];
    /** float32, little-endian, base64: of the first step. */
    gradients: Record<string, string>;
    torch32: Record<string, number>;
    runs: {
      name: string;
      optimiser: OptimiserConfig;
      learningRate: number;
      losses: number[];
      correct: number[];
      after: { steps: number; tensors: Record<string, SampledTensor>; torch32: Record<string, number> }[];
    }[];
  }[];
}

const bar = 1e-5;
/** A step's own change is a hundredth of the weight: float32 gives the weight to 1e-7, so the change to 1e-5 or worse. */
const changeBar = 1e-3;

const golden = readGolden<Golden>('lenet5.json');
type Variant = Golden['variants'][number];
const planOf = (variant: Variant): NetworkPlan => planModel('lenet5', variant.options, [3, 32, 32], 10);
const lossOf = ({ softmaxBeforeLoss }: Variant): LossConfig => ({ kind: 'cross-entropy', softmaxBeforeLoss });

function decode(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer);
}

const layouts = { 'channels first': buildNetwork, 'batch innermost': buildFeatureMajorNetwork };

/** Loss and gradients of the first batch. */
async function firstGradients(variant: Variant, build: typeof buildNetwork): Promise<Results> {
  const plan = planOf(variant);
  const { images, labels } = goldenImages(golden.images);
  const batch = golden.indices[0]!;
  const g = newGraph('gradients');
  const bytes = g.input('bytes', 'uint8', [batch.length, ...plan.inputShape]);
  const expected = g.input('labels', 'int64', [batch.length]);
  const weights = new Map(plan.parameters.map(({ name, shape }) => [name, g.input(name, 'float32', shape)]));
  const buffers = new Map(plan.buffers.map(({ name, shape, initialValue }) => [name, g.float(initialValue, shape)]));
  const [logits] = build(
    plan,
    g,
    { bytes, preprocessing: modelSpec('lenet5').preprocessing },
    {
      mode: 'training',
      tensor: (name) => (weights.get(name) ?? buffers.get(name))!,
      updateBuffer: () => undefined,
      step: null,
      seed: 0,
    },
  );
  const loss = classificationLoss(g, logits, expected, variant);
  gradients(g, loss, [...weights.values()]).forEach((gradient, i) =>
    g.output(gradient!, `gradient of ${plan.parameters[i]!.name}`),
  );
  g.output(loss, 'loss');
  const size = plan.inputShape.reduce((a, b) => a * b, 1);
  const values = goldenParameters(variant.parameters);
  return runGraph(optimise(g.graph), {
    bytes: tensor(
      'uint8',
      [batch.length, ...plan.inputShape],
      batch.flatMap((i) => [...images.subarray(i * size, (i + 1) * size)]),
    ),
    labels: tensor(
      'int64',
      [batch.length],
      batch.map((i) => labels[i]!),
    ),
    ...Object.fromEntries(plan.parameters.map(({ name, shape }) => [name, floats(shape, values.get(name)!)])),
  });
}

const signRows = new Map<number, number[][]>();
/** Row r is mulberry32(900 + r), −1 where u < ½. */
function signs(length: number, count: number): number[][] {
  const known = signRows.get(length);
  if (known) return known;
  const rows = Array.from({ length: count }, (_, row) => {
    const random = seededRandom(900 + row);
    return Array.from({ length }, () => (random() < 0.5 ? -1 : 1));
  });
  signRows.set(length, rows);
  return rows;
}

/** Compares the stored elements, and through the projections all the others. */
function expectTensor(
  actual: Float32Array,
  wanted: SampledTensor,
  before: Float32Array | undefined,
  what: string,
): void {
  const stored = decode(wanted.values);
  const own = actual.filter((_, i) => i % wanted.stride === 0);
  expect(own.length, what).toBe(stored.length);
  const distance = own.reduce((worst, value, i) => Math.max(worst, Math.abs(value - stored[i]!)), 0);
  expect(distance / wanted.largest, `${what}: relative error`).toBeLessThanOrEqual(bar);
  if (before) {
    const start = before.filter((_, i) => i % wanted.stride === 0);
    const change = relativeError(
      own.map((value, i) => value - start[i]!),
      stored.map((value, i) => value - start[i]!),
    );
    expect(change, `${what}: relative error of the change`).toBeLessThanOrEqual(changeBar);
  }
  wanted.projections?.forEach((projection, row, { length }) => {
    const sign = signs(actual.length, length)[row]!;
    const own = actual.reduce((sum, value, i) => sum + value * sign[i]!, 0);
    expect(Math.abs(own - projection) / wanted.norm!, `${what}: projection ${row}`).toBeLessThanOrEqual(bar);
  });
}

describe.each(golden.variants.map((variant) => [variant.name, variant] as const))('LeNet-5, %s', (_, variant) => {
  test('has the parameters of the reference, in its order', () => {
    expect(planOf(variant).parameters.map(({ name, shape }) => ({ name, shape: [...shape] }))).toEqual(
      variant.parameters.map(({ name, shape }) => ({ name, shape })),
    );
  });

  test.each(Object.entries(layouts))('gradients, %s', async (_layout, build) => {
    const results = await firstGradients(variant, build);
    expect(Math.abs(scalarOf(results, 'loss') - variant.runs[0]!.losses[0]!)).toBeLessThan(bar);
    const errors = Object.entries(variant.gradients).map(
      ([name, text]) => [name, relativeError(numbersOf(results, `gradient of ${name}`), decode(text))] as const,
    );
    expect(errors.filter(([, error]) => error > bar)).toEqual([]);
    const worst = Math.max(...errors.map(([, error]) => error));
    const torchWorst = Math.max(...Object.values(variant.torch32));
    expect(worst, `against PyTorch float32's own ${torchWorst}`).toBeLessThan(10 * torchWorst);
  });

  test.each(variant.runs.map((run) => [run.name, run] as const))('%s: one step and five', async (_name, run) => {
    const start = goldenParameters(variant.parameters);
    const results = await runGoldenSteps(
      {
        plan: planOf(variant),
        loss: lossOf(variant),
        phase: phase({ epochs: 1, optimiser: run.optimiser, learningRate: run.learningRate }),
        settings: { accumulation: 1, ema: null },
        images: golden.images,
        indices: golden.indices,
        parameters: start,
      },
      run.after.map(({ steps }) => steps),
    );
    run.after.forEach(({ steps, tensors }, i) => {
      const { losses, correct, tensors: own } = results[i]!;
      expect(relativeError(losses, run.losses.slice(0, steps)), `losses of ${steps} steps`).toBeLessThan(bar);
      expect(correct).toEqual(run.correct.slice(0, steps));
      expect([...own.keys()].sort()).toEqual(Object.keys(tensors).sort());
      for (const [name, wanted] of Object.entries(tensors)) {
        expectTensor(own.get(name)!, wanted, start.get(name), `${name} after ${steps} steps`);
      }
    });
  });
});

afterAll(() => expect(runtime.liveSessions).toBe(0));
