import { describe, expect, it } from 'vitest';
import type { DatasetId, RunId } from '../../../src-main/contract/model/ids.ts';
import {
  metricDefinitions,
  taskMetrics,
  type MetricName,
  type RunComparison,
  type RunSummary,
  type Task,
} from '../../../src-main/contract/model/run.ts';
import { groupedRows, metricRows } from '../../../src-renderer/features/compare/metric-rows.ts';
import {
  caveatText,
  leadText,
  noVerdictText,
  scoreText,
  supportText,
  winText,
} from '../../../src-renderer/features/compare/verdict-words.ts';
import { verdictOf, type Verdict } from '../../../src-renderer/state/compare-verdict.ts';
import { sample } from '../../helpers/fake-backend.ts';

interface Compared {
  accuracy: number | null;
  batchNorm: 'on' | 'off';
  seed?: number;
  summary?: Partial<RunSummary>;
}

function compare(runs: Compared[]): RunComparison {
  const rows = [
    { path: 'model.options.batchNorm', label: 'Batch norm', values: runs.map((run) => run.batchNorm as string) },
    { path: 'seed', label: 'Seed', values: runs.map((run) => String(run.seed ?? 0)) },
  ];
  return {
    runs: runs.map((run, index) => ({ ...sample.run, runId: (index + 1) as RunId, ...run.summary })),
    metrics: [
      {
        metric: 'test/accuracy',
        label: 'Test accuracy',
        better: 'higher',
        final: runs.map((run) => run.accuracy),
        best: runs.map((run) => (run.accuracy === null ? null : { value: run.accuracy + 0.01, epoch: 2 })),
      },
    ],
    configuration: rows.filter((row) => new Set(row.values).size > 1),
  };
}

/** Runs of these tasks, each of which has measured all that its task reports; the later the better. */
function ofTasks(tasks: Task[], configuration: RunComparison['configuration'] = []): RunComparison {
  const names = Object.keys(metricDefinitions) as MetricName[];
  return {
    runs: tasks.map((task, index) => ({ ...sample.run, runId: (index + 1) as RunId, task })),
    metrics: names.map((metric) => ({
      metric,
      ...metricDefinitions[metric],
      final: tasks.map((task, index) =>
        (taskMetrics[task] as readonly MetricName[]).includes(metric) ? 0.5 + index / 10 : null,
      ),
      best: tasks.map(() => null),
    })),
    configuration: [{ path: 'task', label: 'Task', values: tasks }, ...configuration],
  };
}

function judged(comparison: RunComparison): Verdict {
  const verdict = verdictOf(comparison);
  if (typeof verdict === 'string') throw new Error(verdict);
  return verdict;
}

describe('the verdict', () => {
  it('names winner and lead, and warns that single seeds cannot support it', () => {
    const verdict = judged(
      compare([
        { accuracy: 0.614, batchNorm: 'off' },
        { accuracy: 0.646, batchNorm: 'on' },
      ]),
    );
    expect(verdict.variants.map((variant) => variant.members)).toEqual([[1], [0]]);
    expect(winText(verdict, verdict.variants[0]!)).toBe('wins on test accuracy');
    expect(scoreText(verdict.variants[0]!)).toBe('0.646');
    expect(leadText(verdict)).toBe('0.032 higher');
    expect(verdict.support).toBe('single-seeds');
    expect(supportText(verdict)).toMatch(/^Each setting was run with one seed only/);
  });

  it('takes runs that differ in the seed alone as repeats', () => {
    const verdict = judged(
      compare([
        { accuracy: 0.61, batchNorm: 'off', seed: 0 },
        { accuracy: 0.65, batchNorm: 'on', seed: 0 },
        { accuracy: 0.63, batchNorm: 'off', seed: 1 },
        { accuracy: 0.64, batchNorm: 'on', seed: 1 },
      ]),
    );
    expect(verdict.variants.map((variant) => variant.members)).toEqual([
      [1, 3],
      [0, 2],
    ]);
    expect(winText(verdict, verdict.variants[0]!)).toBe('win on test accuracy');
    expect(scoreText(verdict.variants[1]!)).toBe('0.620 ± 0.014 (2 seeds)');
    expect(verdict.difference).toBeCloseTo(0.025, 10);
    expect(verdict.support).toBe('separated');
  });

  it('says so where repeats overlap, and where only one side has repeats', () => {
    const overlapping = [
      { accuracy: 0.61, batchNorm: 'off', seed: 0 },
      { accuracy: 0.65, batchNorm: 'on', seed: 0 },
      { accuracy: 0.63, batchNorm: 'off', seed: 1 },
      { accuracy: 0.62, batchNorm: 'on', seed: 1 },
    ] as const;
    expect(judged(compare([...overlapping])).support).toBe('overlapping');
    const uneven = judged(compare(overlapping.slice(0, 3)));
    expect(uneven.support).toBe('single-seeds');
    expect(supportText(uneven)).toMatch(/^One of the two settings/);
  });

  it('has no winner among seeds of one setting', () => {
    const verdict = judged(
      compare([
        { accuracy: 0.61, batchNorm: 'on', seed: 0 },
        { accuracy: 0.63, batchNorm: 'on', seed: 1 },
      ]),
    );
    expect([verdict.variants.length, verdict.difference, verdict.support]).toEqual([1, null, null]);
    expect(supportText(verdict)).toMatch(/nothing but the seed/);
  });

  it('calls runs level that differ in no shown digit', () => {
    const verdict = judged(
      compare([
        { accuracy: 0.6401, batchNorm: 'off' },
        { accuracy: 0.6403, batchNorm: 'on' },
      ]),
    );
    expect(verdict.tied).toBe(true);
    expect(supportText(verdict)).toMatch(/^Neither is better/);
  });

  it('waits until every run has a value', () => {
    const comparison = compare([
      { accuracy: 0.61, batchNorm: 'on' },
      { accuracy: null, batchNorm: 'off' },
    ]);
    expect(verdictOf(comparison)).toBe('not-measured');
    expect(noVerdictText('not-measured', comparison)).toContain('not every run has finished');
  });

  it.each<[Task[], string]>([
    [['detection', 'detection'], 'Test mAP50-95'],
    [['instance-segmentation', 'instance-segmentation'], 'Test mask mAP50-95'],
    [['instance-segmentation', 'detection'], 'Test mAP50-95'],
    [['pose', 'instance-segmentation'], 'Test mAP50-95'],
  ])('of %s is by a score that all report', (tasks, label) => {
    expect(judged(ofTasks(tasks)).label).toBe(label);
  });

  it.each<[Task[]]>([
    [['classification', 'segmentation']],
    [['classification', 'detection']],
    [['detection', 'segmentation', 'pose']],
  ])('of %s names nobody, least of all by the loss', (tasks) => {
    const comparison = ofTasks(tasks);
    expect(verdictOf(comparison)).toBe('nothing-shared');
    expect(noVerdictText('nothing-shared', comparison)).toMatch(
      /^None of these runs is better: .* and \w+ have no score/,
    );
  });

  it('warns of different data, of runs still training and of runs that ended early', () => {
    const verdict = judged(
      compare([
        { accuracy: 0.6, batchNorm: 'on', summary: { datasetId: 2 as DatasetId, epochsDone: 1, status: 'running' } },
        { accuracy: 0.5, batchNorm: 'off', summary: { epochsDone: 2, status: 'cancelled' } },
      ]),
    );
    expect(verdict.differentData).toBe(true);
    expect(verdict.caveats).toEqual([
      { kind: 'still-running', run: 0 },
      { kind: 'ended-early', run: 1 },
    ]);
    expect(caveatText('ended-early', { ...sample.run, epochsDone: 2 })).toBe('ended early, after 2 of 3 epochs.');
  });
});

describe('the metrics table', () => {
  it('measures against the first run, marks better and worse by the direction of the metric, and the single winner', () => {
    const rows = metricRows({
      ...ofTasks(['detection', 'detection', 'detection']),
      metrics: [
        {
          metric: 'test/loss',
          label: 'Test loss',
          better: 'lower',
          final: [1.25, 1.5, 1],
          best: [{ value: 1.25, epoch: 3 }, { value: 1.25, epoch: 2 }, null],
        },
      ],
    });
    expect(rows.map((row) => row.kind)).toEqual(['final', 'best']);
    expect(rows[0]!.cells).toEqual([
      { value: 1.25, deviation: null, epoch: null, difference: null, tone: 'same', wins: false },
      { value: 1.5, deviation: null, epoch: null, difference: 0.25, tone: 'bad', wins: false },
      { value: 1, deviation: null, epoch: null, difference: -0.25, tone: 'good', wins: true },
    ]);
    expect(rows[1]!.cells.map(({ wins, epoch, tone }) => [wins, epoch, tone])).toEqual([
      [false, 3, 'same'],
      [false, 2, 'same'],
      [false, null, 'same'],
    ]);
  });

  it('leaves out metrics that no run has', () => {
    const comparison = ofTasks(['detection', 'detection']);
    const [metric] = comparison.metrics;
    const empty = { ...metric!, final: [null, null], best: [null, null] };
    expect(metricRows({ ...comparison, metrics: [empty] })).toEqual([]);
  });

  const judgedRows = (comparison: RunComparison): string[] =>
    metricRows(comparison).flatMap(({ id, kind, comparable, cells }) => {
      const isJudged = cells.some(({ wins, difference }) => wins || difference !== null);
      expect(isJudged, id).toBe(comparable && kind === 'final');
      return isJudged ? [id.split(' ')[0]!] : [];
    });

  it('lists what means something else in each run without comparing it', () => {
    expect(judgedRows(ofTasks(['classification', 'segmentation']))).toEqual([]);
    expect(judgedRows(ofTasks(['detection', 'pose']))).toEqual([
      'test/precision',
      'test/recall',
      'test/ap50',
      'test/ap75',
      'test/ap',
      'test/ar',
    ]);
    const loss = { path: 'loss.kind', label: 'Loss', values: ['Dice', 'Focal'] };
    const segmenters: Task[] = ['segmentation', 'segmentation'];
    const scores = ['train/meanIou', 'test/accuracy', 'test/meanIou', 'test/dice'];
    expect(judgedRows(ofTasks(segmenters)).toSorted()).toEqual([...scores, 'train/loss', 'test/loss'].toSorted());
    expect(judgedRows(ofTasks(segmenters, [loss])).toSorted()).toEqual(scores.toSorted());
  });
});

describe('metrics over seeds', () => {
  it('are means with their spread, compared with the first group', () => {
    const comparison = compare([
      { accuracy: 0.6, batchNorm: 'off' },
      { accuracy: 0.7, batchNorm: 'on' },
      { accuracy: 0.62, batchNorm: 'off', seed: 1 },
    ]);
    const [final] = groupedRows(comparison, [[0, 2], [1]]);
    expect(final!.cells.map(({ value, deviation }) => [value?.toFixed(3), deviation?.toFixed(3) ?? null])).toEqual([
      ['0.610', '0.014'],
      ['0.700', null],
    ]);
    expect(final!.cells.map(({ wins }) => wins)).toEqual([false, true]);
    expect(final!.cells[1]!.difference).toBeCloseTo(0.09, 10);
  });

  it('leave out runs that have no value yet', () => {
    const comparison = compare([
      { accuracy: null, batchNorm: 'off' },
      { accuracy: 0.7, batchNorm: 'on' },
    ]);
    const [final] = groupedRows(comparison, [[0], [1]]);
    expect(final!.cells.map(({ value }) => value)).toEqual([null, 0.7]);
  });
});
