/** From a sweep's plan to its runs. */
import { describe, expect, test } from 'vitest';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import type { SweepAxis, SweepPlan } from '../../src-main/contract/model/sweep.ts';
import { planTrials } from '../../src-main/services/sweeps/sweep-trials.ts';
import { errorOf } from '../helpers/errors.ts';
import { testConfig } from '../helpers/run-project.ts';

const axis = (label: string, path: string, ...values: (string | number | boolean)[]): SweepAxis => ({
  kind: 'choices',
  label,
  choices: values.map((value) => ({ label: String(value), changes: [{ path, value }] })),
});
const norm = axis('Batch norm', 'model.options.batchNorm', false, true);
const dropout = axis('Dropout', 'model.options.dropout', 0, 0.25, 0.5);
const rate: SweepAxis = {
  kind: 'range',
  label: 'Learning rate',
  path: 'phases.0.learningRate',
  low: 1e-4,
  high: 1e-1,
  scale: 'log',
  integer: false,
};
const plan = (changes: Partial<SweepPlan>): SweepPlan => ({
  version: 1,
  base: testConfig(1 as DatasetId),
  axes: [norm, dropout],
  search: { kind: 'grid' },
  seeds: [0],
  slurm: null,
  priority: 0,
  ...changes,
});
const labels = (of: SweepPlan): string[] =>
  planTrials(of).trials.map(({ trial }) => trial.values.map(({ label }) => label).join(' '));

describe('a grid', () => {
  test('has every combination with every seed, the last axis fastest', () => {
    const { trials, duplicates } = planTrials(plan({ seeds: [1, 2, 2] }));
    expect(duplicates).toBe(0);
    expect(trials).toHaveLength(12);
    expect(trials.map(({ trial }) => [trial.combination, trial.seed]).slice(0, 4)).toEqual([
      [0, 1],
      [0, 2],
      [1, 1],
      [1, 2],
    ]);
    const { trial, config } = trials.at(-1)!;
    expect(trial.values).toEqual([
      { label: 'true', number: null },
      { label: '0.5', number: 0.5 },
    ]);
    expect(config).toEqual({
      ...testConfig(1 as DatasetId),
      model: { id: 'lenet5', options: { batchNorm: true, dropout: 0.5 } },
      seed: 2,
    });
  });

  test('without axes is the plan itself with its seeds', () => {
    expect(planTrials(plan({ axes: [], seeds: [3, 4] })).trials.map(({ config }) => config.seed)).toEqual([3, 4]);
  });

  test('trains nothing twice: a momentum means nothing to Adam', () => {
    const adam = testConfig(1 as DatasetId).phases[0]!.optimiser;
    const sgd = { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 };
    const optimiser: SweepAxis = {
      kind: 'choices',
      label: 'Optimiser',
      choices: [
        { label: 'Adam', changes: [{ path: 'phases.0.optimiser', value: adam }] },
        { label: 'SGD', changes: [{ path: 'phases.0.optimiser', value: sgd }] },
      ],
    };
    // The record is put in before its field, whichever axis comes first.
    const { trials, duplicates } = planTrials(
      plan({ axes: [axis('Momentum', 'phases.0.optimiser.momentum', 0.5, 0.9), optimiser] }),
    );
    expect(duplicates).toBe(1);
    expect(trials.map(({ config }) => config.phases[0]!.optimiser)).toEqual([
      adam,
      { ...sgd, momentum: 0.5 },
      { ...sgd, momentum: 0.9 },
    ]);
  });
});

test('one at a time has the first values, and each other value alone', () => {
  expect(labels(plan({ search: { kind: 'one-at-a-time' } }))).toEqual(['false 0', 'true 0', 'false 0.25', 'false 0.5']);
});

describe('a random search', () => {
  const random = (combinations: number, seed = 7, axes: SweepAxis[] = [norm, rate]): SweepPlan =>
    plan({ axes, search: { kind: 'random', combinations, seed } });

  test('draws so many combinations, the same ones for the same seed', () => {
    expect(labels(random(5))).toHaveLength(5);
    expect(labels(random(5))).toEqual(labels(random(5)));
    expect(labels(random(5))).not.toEqual(labels(random(5, 8)));
  });

  test('draws the logarithm evenly', () => {
    const rates = planTrials(random(300)).trials.map(({ config }) => config.phases[0]!.learningRate);
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1e-1);
    for (const [from, to] of [
      [1e-4, 1e-3],
      [1e-3, 1e-2],
      [1e-2, 1e-1],
    ] as const)
      // prettier-ignore
      expect(rates.filter((value) => value >= from && value < to).length).toBeGreaterThan(70);
  });

  test('of listed values ends where all of them are drawn', () => {
    const drawn = labels(random(50, 1, [norm, dropout]));
    expect(new Set(drawn)).toEqual(new Set(labels(plan({}))));
  });

  test('draws whole numbers where whole numbers are meant', () => {
    const batch: SweepAxis = {
      ...rate,
      label: 'Batch',
      path: 'batchSize',
      low: 2,
      high: 4,
      scale: 'linear',
      integer: true,
    };
    const sizes = planTrials(random(3, 1, [batch])).trials.map(({ config }) => config.batchSize);
    expect(sizes.toSorted()).toEqual([2, 3, 4]);
  });
});

describe('a plan that cannot be', () => {
  test.each([
    ['a range in a grid', { axes: [rate] }, '“Learning rate” is a range, which only a random search can draw from.'],
    ['a wrong value', { axes: [axis('Batch size', 'batchSize', 0, 8)] }, 'The values 0 cannot be: batchSize:'],
    [
      'values without effect',
      { axes: [axis('Momentum', 'phases.0.optimiser.momentum', 0, 0.9)] },
      'every run would be the same',
    ],
    ['too many', { axes: Array.from({ length: 12 }, () => dropout) }, 'These would be 531,441 runs'],
    [
      'a logarithm of 0',
      { axes: [{ ...rate, low: 0 }], search: { kind: 'random', combinations: 2, seed: 1 } },
      'has no logarithm at 0',
    ],
  ] as const)('is refused: %s', (_what, changes, message) => {
    const error = errorOf(() => planTrials(plan(changes as unknown as Partial<SweepPlan>)));
    expect(error.code).toBe('bad-input');
    expect(error.message).toContain(message);
  });
});
