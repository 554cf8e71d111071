/**
 * The settings of a run: one knob each, with its default and a sentence that explains it. The configuration of a new
 * run is these defaults put at their paths, so the two cannot differ.
 */
import * as v from 'valibot';
import { isFileFormat, splits, type Dataset } from '../../contract/model/dataset.ts';
import type { DeviceInfo } from '../../contract/model/device.ts';
import type { Knob } from '../../contract/model/model-spec.ts';
import { imagesAsTheyAre, noAugmentation } from '../../contract/model/run-images.ts';
import { runConfig, type RunConfig } from '../../contract/model/run.ts';
import type { PoseLayout } from '../../engine/data/training-data.ts';
import { defaultOptions, modelKnobs, modelSpec } from '../../engine/zoo/registry.ts';
import { withValueAt } from './config-values.ts';
import { choice } from './knob-kinds.ts';
import { augmentationKnobs, inputKnobs } from './image-knobs.ts';
import { advancedKnobs, planKnobs } from './plan-knobs.ts';
import { taskPlans, withAutomatic, withDefaults } from './task-plans.ts';

export interface RunTemplate {
  knobs: Knob[];
  config: RunConfig;
}

/** `pose`: of the data set's labels, for a network that says points. Throws FoveaError `not-found` for an unknown model. */
export function runTemplate(
  modelId: string,
  dataset: Dataset,
  devices: readonly DeviceInfo[],
  pose: PoseLayout | null = null,
): RunTemplate {
  const settings = settingKnobs(modelId, devices, dataset);
  const knobs = [...dataKnobs(dataset), ...withAutomatic(settings, taskPlans[modelSpec(modelId).task], dataset, pose)];
  return { knobs, config: configFrom(modelId, dataset, knobs) };
}

/** Without devices and a data set those of no machine and any images, for naming the settings of runs that exist. */
export function settingKnobs(
  modelId: string,
  devices: readonly DeviceInfo[] = [],
  dataset: Pick<Dataset, 'format' | 'imageSize'> = { format: 'images', imageSize: null },
): Knob[] {
  const { task } = modelSpec(modelId);
  const plan = taskPlans[task];
  const images = [...inputKnobs(task, dataset), ...augmentationKnobs(task)];
  const knobs = [...images, ...modelKnobs(modelId), ...planKnobs(devices), ...advancedKnobs, ...plan.lossKnobs];
  return withDefaults(knobs, plan);
}

function configFrom(modelId: string, dataset: Dataset, knobs: readonly Knob[]): RunConfig {
  const { task } = modelSpec(modelId);
  const bare = {
    version: 3,
    task,
    model: { id: modelId, options: defaultOptions(modelId) },
    // Photographs have no size of their own that a network could take: its knobs fill the record.
    data: { datasetId: dataset.datasetId, ...imagesAsTheyAre, inputSize: isFileFormat(dataset.format) ? {} : null },
    augmentation: noAugmentation,
    loss: taskPlans[task].loss,
    weights: null,
    monitoring: {},
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
