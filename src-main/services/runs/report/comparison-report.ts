/**
 * A run or a comparison as one document that can be kept and sent: who is ahead, metrics with their spread over seeds,
 * the settings or what differs in them, the curves, example images. Laid out as HTML or Markdown by its two writers; both
 * need no network. Pure.
 */
import { repeatsOf, spreadOf, type Spread } from '../../../contract/model/run-groups.ts';
import { commonMeasure, isComparable, tasksText } from '../../../contract/model/comparable.ts';
import { chartsOf, directionOf, taskDefinitions } from '../../../contract/model/tasks.ts';
import type { RunComparison, Series, SeriesName, Task } from '../../../contract/model/run.ts';
import { curvesSvg, type ReportCurve } from '../../../contract/curves-svg.ts';
import type { ExampleBoxes } from './example-boxes.ts';
import { palette } from './palette.ts';

export interface ReportTable {
  title: string;
  /** Below the table. */
  note: string | null;
  head: readonly string[];
  /** The first cell names the row. A cell that wins is marked. */
  rows: readonly (readonly ReportCell[])[];
}
export interface ReportCell {
  text: string;
  wins: boolean;
}

export interface ComparisonReport {
  title: string;
  /** One sentence each. */
  lead: readonly string[];
  tables: readonly ReportTable[];
  /** With the words for whoever cannot see them. */
  pictures: readonly { title: string; svg: string }[];
  examples: { title: string; images: readonly ReportExample[] };
  /** Where it comes from. */
  footer: string;
}

export interface ReportExample {
  title: string;
  /** A data address. */
  source: string;
  /** One for each run, in their order; in the finished report with the run's name. */
  words: readonly string[];
  /** What is true of it and what each run says, drawn over it; null where runs say no objects. */
  boxes: ExampleBoxes | null;
}

export interface ReportSource {
  /** Of one run or several. */
  comparison: RunComparison;
  /** All of the run, where there is one only. */
  settings: readonly { label: string; value: string }[];
  examples: readonly ReportExample[];
  /** Of each run, in the comparison's order. */
  series: readonly (readonly Series[])[];
  /** SHA-256 of each run's configuration. */
  hashes: readonly string[];
  version: string;
  /** ISO 8601. */
  madeAt: string;
}

const hashDigits = 12;
const absent = '–';

export function comparisonReport(source: ReportSource): ComparisonReport {
  const { comparison, version, madeAt } = source;
  return {
    title: isAlone(comparison) ? `Run ${comparison.runs[0]!.name}` : `Comparison of ${comparison.runs.length} runs`,
    lead: leadOf(comparison),
    tables: [metricsTable(comparison), settingsTable(source), runsTable(source)],
    pictures: picturesOf(source),
    examples: examplesOf(source),
    footer: `Made by Fovea ${version} on ${madeAt.slice(0, 16).replace('T', ' ')} UTC.`,
  };
}

const isAlone = ({ runs }: RunComparison): boolean => runs.length === 1;

function examplesOf({ comparison, examples }: ReportSource): ComparisonReport['examples'] {
  const named = examples.map((example) => ({
    ...example,
    words: example.words.map((words, run) => (isAlone(comparison) ? words : `${comparison.runs[run]!.name}: ${words}`)),
  }));
  const title = isAlone(comparison) ? 'Images that it does worst and best' : 'Images that the runs do most differently';
  return { title, images: named };
}

/** "a, b" for the runs of one group. */
function groupName({ runs }: RunComparison, members: readonly number[]): string {
  return members.map((index) => runs[index]!.name).join(', ');
}

function leadOf(comparison: RunComparison): string[] {
  const metric = commonMeasure(comparison);
  const groups = repeatsOf(comparison);
  if (metric === 'not-measured') return ['Not every run has a value of the same metric yet.'];
  if (metric === 'nothing-shared') return [`There is no winner: ${tasksText(comparison)} have no score in common.`];
  const sign = metric.better === 'higher' ? -1 : 1;
  const ranked = groups
    .map((members) => ({ members, ...spreadOf(members.map((index) => metric.final[index]!)) }))
    .toSorted((a, b) => sign * (a.mean - b.mean));
  const [first, second] = ranked;
  if (isAlone(comparison)) return [`${metric.label} after the last epoch: ${spreadText(first!, 1)}.`];
  if (first === undefined || second === undefined) {
    return [`The runs differ in nothing but the seed. ${metric.label}: ${spreadText(first!, first!.members.length)}.`];
  }
  const ahead = `${metric.label} after the last epoch: ${groupName(comparison, first.members)} with ${spreadText(first, first.members.length)}, before ${groupName(comparison, second.members)} with ${spreadText(second, second.members.length)}.`;
  const single = first.members.length < 2 || second.members.length < 2;
  return single ? [ahead, 'A setting that was run with one seed only cannot be told from a luckier seed.'] : [ahead];
}

function spreadText({ mean, deviation }: Spread, count: number): string {
  return deviation === null ? mean.toFixed(3) : `${mean.toFixed(3)} ± ${deviation.toFixed(3)} (${count} seeds)`;
}

function metricsTable(comparison: RunComparison): ReportTable {
  const groups = repeatsOf(comparison);
  const repeated = groups.some((members) => members.length > 1);
  const rows = comparison.metrics
    .filter(({ final }) => final.some((value) => value !== null))
    .flatMap((metric) => {
      const { label, final, best } = metric;
      const better = isComparable(metric, comparison) ? metric.better : null;
      return [
        metricRow(
          `${label}, last (${better === null ? 'not comparable' : `${better} is better`})`,
          final,
          groups,
          better,
        ),
        metricRow(
          `${label}, best`,
          best.map((entry) => entry?.value ?? null),
          groups,
          better,
        ),
      ];
    });
  return {
    title: 'Metrics',
    note: repeated
      ? 'Mean ± standard deviation over the runs that differ in the seed alone. A best value was picked afterwards from all epochs.'
      : 'A best value was picked afterwards from all epochs, so it flatters a little.',
    head: ['Metric', ...groups.map((members) => groupName(comparison, members))],
    rows,
  };
}

/** `better`: null where the number means something else in each run. */
function metricRow(
  label: string,
  values: readonly (number | null)[],
  groups: readonly (readonly number[])[],
  better: 'higher' | 'lower' | null,
): ReportCell[] {
  const spreads = groups.map((members) => {
    const present = members.map((index) => values[index] ?? null).filter((value) => value !== null);
    return present.length === 0 ? null : { ...spreadOf(present), count: present.length };
  });
  const means = spreads.flatMap((spread) => spread?.mean ?? []);
  const top = better === 'higher' ? Math.max(...means) : Math.min(...means);
  const contested = better !== null && means.length > 1 && means.filter((mean) => mean === top).length === 1;
  const cells = spreads.map((spread): ReportCell => ({
    text: spread === null ? absent : spreadText(spread, spread.count),
    wins: contested && spread?.mean === top,
  }));
  return [plain(label), ...cells];
}

function settingsTable({ comparison, settings }: ReportSource): ReportTable {
  const { runs, configuration } = comparison;
  if (isAlone(comparison)) {
    const rows = settings.map(({ label, value }) => [label, value].map(plain));
    return { title: 'Settings', note: null, head: ['Setting', 'Value'], rows };
  }
  return {
    title: 'Settings that differ',
    note: configuration.length === 0 ? 'None: all settings are the same, the seed included.' : null,
    head: ['Setting', ...runs.map(({ name }) => name)],
    rows: configuration.map(({ label, values }) => [label, ...values].map(plain)),
  };
}

function runsTable({ comparison: { runs }, hashes }: ReportSource): ReportTable {
  return {
    title: runs.length === 1 ? 'Run' : 'Runs',
    note: 'The hash is the SHA-256 of the configuration document, shortened.',
    head: ['Run', 'Status', 'Model', 'Data set', 'Epochs', 'Parameters', 'Training time', 'Tags', 'Notes', 'Hash'],
    rows: runs.map((run, index) =>
      [
        run.name,
        run.status,
        run.modelId,
        run.datasetName,
        `${run.epochsDone} of ${run.epochsTotal}`,
        run.parameterCount.toLocaleString('en'),
        `${(run.durationMs / 60_000).toFixed(1)} min`,
        run.tags.join(', ') || absent,
        run.notes.replaceAll(/\s+/g, ' ').trim() || absent,
        hashes[index]!.slice(0, hashDigits),
      ].map(plain),
    ),
  };
}

function plain(text: string): ReportCell {
  return { text, wins: false };
}

/** Series that a picture may need. */
export const reportSeries: readonly SeriesName[] = chartsOf(Object.keys(taskDefinitions) as Task[]).flatMap(
  ({ train, test }) => [train, test].filter((metric) => metric !== null),
);

function picturesOf({ comparison, series }: ReportSource): ComparisonReport['pictures'] {
  const colours = coloursOf(comparison);
  return chartsOf(comparison.runs.map(({ task }) => task)).flatMap((chart) => {
    const { title, train, test } = chart;
    const curves = comparison.runs.flatMap((run, index) => {
      const curve = (name: SeriesName | null, dashed: boolean): ReportCurve[] => {
        const recorded = series[index]!.find((candidate) => candidate.series === name);
        if (recorded === undefined) return [];
        const split = dashed ? 'test' : 'train';
        const label = isAlone(comparison) ? split : `${split} · ${run.name}`;
        return [{ label, colour: colours[index]!, dashed, x: recorded.epochs, y: recorded.values }];
      };
      return [...curve(train, false), ...curve(test, true)];
    });
    const svg = curvesSvg(curves, title);
    return svg === null ? [] : [{ title: `${title} (train solid, test dashed; ${directionOf(chart)} is better)`, svg }];
  });
}

/** A run's own colour; the next free one where two coincide. */
function coloursOf({ runs }: RunComparison): string[] {
  const taken = new Set<number>();
  return runs.map(({ runId }) => {
    let ordinal = (runId - 1) % palette.length;
    while (taken.has(ordinal) && taken.size < palette.length) ordinal = (ordinal + 1) % palette.length;
    taken.add(ordinal);
    return palette[ordinal]!;
  });
}
