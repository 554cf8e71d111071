/**
 * The losses of nn/losses: value and gradient equal PyTorch's in float64 (tests/golden/engine/losses.py), also for
 * categories that do not occur and labels that are ignored; and they stay finite where there is nothing to say.
 */
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { lossConfig, type LossConfig } from '../../src-main/contract/model/loss.ts';
import { gradients } from '../../src-main/engine/autodiff/gradients.ts';
import { tensor, type Graph, type Shape } from '../../src-main/engine/graph/types.ts';
import { sumOfLosses } from '../../src-main/engine/nn/losses/index.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { readGolden } from '../helpers/engine-cases.ts';
import {
  floats,
  numbersOf,
  relativeError,
  runGraph,
  scalarOf,
  toTensor,
  type Results,
  type TypedValues,
} from '../helpers/engine-run.ts';

type Terms = Extract<LossConfig, { kind: 'sum' }>['terms'];

interface LossCase {
  name: string;
  terms: Terms;
  logits: TypedValues;
  labels: TypedValues;
  loss: number;
  gradient: number[];
  /** Worst relative error of PyTorch's own float32: of the value, and of the gradient. */
  torch32: [number, number];
}

const { cases } = readGolden<{ cases: LossCase[] }>('losses.json');

function lossGraph(terms: Terms, logits: Shape, labels: Shape): Graph {
  const g = newGraph('loss');
  const x = g.input('logits', 'float32', logits);
  const loss = sumOfLosses(g, x, g.input('labels', 'int64', labels), terms);
  const [gradient] = gradients(g, loss, [x]);
  g.output(loss, 'loss');
  g.output(gradient!, 'gradient');
  return optimise(g.graph);
}

const evaluate = ({ terms, logits, labels }: Pick<LossCase, 'terms' | 'logits' | 'labels'>): Promise<Results> =>
  runGraph(lossGraph(terms, logits.shape, labels.shape), { logits: toTensor(logits), labels: toTensor(labels) });

const bar = (torch32: number): number => Math.max(1e-5, 3 * torch32);

describe('value and gradient equal PyTorch’s in float64', () => {
  test.each(cases.map((lossCase) => [lossCase.name, lossCase] as const))('%s', async (_, wanted) => {
    const found = await evaluate(wanted);
    expect(relativeError([scalarOf(found, 'loss')], [wanted.loss])).toBeLessThan(bar(wanted.torch32[0]));
    expect(relativeError(numbersOf(found, 'gradient'), wanted.gradient)).toBeLessThan(bar(wanted.torch32[1]));
  });

  test('the cases are settings that a run can have', () => {
    for (const { terms } of cases) {
      const config = { kind: 'sum', binary: false, terms };
      expect(v.parse(lossConfig, config)).toEqual(config);
    }
  });
});

/** In their settings for two categories. */
const kinds = cases
  .filter(({ name }) => name.endsWith(': one logit'))
  .map(({ name, terms }) => [name.slice(0, name.lastIndexOf(':')), terms] as const);

describe.each(kinds)('%s', (_, terms) => {
  const ignored = tensor('int64', [1, 2, 2], [255, 255, 255, 255]);
  const logits = floats([1, 2, 2, 2], [1, 2, 3, 4, -1, -2, -3, 50]);

  test('is 0, with a gradient of 0, where every label is ignored', async () => {
    const found = await runGraph(lossGraph(terms, logits.shape, ignored.shape), { logits, labels: ignored });
    expect(scalarOf(found, 'loss')).toBeCloseTo(0, 6);
    expect(numbersOf(found, 'gradient').every((value) => value === 0)).toBe(true);
  });

  test('is finite where the network is as sure as can be, right or wrong', async () => {
    const sure = floats([1, 2, 2, 2], [80, -80, 300, -300, -80, 80, -300, 300]);
    for (const values of [
      [0, 1, 0, 1],
      [1, 0, 1, 0],
    ]) {
      const labels = tensor('int64', [1, 2, 2], values);
      const found = await runGraph(lossGraph(terms, sure.shape, labels.shape), { logits: sure, labels });
      expect(Number.isFinite(scalarOf(found, 'loss'))).toBe(true);
      expect(numbersOf(found, 'gradient').every(Number.isFinite)).toBe(true);
    }
  });
});

test('class weights of another number of classes are refused', () => {
  const terms: Terms = [{ weight: 1, loss: { kind: 'cross-entropy', classWeights: [1, 2, 3] } }];
  expect(() => lossGraph(terms, [1, 2, 2, 2], [1, 2, 2])).toThrow(
    'The cross-entropy has weights for 3 classes, but there are 2.',
  );
});
