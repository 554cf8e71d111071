import { describe, expect, it } from 'vitest';
import type { RunId } from '../../../src-main/contract/model/ids.ts';
import type { Knob } from '../../../src-main/contract/model/model-spec.ts';
import type { RunProgress, RunSummary } from '../../../src-main/contract/model/run.ts';
import { phaseOfEpoch, progressFraction, progressText } from '../../../src-renderer/features/runs/run-progress-text.ts';
import { sortRuns } from '../../../src-renderer/features/runs/run-sort.ts';
import { knobValueText, matchesSearch, twinKnobs } from '../../../src-renderer/features/train/knob-text.ts';
import {
  formatDifference,
  formatFixed,
  formatPlain,
  formatShare,
  formatTick,
  formatValue,
} from '../../../src-renderer/ui/format-number.ts';
import { sample } from '../../helpers/fake-backend.ts';

const progress: RunProgress = {
  runId: 1 as RunId,
  activity: 'training',
  epoch: 3,
  epochsTotal: 4,
  step: 50,
  stepsPerEpoch: 100,
  imagesPerSecond: 3240.4,
  secondsLeft: 200,
};

describe('progress', () => {
  it('counts finished epochs and the part of the present one', () => {
    expect(progressFraction(progress)).toBe(0.625);
    expect(progressFraction({ ...progress, activity: 'preparing' })).toBe(0.5);
    expect(progressFraction({ ...progress, activity: 'preparing', stepsPerEpoch: 0 })).toBeNull();
  });

  it('is said in one line, without what is not known yet', () => {
    expect(progressText(progress)).toBe('training · epoch 3 of 4, step 50 of 100 · 3,240 images/s, 3 min left');
    expect(progressText({ ...progress, activity: 'evaluating', imagesPerSecond: null, secondsLeft: null })).toBe(
      'measuring the test split · epoch 3 of 4, step 50 of 100',
    );
    expect(progressText({ ...progress, activity: 'preparing' })).toBe(
      'preparing the images · image 50 of 100 · 3,240 images/s, 3 min left',
    );
  });

  it('is in the phase that its epoch belongs to', () => {
    expect([1, 5, 6, 20, 21].map((epoch) => phaseOfEpoch([5, 15], epoch))).toEqual([1, 1, 2, 2, 2]);
  });
});

describe('the order of runs', () => {
  const run = (runId: number, changes: Partial<RunSummary>): RunSummary => ({
    ...sample.run,
    runId: runId as RunId,
    ...changes,
  });
  const runs = [
    run(1, { name: 'run 10', latest: { 'test/accuracy': 0.5 } }),
    run(2, { name: 'run 9', latest: {} }),
    run(3, { name: 'Alpha', latest: { 'test/accuracy': 0.7 } }),
  ];
  const ids = (list: RunSummary[]) => list.map((entry) => entry.runId);

  it('reads numbers in names as numbers', () => {
    expect(ids(sortRuns(runs, { column: 'name', descending: false }))).toEqual([3, 2, 1]);
  });

  it('puts runs without a score last either way', () => {
    expect(ids(sortRuns(runs, { column: 'last', descending: true }))).toEqual([3, 1, 2]);
    expect(ids(sortRuns(runs, { column: 'last', descending: false }))).toEqual([1, 3, 2]);
  });

  it('keeps the newest first where nothing else decides', () => {
    expect(ids(sortRuns(runs, { column: 'dataset', descending: false }))).toEqual([3, 2, 1]);
  });
});

describe('knobs', () => {
  const knob = (
    path: string,
    group: Knob['group'],
    control: Knob['control'],
    defaultValue: Knob['defaultValue'],
  ): Knob => ({
    path,
    label: path,
    explanation: 'Pulls weights towards zero.',
    group,
    control,
    defaultValue,
  });
  const optimiser = knob('optimiser', 'plan', { kind: 'choice', options: [{ value: 'adam', label: 'Adam' }] }, 'adam');
  const softmax = knob('softmax', 'advanced', { kind: 'boolean' }, false);
  const batchNorm = knob('batchNorm', 'model', { kind: 'boolean' }, false);

  it('say their values in words', () => {
    expect([knobValueText(optimiser, 'adam'), knobValueText(softmax, true), knobValueText(optimiser, 1e-8)]).toEqual([
      'Adam',
      'on',
      '1e−8',
    ]);
  });

  it('make twins of every switch, those of the model first', () => {
    expect(twinKnobs([optimiser, softmax, batchNorm])).toEqual([batchNorm, softmax]);
  });

  it('are found by every word of a search, in label or explanation', () => {
    expect(matchesSearch(softmax, 'ZERO softm')).toBe(true);
    expect(matchesSearch(softmax, 'zero beta')).toBe(false);
  });
});

describe('numbers', () => {
  it('have the digits that a score needs', () => {
    expect([0.8031, 1.2, 12.34, 1234.5, 0.0025, 0.00012, -0.5, 0].map(formatValue)).toEqual([
      '0.803',
      '1.200',
      '12.3',
      '1235',
      '0.0025',
      '1.2e−4',
      '−0.500',
      '0.000',
    ]);
    expect(formatValue(Number.NaN)).toBe('not a number');
  });

  it('show their sign as a difference, and none where they round to nothing', () => {
    expect([0.0412, -0.0071, 0.0001, -12.34].map(formatDifference)).toEqual(['+0.041', '−0.007', '±0.000', '−12.3']);
  });

  it('are short as settings', () => {
    expect([0.001, 64, 1e-8, 0.30000000000000004, 2.5e7].map(formatPlain)).toEqual([
      '0.001',
      '64',
      '1e−8',
      '0.3',
      '2.5e7',
    ]);
  });

  it('have as many decimals as the ticks around them', () => {
    expect([formatTick(1.75, 0.25), formatTick(2, 0.5), formatTick(20, 5), formatTick(0.0005, 0.0005)]).toEqual([
      '1.75',
      '2.0',
      '20',
      '0.0005',
    ]);
  });

  it('have no minus before a zero', () => {
    expect([formatFixed(-0.004, 2), formatFixed(-0.031, 2)]).toEqual(['0.00', '−0.03']);
  });

  it('are shares with a decimal only where it matters', () => {
    expect([0.134, 0.004, 0.0004, 0, 1].map(formatShare)).toEqual(['13 %', '0.4 %', '<0.1 %', '0 %', '100 %']);
  });
});
