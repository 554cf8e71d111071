/** All networks by id. A new one is a file of its own and one line here. */
import { FoveaError } from '../../contract/errors.ts';
import type { Knob, ModelDescription, ModelSummary } from '../../contract/model/model-spec.ts';
import type { ModelOptions, RunConfig, Task } from '../../contract/model/run.ts';
import type { Shape } from '../graph/types.ts';
import { countParameters, describeLayers, isFrozen, planNetwork, type NetworkPlan } from '../nn/network.ts';
import { efficientnetB0, mobilenetV2, resnet18, resnet34, yolov8Classification } from './classifiers.ts';
import { yolov8, yolov8Pose, yolov8Segmentation } from './detectors.ts';
import { lenet5 } from './lenet5.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import type { ModelSpec } from './model-spec.ts';
import { fpn, unet, unetPlusPlus } from './segmenters.ts';

const specs = [
  lenet5,
  resnet18,
  resnet34,
  mobilenetV2,
  efficientnetB0,
  yolov8Classification,
  unet,
  unetPlusPlus,
  fpn,
  yolov8,
  yolov8Segmentation,
  yolov8Pose,
] as const;

const models: Readonly<Record<string, ModelSpec<ModelOptions>>> = Object.fromEntries(
  specs.map((spec) => [spec.id, spec as unknown as ModelSpec<ModelOptions>]),
);

/** Throws FoveaError `not-found`, naming the models that exist. */
export function modelSpec(modelId: string): ModelSpec<ModelOptions> {
  const spec = models[modelId];
  if (!spec)
    throw new FoveaError('not-found', `There is no model "${modelId}". Models: ${Object.keys(models).join(', ')}.`, {
      modelId,
    });
  return spec;
}

/** Of one task, or of all. */
export function modelSummaries(wanted?: Task): ModelSummary[] {
  return Object.values(models)
    .filter(({ task }) => wanted === undefined || task === wanted)
    .map(({ id, label, task, description, source }) => ({ id, label, task, description, source }));
}

export const defaultOptions = (modelId: string): ModelOptions => ({ ...modelSpec(modelId).defaults });

/** The model's own knobs, addressed in a RunConfig. */
export function modelKnobs(modelId: string): Knob[] {
  const { knobs, defaults } = modelSpec(modelId);
  return knobs.map(({ option, label, explanation, control, advanced = false }) => ({
    path: `model.options.${option}`,
    label,
    explanation,
    group: advanced ? 'advanced' : 'model',
    control,
    defaultValue: defaults[option]!,
  }));
}

/** Checks options against the model's knobs: unknown ones and wrong types are refused, missing ones take the default. */
export function completeOptions(modelId: string, options: ModelOptions): ModelOptions {
  const { defaults, knobs, label } = modelSpec(modelId);
  for (const [option, value] of Object.entries(options)) {
    const expected = defaults[option];
    if (expected === undefined) {
      throw new FoveaError(
        'invalid-request',
        `${label} has no option "${option}". Options: ${Object.keys(defaults).join(', ')}.`,
        { option },
      );
    }
    if (typeof value !== typeof expected) {
      throw new FoveaError(
        'invalid-request',
        `${label}: "${option}" must be a ${typeof expected}, got ${String(value)}.`,
        { option },
      );
    }
    const control = knobs.find((knob) => knob.option === option)?.control;
    const choices = control?.kind === 'choice' ? control.options.map((choice) => choice.value) : null;
    if (choices && !choices.includes(String(value))) {
      throw new FoveaError(
        'invalid-request',
        `${label}: "${option}" cannot be "${String(value)}". Choices: ${choices.join(', ')}.`,
        { option },
      );
    }
  }
  return { ...defaults, ...options };
}

/** What the network is fed in place of bytes. Throws FoveaError for options that do not fit. */
export function preprocessingOf({ id, options }: RunConfig['model']): Preprocessing {
  const { preprocessing, preprocessingFor } = modelSpec(id);
  return preprocessingFor?.(completeOptions(id, options)) ?? preprocessing;
}

/** inputShape: [C, H, W]; `categoryCount`: how many outputs the last layer has. Throws FoveaError for what does not fit. */
export function planModel(
  modelId: string,
  options: ModelOptions,
  inputShape: Shape,
  categoryCount: number,
): NetworkPlan {
  const { label, layers, outputs, sideMultiple = 1 } = modelSpec(modelId);
  const [, height, width] = inputShape as [number, number, number];
  if (height % sideMultiple !== 0 || width % sideMultiple !== 0) {
    throw new FoveaError(
      'bad-input',
      `${label} takes images whose sides are multiples of ${sideMultiple} px, but these have ${width} × ${height} px.`,
      { modelId },
    );
  }
  return planNetwork(layers(completeOptions(modelId, options), categoryCount), inputShape, outputs);
}

export function describeModel(
  modelId: string,
  options: ModelOptions,
  inputShape: Shape,
  categoryCount: number,
  freeze: readonly string[],
): ModelDescription {
  const plan = planModel(modelId, options, inputShape, categoryCount);
  return {
    layers: describeLayers(plan),
    parameterCount: countParameters(plan.parameters),
    trainableCount: countParameters(plan.parameters.filter((parameter) => !isFrozen(parameter, freeze))),
  };
}

/** More kernels than these make no picture, and are slow to send. */
const mostKernels = 4096;

/**
 * The convolutions whose kernels can be looked at (more than one pixel, not too many), in order, with the name of each
 * one's weight in a checkpoint.
 */
export function convolutionLayers(
  modelId: string,
  options: ModelOptions,
): { layer: string; label: string; tensor: string }[] {
  // Any size will do: weights do not depend on it.
  const { layers } = planModel(modelId, options, [3, 64, 64], 1);
  return layers.flatMap(({ spec, parameters: [weight] }) => {
    if (spec.kind !== 'conv2d' || !weight) return [];
    const [outChannels, inChannels, kernel] = weight.shape as [number, number, number];
    if (kernel === 1 || outChannels * inChannels > mostKernels) return [];
    return [{ layer: spec.path, label: `${spec.path} (${kernel}×${kernel})`, tensor: weight.name }];
  });
}
