/** From the recorded series of runs to the curves and the axis of their charts. Pure. */
import type { SeriesName, Task } from '../../src-main/contract/model/run.ts';
import { chartsOf, directionOf, hasChart, type MetricChart } from '../../src-main/contract/model/tasks.ts';
import type { SeriesView } from '../state/run-live.svelte.ts';
import { formatCount, formatPlain } from '../ui/format-number.ts';
import type { XAxis } from './chart-view.svelte.ts';
import type { Curve, Range } from './curve.ts';

/** A run as charts need it. */
export interface CurveSource {
  key: string;
  task: Task;
  /** Set where several runs share a chart. */
  name: string | null;
  colour: string;
  series: (name: SeriesName) => SeriesView;
  /** Training time so far. */
  durationMs: number;
  /** Where the epoch axis ends for a run that is not through yet; 0 for one that is. */
  plannedEpochs: number;
}

export interface CurveChoice {
  xAxis: XAxis;
  detail: 'step' | 'epoch';
  shown: 'both' | 'train' | 'test';
}

export const xAxisLabels = { epoch: 'epoch', step: 'step', time: 'minutes' } as const satisfies Record<XAxis, string>;

/**
 * Minutes of training, pauses left out. Where the time was not recorded, it is the step at the run's mean pace
 * (evaluation and saving included), and not a number before the first step.
 */
export function xValues(source: CurveSource, series: SeriesView, axis: XAxis): Float64Array {
  if (axis === 'epoch') return series.epochs;
  if (axis === 'step') return series.steps;
  if (series.times.every(Number.isFinite)) return series.times.map((elapsedMs) => elapsedMs / 60_000);
  const minutesPerStep = source.durationMs / 60_000 / lastStep(source);
  return series.steps.map((step) => step * minutesPerStep);
}

function lastStep(source: CurveSource): number {
  return source.series('step/loss').steps.at(-1) ?? source.series('train/loss').steps.at(-1) ?? Number.NaN;
}

/** A chart of the runs' tasks with its curves. */
export interface DrawnChart {
  title: string;
  note: string;
  /** Whether it may have a logarithmic axis: its values are not shares. */
  unbounded: boolean;
  curves: Curve[];
}

/** Every chart of any of their tasks; each run has curves where its task has that chart. */
export function chartsOfRuns(sources: readonly CurveSource[], choice: CurveChoice): DrawnChart[] {
  return chartsOf(sources.map(({ task }) => task)).map((chart) => ({
    title: chart.title,
    note: [chart.note, `${directionOf(chart)} is better`].filter((part) => part !== null).join('; '),
    unbounded: directionOf(chart) === 'lower',
    curves: pairs(
      sources.filter(({ task }) => hasChart(task, chart)),
      choice,
      chart,
    ),
  }));
}

/** Empty where every rate is the same: such a line says nothing. */
export function learningRateCurves(sources: readonly CurveSource[], choice: CurveChoice): Curve[] {
  const curves = sources.map((source) => curveOf(source, 'epoch/learningRate', choice.xAxis, 'rate', false));
  const rates = new Set(curves.flatMap((curve) => Array.from(curve.y)));
  return rates.size > 1 ? curves : [];
}

type AuxiliaryChart = readonly [series: SeriesName, title: string, note: string];

/** What training asked of the machine, epoch by epoch. */
const machine: readonly AuxiliaryChart[] = [
  ['machine/pace', 'Throughput', 'images/s'],
  ['machine/memory', 'Memory', 'MB of the training process'],
  ['machine/load', 'Processor load', 'share of all processors'],
  ['machine/deviceLoad', 'GPU load', 'share of its time, all programs together'],
  ['machine/deviceMemory', 'GPU memory', 'MB, all programs together'],
];
const norms: readonly AuxiliaryChart[] = [
  ['epoch/gradientNorm', 'Gradient norm', 'of all that is trained, before clipping'],
  ['epoch/weightNorm', 'Weight norm', 'of all weights'],
];
export const auxiliaryCharts = { machine, norms } as const;

/** Only what was measured. */
export function drawnAuxiliary(
  charts: readonly AuxiliaryChart[],
  sources: readonly CurveSource[],
  choice: CurveChoice,
): DrawnChart[] {
  return charts
    .map(([name, title, note]) => ({
      title,
      note,
      unbounded: false,
      curves: sources
        .map((source) => curveOf(source, name, choice.xAxis, 'epoch', false))
        .filter(({ x }) => x.length > 0),
    }))
    .filter(({ curves }) => curves.length > 0);
}

function pairs(
  sources: readonly CurveSource[],
  { xAxis, detail, shown }: CurveChoice,
  { train, test, step }: MetricChart,
): Curve[] {
  // Where steps are shown, which are many and noisy, the few values of whole epochs are left as they are.
  const smoothable = (name: SeriesName) => name === 'step/loss' || detail === 'epoch';
  const line = (source: CurveSource, name: SeriesName | null | undefined, word: 'train' | 'test'): Curve[] => {
    if (name == null || (shown !== 'both' && shown !== word)) return [];
    return [{ ...curveOf(source, name, xAxis, word, word === 'test'), smoothable: smoothable(name) }];
  };
  const trained = detail === 'step' ? (step ?? train) : train;
  return sources.flatMap((source) => [...line(source, trained, 'train'), ...line(source, test, 'test')]);
}

function curveOf(source: CurveSource, name: SeriesName, axis: XAxis, word: string, dashed: boolean): Curve {
  const series = source.series(name);
  return {
    id: `${source.key} ${name}`,
    label: source.name === null ? word : `${word} · ${source.name}`,
    colour: source.colour,
    dashed,
    x: xValues(source, series, axis),
    y: series.values,
    smoothable: false,
  };
}

/**
 * From the first point of any curve to the last one. Where a run still trains, the epoch axis goes on to its planned end,
 * or, while that is far off, to the next round number, so that the beginning can be seen.
 */
export function domainOf(curves: readonly Curve[], sources: readonly CurveSource[], axis: XAxis): Range {
  const starts = curves.map((curve) => curve.x[0] ?? Infinity).filter(Number.isFinite);
  const ends = curves.map((curve) => curve.x.at(-1) ?? 0).filter(Number.isFinite);
  const last = Math.max(0, ...ends);
  const planned = axis === 'epoch' ? Math.max(0, ...sources.map((source) => source.plannedEpochs)) : 0;
  const to = Math.max(last, Math.min(planned, roundUp(last)));
  if (to <= 0) return { from: 0, to: 1 };
  const from = axis === 'time' ? 0 : Math.floor(Math.min(to, ...starts));
  return from < to ? { from, to } : { from: from - 1, to };
}

/** To the next of 1, 2, 5, 10, 20, 50 … */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((step) => step * power).find((candidate) => candidate >= value) ?? value;
}

/** A place on the axis: whole steps, everything else to two decimals. */
export function formatX(axis: XAxis, value: number): string {
  return axis === 'step' ? formatCount(value) : formatPlain(Math.round(value * 100) / 100);
}
