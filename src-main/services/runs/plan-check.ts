/** What would stop or spoil a run in how it is to be trained: batches, optimisers, schedules, precision. */
import type { Dataset } from '../../contract/model/dataset.ts';
import { trainedClasses } from '../../contract/model/trained-classes.ts';
import { halfPrecisionDevices, type PhaseConfig, type RunConfig } from '../../contract/model/run.ts';
import { count, error, note, warning, type Finding } from './findings.ts';

export function checkPlan(config: RunConfig, dataset: Dataset): Finding[] {
  return [
    ...checkBatches(config, dataset),
    ...config.phases.flatMap((phase, index) => checkPhase(phase, `phases.${index}`)),
    ...checkLoss(config, dataset),
    ...checkPrecision(config),
  ];
}

function checkBatches({ batchSize, accumulation, data }: RunConfig, dataset: Dataset): Finding[] {
  const images = dataset.splitCounts[data.trainSplit];
  if (images === 0) return [];
  if (batchSize > images)
    return [
      warning(
        `A batch of ${batchSize} is more than the ${count(images, 'training image')}: every epoch is a single step. Make it smaller.`,
        'batchSize',
      ),
    ];
  const steps = Math.ceil(images / batchSize);
  if (accumulation <= steps) return [];
  return [
    warning(
      `An epoch has only ${count(steps, 'step')}, so the weights change once in an epoch. Accumulate fewer.`,
      'accumulation',
    ),
  ];
}

function checkPhase({ optimiser, schedule, warmup, epochs }: PhaseConfig, path: string): Finding[] {
  const findings: Finding[] = [];
  if (optimiser.kind === 'sgd' && optimiser.nesterov && optimiser.momentum === 0)
    findings.push(error('Nesterov needs a momentum above 0.', `${path}.optimiser.nesterov`));
  if (optimiser.kind === 'adamw' && optimiser.weightDecay === 0)
    findings.push(note('AdamW without weight decay is the same as Adam.', `${path}.optimiser.weightDecay`));
  if (warmup.epochs >= epochs)
    findings.push(
      warning(
        'The warm-up lasts as long as training, so the learning rate never reaches its value. Make it shorter.',
        `${path}.warmup.epochs`,
      ),
    );
  else if (warmup.epochs > 0 && schedule.kind === 'one-cycle')
    findings.push(note('One cycle already begins with a rise; it needs no warm-up.', `${path}.warmup.epochs`));
  return findings;
}

function checkLoss(config: RunConfig, { categories }: Dataset): Finding[] {
  const { loss } = config;
  if (loss.kind === 'sum') {
    const classes = trainedClasses(config, categories).length;
    const weights = loss.terms.flatMap((term) => (term.loss.kind === 'cross-entropy' ? [term.loss.classWeights] : []));
    return weights
      .filter((list) => list !== null && list.length !== classes)
      .map((list) =>
        error(
          `The loss has ${count(list!.length, 'class weight')}, but there are ${classes} classes. Suggest them anew.`,
        ),
      );
  }
  if (loss.kind !== 'cross-entropy' || !loss.softmaxBeforeLoss) return [];
  return [
    note(
      'Softmax is applied twice, to reproduce curves that were published so. Learning is slower than it could be.',
      'loss.softmaxBeforeLoss',
    ),
  ];
}

function checkPrecision({ device, precision }: RunConfig): Finding[] {
  if (precision === 'float32' || halfPrecisionDevices.has(device)) return [];
  return [
    warning(
      'This device converts half precision to single and back, so mixed precision only makes training slower. Use float32.',
      'precision',
    ),
  ];
}
