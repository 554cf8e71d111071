/**
 * The settings of a run: one knob each, with its default and a sentence that explains it. The configuration of a new
 * run is these defaults put at their paths, so the two cannot differ.
 */
import * as v from 'valibot';
import type { Dataset } from '../../contract/model/dataset.ts';
import { splits } from '../../contract/model/dataset.ts';
import type { DeviceInfo } from '../../contract/model/device.ts';
import type { Knob } from '../../contract/model/model-spec.ts';
import { runConfig, type RunConfig } from '../../contract/model/run.ts';
import { defaultOptions, modelKnobs } from '../../engine/zoo/registry.ts';
import { withValueAt } from './config-values.ts';
import { choice } from './knob-kinds.ts';
import { advancedKnobs, planKnobs } from './plan-knobs.ts';

export interface RunTemplate {
  knobs: Knob[];
  config: RunConfig;
}

/** Throws FoveaError `not-found` for an unknown model. */
export function runTemplate(modelId: string, dataset: Dataset, devices: readonly DeviceInfo[]): RunTemplate {
  const knobs = [...dataKnobs(dataset), ...modelKnobs(modelId), ...planKnobs(devices), ...advancedKnobs];
  return { knobs, config: configFrom(modelId, dataset, knobs) };
}

/** Knobs that do not depend on a data set or a machine, for naming the settings of runs that exist. */
export function settingKnobs(modelId: string): Knob[] {
  return [...modelKnobs(modelId), ...planKnobs([]), ...advancedKnobs];
}

function configFrom(modelId: string, dataset: Dataset, knobs: readonly Knob[]): RunConfig {
  const bare = {
    version: 2,
    task: 'classification',
    model: { id: modelId, options: defaultOptions(modelId) },
    data: { datasetId: dataset.datasetId },
    augmentation: {},
    loss: { kind: 'cross-entropy' },
    phases: [{ freeze: [], optimiser: {}, schedule: {}, warmup: {} }],
  };
  const switchedOff = knobs.filter(({ defaultValue }) => defaultValue === null);
  const filled = knobs
    .filter(({ path }) => !switchedOff.some((knob) => path.startsWith(`${knob.path}.`)))
    .reduce<unknown>((config, { path, defaultValue }) => withValueAt(config, path, defaultValue), bare);
  // The schema drops what does not belong to the chosen optimiser and schedule.
  return v.parse(runConfig, filled);
}

function dataKnobs({ splitCounts }: Dataset): Knob[] {
  const options = splits.map((split) => ({
    value: split,
    label: `${split} (${splitCounts[split].toLocaleString('en')} images)`,
  }));
  const evaluationSplit = splitCounts.test > 0 || splitCounts.val === 0 ? 'test' : 'val';
  return [
    choice('data', options, 'train', {
      path: 'data.trainSplit',
      label: 'Train on',
      explanation: 'The images that the network learns from.',
    }),
    choice('data', options, evaluationSplit, {
      path: 'data.evaluationSplit',
      label: 'Evaluate on',
      explanation: 'Images the network never learns from; after every epoch they show how well it generalises.',
    }),
  ];
}
