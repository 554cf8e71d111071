/**
 * What would stop or spoil a run, found before it starts: about its data, its network, its plan and its device. Each
 * finding says what to do and names the setting it is about.
 */
import { toErrorData } from '../../contract/errors.ts';
import type { Dataset } from '../../contract/model/dataset.ts';
import type { DeviceInfo } from '../../contract/model/device.ts';
import type { ModelDescription } from '../../contract/model/model-spec.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { taskFor } from '../../engine/train/tasks/index.ts';
import { networkInput, networkPoints } from '../../contract/model/network-ends.ts';
import type { PoseLayout } from '../../engine/data/training-data.ts';
import { trainedClasses } from '../../contract/model/trained-classes.ts';
import { describeModel, modelSpec } from '../../engine/zoo/registry.ts';
import type { SplitLabels } from '../training-data/learnable.ts';
import { checkAugmentation } from './augmentation-check.ts';
import { checkData } from './data-check.ts';
import { count, error, heaviestFirst, warning, type Finding } from './findings.ts';
import { checkPlan } from './plan-check.ts';

export interface CheckedFacts {
  config: RunConfig;
  dataset: Dataset;
  /** What the task can learn from. */
  labels: { train: SplitLabels; evaluation: SplitLabels };
  devices: readonly DeviceInfo[];
  /** Points of the labels; null where there are none. */
  pose?: PoseLayout | null;
}

/** Errors first, then warnings, then notes. */
export function checkRun(facts: CheckedFacts): Finding[] {
  const findings = [
    ...checkData(facts),
    ...checkNetwork(facts),
    ...checkPlan(facts.config, facts.dataset),
    ...checkAugmentation(facts.config, networkInput(facts.config, facts.dataset), facts.pose ?? null),
    ...checkPoints(facts),
    ...checkDevice(facts),
  ];
  return heaviestFirst(findings);
}

function checkNetwork({ config, dataset }: CheckedFacts): Finding[] {
  const shape = networkInput(config, dataset);
  if (shape === null) {
    const message = `The images of “${dataset.name}” differ in size. Choose the size of the network's input.`;
    return [error(message, 'data.inputSize.widthPx')];
  }
  try {
    const { id, options } = config.model;
    const { sideMultiple = 1 } = modelSpec(id);
    if (config.data.inputSize && shape.slice(1).some((side) => side % sideMultiple !== 0))
      return [checkSides(shape, sideMultiple)];
    const categoryCount = trainedClasses(config, dataset.categories).length;
    const { outputCount } = taskFor({ config, categoryCount, imageShape: shape });
    const frozen = config.phases.map(({ freeze }) => describeModel(id, options, shape, outputCount, freeze));
    return checkFreezing(config, frozen);
  } catch (cause) {
    return [error(toErrorData(cause).message)];
  }
}

/** Labels that the network has no room for, and points that no label has. */
function checkPoints({ config, pose }: CheckedFacts): Finding[] {
  const wanted = networkPoints(config);
  if (wanted === 0 || !pose || pose.pointCount === wanted) return [];
  const path = 'model.options.keypoints';
  const labelled = `The labels have ${count(pose.pointCount, 'point')} and the network says ${wanted}`;
  return pose.pointCount > wanted
    ? [error(`${labelled}. Set it to ${pose.pointCount}.`, path)]
    : [warning(`${labelled}: the others are never learned. Set it to ${pose.pointCount}.`, path)];
}

function checkSides([, height, width]: readonly [number, number, number], multiple: number): Finding {
  const nearest = (side: number): number => Math.max(multiple, Math.round(side / multiple) * multiple);
  const name = width % multiple === 0 ? 'heightPx' : 'widthPx';
  return error(
    `The network takes inputs whose sides are multiples of ${multiple} px: use ${nearest(width)} × ${nearest(height)} px.`,
    `data.inputSize.${name}`,
  );
}

function checkFreezing(config: RunConfig, descriptions: readonly ModelDescription[]): Finding[] {
  return config.phases.flatMap(({ freeze }, phase) => {
    const { layers = [], trainableCount = 0 } = descriptions[phase] ?? {};
    const unknown = freeze.filter(
      (path) => !layers.some((layer) => layer.path === path || layer.path.startsWith(`${path}.`)),
    );
    const path = `phases.${phase}.freeze`;
    return [
      ...unknown.map((name) => error(`There is no layer “${name}” to freeze.`, path)),
      ...(trainableCount === 0 ? [error('Every layer is frozen, so nothing would be learned.', path)] : []),
    ];
  });
}

function checkDevice({ config, devices }: CheckedFacts): Finding[] {
  const device = devices.find(({ id }) => id === config.device);
  if (device?.available) return [];
  const known = devices.map(({ id }) => id).join(', ');
  const reason = device?.reason ?? `it is not known here. Devices: ${known}.`;
  return [error(`The device “${config.device}” cannot be used: ${reason}`, 'device')];
}
