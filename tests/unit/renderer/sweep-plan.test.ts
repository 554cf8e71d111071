/** A sweep while it is planned and when it is read: axes from text, levers, places on parallel axes, gaps. */
import { describe, expect, it } from 'vitest';
import type { RunId } from '../../../src-main/contract/model/ids.ts';
import type { Knob } from '../../../src-main/contract/model/model-spec.ts';
import type { RunConfig, Series } from '../../../src-main/contract/model/run.ts';
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { placeAxis } from '../../../src-renderer/charts/parallel-axes.ts';
import { axisOf, leversOf } from '../../../src-renderer/features/lab/levers.ts';
import { planAxes } from '../../../src-renderer/features/sweeps/plan-axes.ts';
import { valueAt, withValueAt } from '../../../src-renderer/state/config-path.ts';
import { axisOfKnob, readAxis, readSeeds, type DraftAxis } from '../../../src-renderer/state/sweep-axes.ts';
import { gapMetrics, gapOf, meanOf, SweepGap } from '../../../src-renderer/state/sweep-gap.svelte.ts';
import { sample } from '../../helpers/fake-backend.ts';

const config: RunConfig = {
  ...sample.config,
  model: { id: 'lenet5', options: { batchNorm: false, dropout: 0, kernel: 5 } },
};
const plan = {
  config,
  value: (path: string) => valueAt(config, path),
  withKnob: (path: string, value: Parameters<typeof withValueAt>[2]) => withValueAt(config, path, value),
};
const text = { label: 'Knob', explanation: '', group: 'plan' as const };
const rate: Knob = {
  ...text,
  path: 'phases.0.learningRate',
  control: { kind: 'number', min: 1e-8, max: 100 },
  defaultValue: 0.001,
};
const numbers = (typed: string, knob: Knob = rate, log = true): DraftAxis => ({
  kind: 'numbers',
  id: knob.path,
  label: 'Rate',
  knob,
  text: typed,
  log,
});

describe('an axis', () => {
  it('of a switch has both of its sides', () => {
    const knob: Knob = { ...text, path: 'model.options.batchNorm', control: { kind: 'boolean' }, defaultValue: false };
    expect(readAxis(axisOfKnob(plan, knob, 'Batch norm')!, 'grid').axis).toEqual({
      kind: 'choices',
      label: 'Batch norm',
      choices: [
        { label: 'off', changes: [{ path: 'model.options.batchNorm', value: false }] },
        { label: 'on', changes: [{ path: 'model.options.batchNorm', value: true }] },
      ],
    });
  });

  it('of a kind brings all that belongs to it', () => {
    const options = [
      { value: 'adam', label: 'Adam' },
      { value: 'sgd', label: 'SGD' },
    ];
    const knob: Knob = {
      ...text,
      path: 'phases.0.optimiser.kind',
      control: { kind: 'choice', options },
      defaultValue: 'adam',
    };
    const draft = axisOfKnob(plan, knob, 'Optimiser')!;
    expect(draft).toMatchObject({ chosen: ['adam'] });
    expect(draft.kind === 'options' && draft.options[1]!.changes).toEqual([
      { path: 'phases.0.optimiser', value: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 } },
    ]);
  });

  it('is read from what a person writes', () => {
    expect(readAxis(numbers('0.1, 0.01 1e-3'), 'grid').axis).toMatchObject({
      choices: [{ label: '0.1' }, { label: '0.01' }, { label: '1e-3', changes: [{ path: rate.path, value: 0.001 }] }],
    });
    expect(readAxis(numbers('0.0001 .. 0.1'), 'random').axis).toEqual({
      kind: 'range',
      label: 'Rate',
      path: rate.path,
      low: 0.0001,
      high: 0.1,
      scale: 'log',
      integer: false,
    });
  });

  it.each([
    ['', 'grid', 'Rate: write the values to try, such as 0.1, 0.01.'],
    ['a', 'grid', 'Rate: “a” is no number.'],
    ['1000', 'grid', 'Rate: 1000 is not between 1e-8 and 100.'],
    ['0.1 .. 0.2', 'grid', 'Rate: a range needs a search by chance; list the values instead.'],
    ['0.2 .. 0.1', 'random', 'Rate: write a range as 0.0001 .. 0.1.'],
    ['off', 'grid', 'Rate: “off” is no number.'],
  ] as const)('of “%s” is none yet', (typed, search, problem) => {
    expect(readAxis(numbers(typed), search)).toEqual({ axis: null, problem });
  });

  it('can switch off what can be off', () => {
    const clip: Knob = {
      ...rate,
      path: 'phases.0.clipNorm',
      control: { kind: 'optional-number', min: 0.1, max: 9, whenOn: 1 },
    };
    expect(readAxis(numbers('off, 1', clip), 'grid').axis).toMatchObject({
      choices: [{ changes: [{ path: clip.path, value: null }] }, { changes: [{ path: clip.path, value: 1 }] }],
    });
  });

  it('has whole numbers where only they mean anything, whether it can be off or not', () => {
    const control = { kind: 'optional-number', min: 1, max: 99, whenOn: 20, integer: true } as const;
    const patience: Knob = { ...rate, path: 'patience', control };
    expect(readAxis(numbers('off, 2.5', patience), 'grid').problem).toBe('Rate: 2.5 is no whole number.');
    expect(readAxis(numbers('off, 2', patience), 'grid').problem).toBeNull();
  });

  it('is made of weights and frozen layers where the plan has them', () => {
    expect(planAxes(config)).toEqual([]);
    const weights = { source: 'catalogue' as const, id: 'torchvision-resnet18' };
    const phases = [{ ...config.phases[0]!, freeze: ['conv1'] }];
    expect(planAxes({ ...config, weights, phases }).map(({ label }) => label)).toEqual(['Starts from', 'Freezing']);
  });
});

it('seeds are listed or counted', () => {
  expect(readSeeds('1, 2 7')).toEqual([1, 2, 7]);
  expect(readSeeds('3-5')).toEqual([3, 4, 5]);
  for (const wrong of ['', 'a', '1.5', '5-3', '1-500', '4294967296']) expect(readSeeds(wrong), wrong).toBeNull();
});

describe('levers', () => {
  const levers = leversOf({ ...plan, modules: ['conv1', 'fc1', 'fc3'] });
  const lever = (id: string) => levers.find((each) => each.id === id)!;

  it('are those of the network, with what the plan has and what they make of it', () => {
    expect(levers.map(({ label }) => label)).toEqual([
      'Kernel size',
      'L2 (weight decay)',
      'Dropout',
      'Batch norm',
      'Augmentation',
      'Freezing',
      'Pretrained',
    ]);
    expect(lever('model.options.kernel')).toMatchObject({ from: '5', to: '3' });
    expect(lever('augmentation').changes).toContainEqual({ path: 'augmentation.flipHorizontal', value: 0.5 });
  });

  it('that need weights say so', () => {
    expect(lever('pretrained').blockedBecause).toContain('Needs weights to start from');
    expect(lever('freezing').blockedBecause).toContain('Needs weights to start from');
    const weights = { source: 'catalogue' as const, id: 'torchvision-resnet18' };
    const started = leversOf({ ...plan, config: { ...config, weights }, modules: ['conv1', 'fc1', 'fc3'] });
    expect(started.find(({ id }) => id === 'freezing')).toMatchObject({
      blockedBecause: null,
      changes: [{ path: 'phases.0.freeze', value: ['conv1', 'fc1'] }],
    });
  });

  it('are axes whose first value is the plan itself', () => {
    expect(axisOf(lever('batchNorm'))).toMatchObject({ options: [{ changes: [] }, {}], chosen: ['plan', 'moved'] });
  });
});

describe('a parallel axis', () => {
  const value = (number: number) => ({ label: String(number), number });
  it('spreads words, the first one on top', () => {
    const values = [{ label: 'on', number: null }, { label: 'off', number: null }, null];
    expect(placeAxis({ label: 'Norm', values, order: ['off', 'on'] }).places).toEqual([0, 1, null]);
  });
  it('puts numbers on a scale, wide ones by their logarithms', () => {
    expect(placeAxis({ label: 'Dropout', values: [value(0), value(0.5), value(0.25)] }).places).toEqual([0, 1, 0.5]);
    const rates = placeAxis({ label: 'Rate', values: [value(0.001), value(0.1), value(0.01)] });
    expect(rates.logarithmic).toBe(true);
    expect(rates.places[2]).toBeCloseTo(0.5);
  });
  it('has the better end on top', () => {
    expect(
      placeAxis({ label: 'Loss', values: [value(1), value(3)], lowerIsBetter: true, measured: true }).places,
    ).toEqual([1, 0]);
  });
});

describe('the gap', () => {
  const series = (name: Series['series'], values: number[]): Series => ({
    series: name,
    steps: Float64Array.from(values.keys()),
    epochs: Float64Array.from(values, (_, at) => at + 1),
    values: Float64Array.from(values),
    times: Float64Array.from(values),
  });

  it('is how much better a run is on what it has learned, whichever way is better', () => {
    const accuracy = gapOf(series('train/accuracy', [0.5, 0.9]), series('test/accuracy', [0.5, 0.6]));
    expect(accuracy.values[1]).toBeCloseTo(0.3);
    expect(gapOf(series('train/loss', [1]), series('test/loss', [3])).values).toEqual([2]);
  });
  it('has a mean over those that have come so far', () => {
    const mean = meanOf([
      { epochs: [1, 2], values: [0.2, 0.4] },
      { epochs: [1], values: [0.4] },
    ]);
    expect(Array.from(mean.epochs)).toEqual([1, 2]);
    expect(mean.values[0]).toBeCloseTo(0.3);
    expect(mean.values[1]).toBeCloseTo(0.4);
  });
  it('is as after the latest epoch, whichever answer comes last', async () => {
    const answers: ((values: number[]) => void)[] = [];
    const call = (): Promise<Series[]> =>
      new Promise((resolve) =>
        answers.push((values) => resolve([series('train/accuracy', values), series('test/accuracy', values)])),
      );
    const sweep = { ...sample.sweep, runs: sample.sweep.runs.slice(0, 1) };
    const runId: RunId = sweep.runs[0]!.runId;
    const gap = new SweepGap({ call } as unknown as Api, sample.project.projectId, sweep);
    const early = gap.update(new Map([[runId, 1]]));
    const late = gap.update(new Map([[runId, 2]]));
    answers[1]!([0.5, 0.6]);
    await late;
    answers[0]!([0.5]);
    await early;
    expect(gap.curves.map(({ epochs }) => Array.from(epochs))).toEqual([[1, 2]]);
  });
  it('is of the task’s main measure where that has two sides, else of the loss', () => {
    expect(gapMetrics('classification').train).toBe('train/accuracy');
    expect(gapMetrics('segmentation').train).toBe('train/meanIou');
    expect(gapMetrics('detection').train).toBe('train/loss');
  });
});
