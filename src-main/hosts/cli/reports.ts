/** Data sets, runs, an evaluation and a comparison as text for a terminal. Pure: values in, text out. */
import type { Dataset, ImportReport } from '../../contract/model/dataset.ts';
import type { ExportReport } from '../../contract/model/dataset-export.ts';
import type { DeviceInfo } from '../../contract/model/device.ts';
import type { PredictionDocument, Said } from '../../contract/model/image-prediction.ts';
import type { Project, RecentProject } from '../../contract/model/project.ts';
import {
  metricDefinitions,
  type ConfusionMatrix,
  type MetricName,
  type Preset,
  type RunComparison,
  type RunSummary,
} from '../../contract/model/run.ts';
import type { ExportedModel } from '../../contract/model/run-export.ts';
import { headlineOf } from '../../contract/model/tasks.ts';
import { formatDuration, formatNumber, table } from './io.ts';

export function projectText({ name, path }: Project): string {
  return `${name}: ${path}\n`;
}

export function projectsText(projects: readonly RecentProject[]): string {
  if (projects.length === 0) return 'No projects yet. Make one with: fovea project create NAME\n';
  const rows = projects.map(({ name, imageCount, runCount, path, exists }) => [
    name,
    formatNumber(imageCount),
    formatNumber(runCount),
    exists ? path : `${path} (gone)`,
  ]);
  return table(['project', 'images', 'runs', 'folder'], rows);
}

export function devicesText(devices: readonly DeviceInfo[]): string {
  const rows = devices.map(({ id, label, available }) => [id, label, available ? 'works' : 'does not work']);
  const reasons = devices.flatMap(({ id, reason, providerError }) => {
    const words = providerError === null ? '' : `\n  It says: ${providerError.replaceAll('\n', '\n  ')}`;
    return reason === null ? [] : [`${id}: ${reason}${words}\n`];
  });
  return `${table(['device', 'what it is', ''], rows)}${reasons.length > 0 ? `\n${reasons.join('')}` : ''}`;
}

export function exportText({
  folder,
  imageCount,
  labelCount,
  labelsOnly = false,
}: ExportReport & { folder: string; labelsOnly?: boolean }): string {
  const [images, labels] = [`${formatNumber(imageCount)} images`, `${formatNumber(labelCount)} labels`];
  return labelsOnly ? `${labels} of ${images} are in ${folder}\n` : `${images} and ${labels} are in ${folder}\n`;
}

/** What a dry run found: one line of counts, then what is wrong. */
export function importFindings(report: ImportReport): string[] {
  const { splitCounts, categories, kindCounts, unlabelledCount, backgroundCount, failures, failureCount } = report;
  const images = splitCounts.train + splitCounts.val + splitCounts.test;
  const counts = [
    `${formatNumber(images)} images`,
    `${formatNumber(categories.length)} classes`,
    ...kindCounts.map(({ kind, count }) => `${formatNumber(count)} labels (${kind})`),
    ...(backgroundCount > 0 ? [`${formatNumber(backgroundCount)} images without an object`] : []),
    ...(unlabelledCount > 0 ? [`${formatNumber(unlabelledCount)} unlabelled images`] : []),
  ];
  const found = report.format === null ? [] : [`${report.format}: ${counts.join(', ')}`];
  if (report.labelSource !== null) {
    found.push(`Labels from ${report.labelSource}; with --labels: ${report.labelSources.join(', ')}.`);
  }
  const problems = failures.map(
    ({ source, line, reason }) => `${[source, ...(line === undefined ? [] : [line])].join(':')}: ${reason}`,
  );
  const more = failureCount > failures.length ? [`… and ${formatNumber(failureCount - failures.length)} more.`] : [];
  return [...found, ...problems, ...more];
}

export function datasetsText(datasets: readonly Dataset[]): string {
  if (datasets.length === 0) return 'No data sets yet. Bring one in with: fovea import PATH\n';
  const rows = datasets.map(({ datasetId, name, format, splitCounts, categories }) => [
    String(datasetId),
    name,
    format,
    formatNumber(splitCounts.train),
    formatNumber(splitCounts.val),
    formatNumber(splitCounts.test),
    formatNumber(categories.length),
  ]);
  return table(['id', 'data set', 'format', 'train', 'val', 'test', 'classes'], rows);
}

export function runsText(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return 'No runs yet. Start one with: fovea train --dataset DATASET\n';
  const rows = runs.map((run) => [
    String(run.runId),
    run.name,
    run.status,
    run.modelId,
    run.datasetName,
    `${run.epochsDone}/${run.epochsTotal}`,
    metricDefinitions[headlineOf(run)].label,
    formatNumber(run.latest[headlineOf(run)]),
    formatNumber(run.best[headlineOf(run)]?.value),
    formatDuration(run.durationMs / 1000),
  ]);
  const header = ['id', 'run', 'status', 'model', 'data set', 'epochs', 'metric', 'last', 'best', 'time'];
  return table(header, rows);
}

export function presetsText(presets: readonly Preset[]): string {
  if (presets.length === 0) return 'No presets yet. Keep the settings of a run with: fovea preset save NAME RUN\n';
  const rows = presets.map(({ name, config }) => [
    name,
    config.model.id,
    String(config.phases.reduce((sum, phase) => sum + phase.epochs, 0)),
  ]);
  return table(['preset', 'model', 'epochs'], rows);
}

/** How a run ended, in one sentence, and what can be done with it. */
export function outcomeText({ runId, name, status, reason, epochsDone, epochsTotal, resumable }: RunSummary): string {
  const sentence = `Run ${runId} "${name}" ${status} after ${epochsDone} of ${epochsTotal} epochs`;
  const why = reason === null ? '.' : `: ${reason}`;
  const next = status !== 'finished' && resumable ? `\nGo on with: fovea train --resume ${runId}` : '';
  return `${sentence}${why}${next}\n`;
}

export function metricsText({ latest, best }: RunSummary): string {
  const names = (Object.keys(metricDefinitions) as MetricName[]).filter((name) => name in latest);
  const rows = names.map((name) => [
    metricDefinitions[name].label,
    formatNumber(latest[name]),
    formatNumber(best[name]?.value),
    formatNumber(best[name]?.epoch),
  ]);
  return table(['metric', 'final', 'best', 'in epoch'], rows);
}

/** Rows are the true classes, columns the predicted ones; the share of each row that is right stands at its end. */
export function confusionText({ classes, counts }: ConfusionMatrix): string {
  const names = classes.map(({ name }) => name);
  const rows = counts.map((row, index) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const recall = total === 0 ? null : (row[index] ?? 0) / total;
    return [names[index] ?? '', ...row.map(String), recall === null ? '–' : recall.toFixed(3)];
  });
  return table(['true \\ predicted', ...names, 'recall'], rows);
}

export function comparisonText({ runs, metrics, configuration }: RunComparison): string {
  const names = runs.map(({ runId, name }) => `${runId} ${name}`);
  const values = metrics.flatMap(({ label, final, best }) => [
    comparisonRow(`${label}, final`, final),
    comparisonRow(
      `${label}, best`,
      best.map((entry) => entry?.value ?? null),
    ),
  ]);
  const differences = names.slice(1).map((_, index) => `${names[index + 1]} − ${names[0]}`);
  const settings = configuration.map((difference) => [difference.label, ...difference.values]);
  const settingsText =
    settings.length === 0 ? 'The configurations are the same.\n' : table(['setting', ...names], settings);
  return `${table(['metric', ...names, ...differences], values)}\n${settingsText}`;
}

/** The values, then each one's difference from the first. */
function comparisonRow(label: string, values: readonly (number | null)[]): string[] {
  const baseline = values[0] ?? null;
  const difference = (value: number | null) => {
    if (value === null || baseline === null) return '–';
    const text = formatNumber(value - baseline);
    return value > baseline ? `+${text}` : text;
  };
  return [label, ...values.map(formatNumber), ...values.slice(1).map(difference)];
}

export function exportedText({ file, sizeBytes, check }: ExportedModel): string {
  const lines = [`${file} (${formatNumber(Math.ceil(sizeBytes / 1000))} kB)`];
  if (check !== null) {
    const { images, worst, decisions, different } = check;
    lines.push(
      `Checked on ${images} images against the app's own results: ${
        decisions > 0
          ? `${different} of ${decisions} decisions differ`
          : `off by ${worst.toExponential(1)} of the largest number`
      }.`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A line a file, then where the whole is. */
export function predictionText(output: string, { images, classes }: PredictionDocument): string {
  const lines = images.map(({ file, said }) => `${file}: ${saidText(said, classes)}`);
  return `${lines.join('\n')}\n${output}\n`;
}

function saidText(said: Said, classes: readonly string[]): string {
  const nameOf = (category: number): string => classes[category] ?? String(category);
  switch (said.kind) {
    case 'category': {
      const best = said.probabilities.indexOf(Math.max(...said.probabilities));
      return `${nameOf(best)} ${said.probabilities[best]!.toFixed(2)}`;
    }
    case 'masks':
      return said.masks.map(({ category }) => nameOf(category)).join(', ');
    case 'boxes':
      return countsText(said.boxes, nameOf) || 'nothing';
  }
}

/** "car × 3, sign × 1", in the order of the best box of each class. */
function countsText(boxes: readonly { category: number }[], nameOf: (category: number) => string): string {
  const counts = new Map<number, number>();
  for (const { category } of boxes) counts.set(category, (counts.get(category) ?? 0) + 1);
  return [...counts].map(([category, count]) => `${nameOf(category)} × ${count}`).join(', ');
}
