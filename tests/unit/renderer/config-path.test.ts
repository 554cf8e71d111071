import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { runConfig } from '../../../src-main/contract/model/run.ts';
import { valueAt, withValueAt } from '../../../src-renderer/state/config-path.ts';
import { sample } from '../../helpers/fake-backend.ts';

const { config } = sample;

describe('valueAt', () => {
  it('reads through objects and lists', () => {
    expect(valueAt(config, 'phases.0.learningRate')).toBe(0.001);
    expect(valueAt(config, 'model.options.batchNorm')).toBe(false);
  });

  it('has nothing where the configuration has no such place, or a list', () => {
    expect(valueAt(config, 'phases.0.optimiser.momentum')).toBeUndefined();
    expect(valueAt(config, 'phases.3.epochs')).toBeUndefined();
    expect(valueAt(config, 'phases')).toBeUndefined();
  });
});

describe('withValueAt', () => {
  it('copies what is on the way and leaves the original alone', () => {
    const changed = withValueAt(config, 'phases.0.epochs', 9);
    expect(changed.phases[0]!.epochs).toBe(9);
    expect(config.phases[0]!.epochs).toBe(3);
    expect(changed.model).toBe(config.model);
  });

  it('brings the fields of a new variant along: kept ones, then known defaults, then usual values', () => {
    const decayed = withValueAt(config, 'phases.0.optimiser.weightDecay', 0.01);
    const sgd = withValueAt(decayed, 'phases.0.optimiser.kind', 'sgd', (path) =>
      path === 'phases.0.optimiser.momentum' ? 0.5 : undefined,
    );
    expect(sgd.phases[0]!.optimiser).toEqual({ kind: 'sgd', momentum: 0.5, nesterov: false, weightDecay: 0.01 });
    expect(v.safeParse(runConfig, sgd).success).toBe(true);
    const adam = withValueAt(sgd, 'phases.0.optimiser.kind', 'adam');
    expect(adam.phases[0]!.optimiser).toEqual({
      kind: 'adam',
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
    });
  });

  it('gives every variant of optimiser and schedule a configuration that the contract accepts', () => {
    for (const [path, kinds] of [
      ['phases.0.optimiser.kind', ['sgd', 'adam', 'adamw', 'rmsprop']],
      ['phases.0.schedule.kind', ['constant', 'step', 'exponential', 'cosine', 'linear', 'one-cycle']],
    ] as const) {
      for (const kind of kinds) expect(v.safeParse(runConfig, withValueAt(config, path, kind)).issues).toBeUndefined();
    }
  });
});
