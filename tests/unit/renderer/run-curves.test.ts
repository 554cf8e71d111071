import { describe, expect, it } from 'vitest';
import type { RunId } from '../../../src-main/contract/model/ids.ts';
import type { SeriesName } from '../../../src-main/contract/model/run.ts';
import { distinctRunColours, runColour } from '../../../src-renderer/charts/run-colours.ts';
import {
  chartsOfRuns,
  domainOf,
  formatX,
  learningRateCurves,
  type CurveChoice,
  type CurveSource,
} from '../../../src-renderer/charts/run-curves.ts';

const empty = {
  steps: new Float64Array(0),
  epochs: new Float64Array(0),
  values: new Float64Array(0),
  times: new Float64Array(0),
};

/** Without `times` as runs were recorded that knew none. */
function series(steps: number[], epochs: number[], values: number[], times = steps.map(() => Number.NaN)) {
  return {
    steps: Float64Array.from(steps),
    epochs: Float64Array.from(epochs),
    values: Float64Array.from(values),
    times: Float64Array.from(times),
  };
}

/** Two epochs of 10 steps, 4 steps recorded; 2 minutes in all. */
function source(changes: Partial<CurveSource> = {}, more: Partial<Record<SeriesName, typeof empty>> = {}): CurveSource {
  const recorded: Partial<Record<SeriesName, typeof empty>> = {
    'step/loss': series([5, 10, 15, 20], [0.5, 1, 1.5, 2], [2, 1.5, 1.25, 1]),
    'train/loss': series([10, 20], [1, 2], [1.75, 1.1]),
    'test/loss': series([10, 20], [1, 2], [1.6, 1.2]),
    'test/accuracy': series([10, 20], [1, 2], [0.4, 0.5]),
    'epoch/learningRate': series([10, 20], [1, 2], [0.001, 0.001]),
    ...more,
  };
  return {
    key: '1',
    task: 'classification',
    name: null,
    colour: 'red',
    series: (name) => recorded[name] ?? empty,
    durationMs: 120_000,
    plannedEpochs: 0,
    ...changes,
  };
}

const byEpoch = { xAxis: 'epoch', detail: 'epoch', shown: 'both' } as const;

const curvesOf = (title: string, sources: readonly CurveSource[], choice: CurveChoice) =>
  chartsOfRuns(sources, choice).find((chart) => chart.title === title)!.curves;
const lossCurves = (sources: readonly CurveSource[], choice: CurveChoice) => curvesOf('Loss', sources, choice);

describe('curves of runs', () => {
  it('stand in the charts of their tasks, with what is better', () => {
    const charts = chartsOfRuns([source(), source({ key: '2', task: 'segmentation' })], byEpoch);
    expect(charts.map(({ title, note, unbounded }) => [title, note, unbounded])).toEqual([
      ['Loss', 'lower is better', true],
      ['Accuracy', 'share of images that are right; higher is better', false],
      ['Mean IoU', 'overlap with the truth, mean over classes; higher is better', false],
      ['Accuracy', 'share of pixels that are right; higher is better', false],
      ['Dice', 'mean over classes; higher is better', false],
    ]);
  });

  it('are solid for training, dashed for the evaluation, both in the colour of the run', () => {
    const curves = lossCurves([source({ name: 'twin' })], byEpoch);
    expect(curves.map(({ label, dashed, colour, y }) => [label, dashed, colour, [...y]])).toEqual([
      ['train · twin', false, 'red', [1.75, 1.1]],
      ['test · twin', true, 'red', [1.6, 1.2]],
    ]);
  });

  it('show the loss of each step and smooth nothing else beside it', () => {
    const curves = lossCurves([source()], { ...byEpoch, detail: 'step' });
    expect(curves.map(({ y, smoothable }) => [[...y], smoothable])).toEqual([
      [[2, 1.5, 1.25, 1], true],
      [[1.6, 1.2], false],
    ]);
    expect(curvesOf('Accuracy', [source()], { ...byEpoch, detail: 'step' }).map((curve) => curve.smoothable)).toEqual([
      false,
      false,
    ]);
  });

  it('can be thinned out to the test lines', () => {
    expect(lossCurves([source()], { ...byEpoch, shown: 'test' }).map((curve) => curve.label)).toEqual(['test']);
  });

  it('lie over steps or over minutes at the mean pace', () => {
    expect([...lossCurves([source()], { ...byEpoch, xAxis: 'step' })[1]!.x]).toEqual([10, 20]);
    expect([...lossCurves([source()], { ...byEpoch, xAxis: 'time' })[1]!.x]).toEqual([1, 2]);
  });

  it('lie over the recorded training time where there is one', () => {
    const timed = source({}, { 'test/loss': series([10, 20], [1, 2], [1.6, 1.2], [30_000, 90_000]) });
    expect([...lossCurves([timed], { ...byEpoch, xAxis: 'time' })[1]!.x]).toEqual([0.5, 1.5]);
  });

  it('leave out a learning rate that never changes', () => {
    expect(learningRateCurves([source()], byEpoch)).toEqual([]);
    const decaying = source({}, { 'epoch/learningRate': series([10, 20], [1, 2], [0.001, 0.0009]) });
    expect(learningRateCurves([decaying], byEpoch).map((curve) => [...curve.y])).toEqual([[0.001, 0.0009]]);
  });
});

describe('the axis', () => {
  it('reaches to the planned end while a run trains, or to the next round number while that is far off', () => {
    const end = (plannedEpochs: number, epoch: number) => {
      const recorded = { 'step/loss': series([1, 2], [0.01, epoch], [2, 1]), 'test/loss': empty };
      const running = source({ plannedEpochs }, recorded);
      return domainOf(lossCurves([running], { ...byEpoch, detail: 'step' }), [running], 'epoch').to;
    };
    expect(end(3, 2.2)).toBe(3);
    expect([0.6, 2.2, 120, 400].map((epoch) => end(500, epoch))).toEqual([1, 5, 200, 500]);
  });

  it('begins with the first point, and has a length even for a single one', () => {
    expect(domainOf(lossCurves([source()], byEpoch), [source()], 'epoch')).toEqual({ from: 1, to: 2 });
    const stepwise = lossCurves([source()], { ...byEpoch, detail: 'step' });
    expect(domainOf(stepwise, [source()], 'epoch')).toEqual({ from: 0, to: 2 });
    const point = series([10], [1], [2]);
    const single = source({}, { 'train/loss': point, 'test/loss': point });
    expect(domainOf(lossCurves([single], byEpoch), [single], 'epoch')).toEqual({ from: 0, to: 1 });
  });

  it('is not empty without a value, nor where there is no pace', () => {
    const bare = source({ durationMs: 0, series: () => empty });
    expect(domainOf(lossCurves([bare], { ...byEpoch, xAxis: 'time' }), [bare], 'time')).toEqual({ from: 0, to: 1 });
  });

  it('says whole steps, and two decimals of anything else', () => {
    expect(formatX('step', 15_640.2)).toBe('15,640');
    expect(formatX('epoch', 10.033)).toBe('10.03');
    expect(formatX('epoch', 4)).toBe('4');
  });
});

describe('colours of runs', () => {
  it('are the same for a run everywhere', () => {
    expect(runColour(3 as RunId)).toBe('var(--series-2)');
    expect(distinctRunColours([3, 5] as RunId[]).get(3 as RunId)).toBe('var(--series-2)');
  });

  it('are told apart where two runs would share one', () => {
    const colours = distinctRunColours([1, 17, 2] as RunId[]);
    expect([...colours.values()]).toEqual(['var(--series-0)', 'var(--series-1)', 'var(--series-2)']);
  });
});
