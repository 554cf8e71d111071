import { describe, expect, it } from 'vitest';
import type { SeriesName } from '../../../src-main/contract/model/run.ts';
import type { CurveSource } from '../../../src-renderer/charts/run-curves.ts';
import { runMarks, type MarkedRun } from '../../../src-renderer/charts/run-marks.ts';

const series = (steps: number[], epochs: number[], values: number[]) => ({
  steps: Float64Array.from(steps),
  epochs: Float64Array.from(epochs),
  values: Float64Array.from(values),
  times: Float64Array.from(steps, () => Number.NaN),
});

/** Epochs of 10 steps, half a minute each; every fifth step is recorded. */
function source(rates: number[] = [0.1, 0.1, 0.01, 0.01]): CurveSource {
  const epochs = [1, 2, 3, 4];
  const steps = epochs.map((epoch) => epoch * 10);
  const recorded: Partial<Record<SeriesName, ReturnType<typeof series>>> = {
    'step/loss': series([5, 10, 15, 20, 25, 30, 35, 40], [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4], new Array(8).fill(1)),
    'train/loss': series(steps, epochs, [4, 3, 2, 1]),
    'test/accuracy': series(steps, epochs, [0.1, 0.3, 0.2, 0.2]),
    'epoch/learningRate': series(steps, epochs, rates),
  };
  return {
    key: '1',
    task: 'classification',
    name: null,
    colour: 'red',
    series: (name) => recorded[name] ?? series([], [], []),
    durationMs: 120_000,
    plannedEpochs: 0,
  };
}

const nothing: MarkedRun = { bestEpoch: null, resumedEpochs: [], interventions: [], phases: [] };
const constant = [0.1, 0.1, 0.1, 0.1];

describe('marks of a run', () => {
  it('name the best epoch, on every axis, once it is there', () => {
    const run = { ...nothing, bestEpoch: 2 };
    expect(runMarks(source(constant), run, 'epoch')).toEqual([{ x: 2, label: 'best' }]);
    expect(runMarks(source(constant), run, 'step')).toEqual([{ x: 20, label: 'best' }]);
    expect(runMarks(source(constant), run, 'time')).toEqual([{ x: 1, label: 'best' }]);
    expect(runMarks(source(constant), { ...nothing, bestEpoch: 9 }, 'epoch')).toEqual([]);
  });

  it('lie where each phase after the first began, and say where layers were unfrozen', () => {
    const phases = [
      { epochs: 1, freeze: ['conv1'] },
      { epochs: 2, freeze: [] },
      { epochs: 9, freeze: [] },
    ];
    expect(runMarks(source(constant), { ...nothing, phases }, 'step')).toEqual([
      { x: 10, label: 'phase 2, unfrozen' },
      { x: 30, label: 'phase 3' },
    ]);
  });

  it('lie where the schedule lets the rate drop, but not twice where a phase or a person did it', () => {
    expect(runMarks(source(), nothing, 'epoch')).toEqual([{ x: 2, label: 'rate × 0.1' }]);
    expect(runMarks(source(), nothing, 'step')).toEqual([{ x: 20, label: 'rate × 0.1' }]);
    const phases = [
      { epochs: 2, freeze: [] },
      { epochs: 2, freeze: [] },
    ];
    expect(runMarks(source(), { ...nothing, phases }, 'epoch')).toEqual([{ x: 2, label: 'phase 2' }]);
    const change = { kind: 'learning-rate', factor: 0.1 } as const;
    const byPerson = { ...nothing, interventions: [{ step: 17, epoch: 1.7, change }] };
    expect(runMarks(source(), byPerson, 'epoch')).toEqual([{ x: 1.7, label: 'rate × 0.1' }]);
    expect(runMarks(source(), byPerson, 'step')).toEqual([{ x: 17, label: 'rate × 0.1' }]);
  });

  it('call a rate that falls in every epoch a slope', () => {
    expect(runMarks(source([0.1, 0.09, 0.08, 0.07]), nothing, 'epoch')).toEqual([]);
    expect(runMarks(source([0.1, 0.075, 0.05, 0.025]), nothing, 'epoch')).toEqual([]);
  });

  it('say what a person changed', () => {
    const interventions = [
      { step: 12, epoch: 1.2, change: { kind: 'epochs', added: 5 } as const },
      { step: 33, epoch: 3.3, change: { kind: 'finish' } as const },
    ];
    expect(runMarks(source(constant), { ...nothing, interventions }, 'time')).toEqual([
      { x: 0.75, label: '+5 ep.' },
      { x: 1.75, label: 'stopped' },
    ]);
  });

  it('lie where the run went on, at its first point after that', () => {
    const run = { ...nothing, resumedEpochs: [0.75] };
    expect(runMarks(source(constant), run, 'epoch')).toEqual([{ x: 0.75, label: 'resumed' }]);
    expect(runMarks(source(constant), run, 'step')).toEqual([{ x: 10, label: 'resumed' }]);
    expect(runMarks(source(constant), { ...nothing, resumedEpochs: [9] }, 'step')).toEqual([]);
  });
});
