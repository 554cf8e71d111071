/** What is said of a sweep. Pure. */
import type { MetricName } from '../../../src-main/contract/model/run.ts';
import type { Sweep, SweepPlan, SweepPreview, TimeEstimate } from '../../../src-main/contract/model/sweep.ts';
import type { SweepRow } from '../../../src-main/contract/model/sweep-table.ts';
import { formatDuration, formatSpread, formatValue, plural } from '../../ui/format-number.ts';

/** "0.803 ± 0.004"; the deviation only where there is more than one seed. */
export function spreadText(spread: SweepRow['best']): string {
  if (spread === null) return '–';
  return spread.deviation === null
    ? formatValue(spread.mean)
    : `${formatValue(spread.mean)} ± ${formatSpread(spread.deviation)}`;
}

/** "12 runs: 4 combinations × 3 seeds, about 40 min one after the other" */
export function previewText({ trials, duplicates }: SweepPreview, time: TimeEstimate | null): string {
  const seeds = new Set(trials.map(({ seed }) => seed)).size;
  const combinations = trials.length / seeds;
  const parts = [
    `${plural(trials.length, 'run')}: ${plural(combinations, 'combination')} × ${plural(seeds, 'seed')}`,
    ...(time === null ? [] : [`about ${formatDuration(time.totalMs * trials.length)} one after the other`]),
    ...(duplicates > 0 ? [`${duplicates} that would be the same left out`] : []),
  ];
  return parts.join(', ');
}

/** "Batch norm × Dropout, 3 seeds, Slurm" */
export function axesText({ plan }: Sweep): string {
  const axes = plan.axes.map(({ label }) => label).join(' × ') || 'Seeds alone';
  const seeds = plan.seeds.length > 1 ? [plural(plan.seeds.length, 'seed')] : [];
  return [axes, ...seeds, ...searchText(plan), ...(plan.slurm === null ? [] : ['Slurm'])].join(', ');
}

function searchText({ search }: SweepPlan): string[] {
  if (search.kind === 'grid') return [];
  return search.kind === 'random' ? ['by chance'] : ['one at a time'];
}

/** "off, 0.5" */
export const valuesText = (row: Pick<SweepRow, 'values'>): string =>
  row.values.map(({ label }) => label).join(', ') || 'the plan';

/** A table that spreadsheets read: one line a run. */
export function sweepCsv(sweep: Sweep, rows: readonly SweepRow[], metric: MetricName): string {
  const cell = (value: string | number): string =>
    /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  const header = [
    ...sweep.plan.axes.map(({ label }) => label),
    'seed',
    'run',
    'status',
    'epochs',
    `best ${metric}`,
    `last ${metric}`,
  ];
  const lines = rows.flatMap((row) =>
    row.runs.map(({ run, seed }) => [
      ...row.values.map(({ label }) => label),
      seed,
      run.name,
      run.status,
      run.epochsDone,
      run.best[metric]?.value ?? '',
      run.latest[metric] ?? '',
    ]),
  );
  return [header, ...lines].map((line) => `${line.map(cell).join(',')}\n`).join('');
}
