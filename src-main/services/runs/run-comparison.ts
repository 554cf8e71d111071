/** Lays runs side by side: what they reached, and in which settings they differ, in words. Pure. */
import { lossKinds } from '../../contract/model/loss-kinds.ts';
import type { Knob } from '../../contract/model/model-spec.ts';
import {
  metricDefinitions,
  taskMetrics,
  type MetricName,
  type RunComparison,
  type RunConfig,
  type RunSummary,
  type Task,
} from '../../contract/model/run.ts';
import { taskDefinitions } from '../../contract/model/tasks.ts';
import { sourceText } from '../../contract/model/weights.ts';
import { modelSummaries } from '../../engine/zoo/registry.ts';
import { valuesByPath, type ConfigValue } from './config-values.ts';
import { settingKnobs } from './run-template.ts';

export interface ComparedRun {
  summary: RunSummary;
  config: RunConfig;
}

/** The first run is the baseline. Settings are in the order of the configuration, those that all runs share left out. */
export function compareRuns(runs: readonly ComparedRun[]): RunComparison {
  return {
    runs: runs.map(({ summary }) => summary),
    metrics: metricsOf(runs).map((metric) => ({
      metric,
      ...metricDefinitions[metric],
      final: runs.map(({ summary }) => summary.latest[metric] ?? null),
      best: runs.map(({ summary }) => summary.best[metric] ?? null),
    })),
    configuration: differingSettings(runs),
  };
}

/** What a run of any of their tasks reports. */
function metricsOf(runs: readonly ComparedRun[]): MetricName[] {
  const reported = new Set<MetricName>(runs.flatMap(({ config }) => taskMetrics[config.task]));
  return (Object.keys(metricDefinitions) as MetricName[]).filter((metric) => reported.has(metric));
}

/** All of one run that have a name for people, in the order of the configuration. */
export function settingsOf(run: ComparedRun): { label: string; value: string }[] {
  const named = listSettings([run]).filter(({ path, label }) => label !== path);
  return named.map(({ label, values }) => ({ label, value: values[0]! }));
}

const differingSettings = (runs: readonly ComparedRun[]): RunComparison['configuration'] =>
  listSettings(runs).filter(({ values }) => new Set(values).size > 1);

function listSettings(runs: readonly ComparedRun[]): RunComparison['configuration'] {
  // Where the weights come from is one setting, whatever it is made of.
  const valuesOfRuns = runs.map(({ config }) => valuesByPath({ ...config, weights: sourceText(config.weights) }));
  const paths = [...new Set(valuesOfRuns.flatMap((values) => [...values.keys()]))];
  const names = new SettingNames(runs);
  return paths.map((path) => ({
    path,
    label: names.label(path),
    values: runs.map((run, index) => names.value(path, settingAt(valuesOfRuns[index]!, path), run)),
  }));
}

/** True for a record of settings, which stands for a switch that is on. */
function settingAt(values: ReadonlyMap<string, ConfigValue>, path: string): ConfigValue | undefined {
  const isRecord = [...values.keys()].some((each) => each.startsWith(`${path}.`));
  return isRecord ? true : values.get(path);
}

const ownLabels: Readonly<Record<string, string>> = {
  task: 'Task',
  'model.id': 'Model',
  'data.datasetId': 'Data set',
  'data.trainSplit': 'Train on',
  'data.evaluationSplit': 'Evaluate on',
  'data.inputSize': 'Input of a size of its own',
  freeze: 'Frozen layers',
  'loss.kind': 'Loss',
  weights: 'Starts from',
};
/** Of one term of a loss that is a sum. */
const termLabels: Readonly<Record<string, string>> = {
  weight: 'weight',
  'loss.kind': 'kind',
  'loss.classWeights': 'class weights',
  'loss.smooth': 'smoothing',
};
const absent = '–';

class SettingNames {
  #runs: readonly ComparedRun[];
  #knobs: ReadonlyMap<string, Knob>;
  #modelLabels = new Map(modelSummaries().map(({ id, label }) => [id, label]));

  constructor(runs: readonly ComparedRun[]) {
    this.#runs = runs;
    const modelIds = [...new Set(runs.map(({ config }) => config.model.id))].filter((id) => this.#modelLabels.has(id));
    const knobs = modelIds.flatMap((modelId) => settingKnobs(modelId));
    this.#knobs = new Map(knobs.map((knob) => [knob.path, knob]));
  }

  /** Settings of later phases are called as those of the first; where a run has several, with the phase's number. */
  label(path: string): string {
    const [, term, setting] = /^loss\.terms\.(\d+)\.(.*)$/.exec(path) ?? [];
    if (term !== undefined && setting !== undefined)
      return `Loss, term ${Number(term) + 1}: ${termLabels[setting] ?? setting.replace('loss.', '')}`;
    const [, phase, field] = /^phases\.(\d+)\.(.*)$/.exec(path) ?? [];
    if (phase === undefined || field === undefined) return this.#knobs.get(path)?.label ?? ownLabels[path] ?? path;
    const label = this.#knobs.get(`phases.0.${field}`)?.label ?? ownLabels[field] ?? field;
    const isOnlyPhase = this.#runs.every(({ config }) => config.phases.length === 1);
    return isOnlyPhase ? label : `Phase ${Number(phase) + 1}: ${label}`;
  }

  /** With its number where another data set has the same name. */
  #datasetName({ datasetId, datasetName }: RunSummary): string {
    const hasNamesake = this.#runs.some(
      ({ summary }) => summary.datasetName === datasetName && summary.datasetId !== datasetId,
    );
    return hasNamesake ? `${datasetName} (${datasetId})` : datasetName;
  }

  value(path: string, value: ConfigValue | undefined, { summary }: ComparedRun): string {
    if (path === 'data.datasetId') return this.#datasetName(summary);
    if (path === 'model.id') return this.#modelLabels.get(String(value)) ?? String(value);
    if (/^loss\.terms\.\d+\.loss\.kind$/.test(path) && typeof value === 'string')
      return lossKinds[value as keyof typeof lossKinds]?.label ?? value;
    if (path === 'task') return taskDefinitions[value as Task].label;
    if (value === undefined) return absent;
    if (value === null) return 'off';
    if (typeof value === 'boolean') return value ? 'on' : 'off';
    if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
    const control = this.#knobs.get(path.replace(/^phases\.\d+\./, 'phases.0.'))?.control;
    const option =
      control?.kind === 'choice' ? control.options.find((candidate) => candidate.value === value) : undefined;
    return option?.label ?? String(value);
  }
}
