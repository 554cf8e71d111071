/**
 * What would stop or spoil a run, found before it starts: about its data, its network, its plan and its device. Each
 * finding says what to do and names the setting it is about.
 */
import { toErrorData } from '../../contract/errors.ts';
import { isFileFormat, type Category, type Dataset, type Split } from '../../contract/model/dataset.ts';
import type { CategoryId } from '../../contract/model/ids.ts';
import type { DeviceInfo } from '../../contract/model/device.ts';
import type { ModelDescription } from '../../contract/model/model-spec.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { taskFor } from '../../engine/train/tasks/index.ts';
import { describeModel } from '../../engine/zoo/registry.ts';
import { count, error, warning, type Finding } from './findings.ts';
import { checkPlan } from './plan-check.ts';

export interface CheckedFacts {
  config: RunConfig;
  dataset: Dataset;
  /** Images of the train split in each category. */
  trainCounts: ReadonlyMap<CategoryId, number>;
  devices: readonly DeviceInfo[];
}

/** Errors first, then warnings, then notes. */
export function checkRun(facts: CheckedFacts): Finding[] {
  const findings = [
    ...checkData(facts),
    ...checkNetwork(facts),
    ...checkPlan(facts.config, facts.dataset),
    ...checkDevice(facts),
  ];
  const order: Finding['severity'][] = ['error', 'warning', 'note'];
  return findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

function checkData({ config, dataset, trainCounts }: CheckedFacts): Finding[] {
  const { trainSplit, evaluationSplit } = config.data;
  return [
    ...checkFilled(dataset, trainSplit, 'data.trainSplit', 'train on'),
    ...checkFilled(dataset, evaluationSplit, 'data.evaluationSplit', 'evaluate on'),
    ...(dataset.splitCounts[trainSplit] > 0 ? checkCategories(dataset, trainSplit, trainCounts) : []),
    ...(trainSplit === evaluationSplit
      ? [
          warning(
            'The run is evaluated on the images it learns from: its accuracy will say how well it remembers, not how well it generalises. Choose another split.',
            'data.evaluationSplit',
          ),
        ]
      : []),
  ];
}

function checkFilled({ name, splitCounts }: Dataset, split: Split, path: string, purpose: string): Finding[] {
  if (splitCounts[split] > 0) return [];
  return [error(`“${name}” has no images in the split “${split}”. Choose another split to ${purpose}.`, path)];
}

function checkCategories(
  { categories, splitCounts }: Dataset,
  split: Split,
  trainCounts: CheckedFacts['trainCounts'],
): Finding[] {
  const path = 'data.trainSplit';
  const missing = categories.filter(({ categoryId }) => !trainCounts.get(categoryId));
  const labelled = [...trainCounts.values()].reduce((sum, count) => sum + count, 0);
  const unlabelled = Math.max(0, splitCounts[split] - labelled);
  if (labelled === 0)
    return [error(`No image in the split “${split}” has a class. Label some, or choose another split.`, path)];
  return [
    ...(categories.length < 2 ? [error('There is only one class, so there is nothing to tell apart.', path)] : []),
    ...(missing.length > 0
      ? [warning(`No training images of ${namesOf(missing)}: the network cannot learn to recognise them.`, path)]
      : []),
    ...(unlabelled > 0
      ? [warning(`${count(unlabelled, 'image')} in the split “${split}” without a class will be left out.`, path)]
      : []),
  ];
}

function checkNetwork(facts: CheckedFacts): Finding[] {
  const { config, dataset } = facts;
  if (isFileFormat(dataset.format)) {
    return [
      error(
        `“${dataset.name}” holds image files. It can be looked at, but this version trains only on data sets in packs: CIFAR-10 and IDX.`,
      ),
    ];
  }
  if (dataset.imageSize === null) {
    return [error(`The images of “${dataset.name}” differ in size. This version trains on images of one size.`)];
  }
  const { channels, heightPx, widthPx } = dataset.imageSize;
  try {
    const { id, options } = config.model;
    const imageShape = [channels, heightPx, widthPx];
    const { outputCount } = taskFor({ config, categoryCount: dataset.categories.length, imageShape });
    const frozen = config.phases.map(({ freeze }) => describeModel(id, options, imageShape, outputCount, freeze));
    return [...checkMasks(facts), ...checkFreezing(config, frozen)];
  } catch (cause) {
    return [error(toErrorData(cause).message)];
  }
}

// TODO: look for them, once a data set can hold masks.
function checkMasks({ config, dataset }: CheckedFacts): Finding[] {
  if (config.task !== 'segmentation') return [];
  return [error(`“${dataset.name}” has no masks, so segmentation cannot be learned from it.`, 'data.trainSplit')];
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

/** At most five by name. */
function namesOf(categories: readonly Category[]): string {
  const shown = categories.slice(0, 5).map(({ name }) => name);
  const rest = categories.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}
