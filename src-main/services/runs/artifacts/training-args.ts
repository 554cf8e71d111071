/**
 * A run's configuration under the names that training commands of the field use (`args.yaml`), as far as there are such names.
 * Pure. What has no counterpart is in the run's own config.json.
 */
import type { RunConfig } from '../../../contract/model/run.ts';

type Value = string | number | boolean | null;

const taskNames: Readonly<Record<RunConfig['task'], string>> = {
  classification: 'classify',
  segmentation: 'segment',
  detection: 'detect',
  'instance-segmentation': 'segment',
  pose: 'pose',
};

/** Of the first phase; a run of several is said to be one by a comment. `data`: the data set's name. */
export function trainingArgs(config: RunConfig, data: string, startsFrom: string | null): string {
  const [phase] = config.phases as [RunConfig['phases'][number]];
  const { optimiser, schedule, warmup } = phase;
  const { augmentation, loss } = config;
  const size = config.data.inputSize;
  const values: Record<string, Value> = {
    task: taskNames[config.task],
    mode: 'train',
    model: [config.model.id, config.model.options['size'] ?? ''].join(''),
    data,
    epochs: config.phases.reduce((sum, { epochs }) => sum + epochs, 0),
    patience: config.patience ?? 0,
    batch: config.batchSize,
    nbs: config.batchSize * config.accumulation,
    imgsz: size === null ? null : Math.max(size.widthPx, size.heightPx),
    device: config.device,
    seed: config.seed,
    deterministic: true,
    amp: config.precision === 'mixed',
    pretrained: startsFrom ?? false,
    freeze: phase.freeze.join(', ') || null,
    optimizer: { sgd: 'SGD', adam: 'Adam', adamw: 'AdamW', rmsprop: 'RMSProp' }[optimiser.kind],
    lr0: phase.learningRate,
    lrf: 'finalFactor' in schedule ? schedule.finalFactor : 1,
    cos_lr: schedule.kind === 'cosine',
    momentum: 'momentum' in optimiser ? optimiser.momentum : 'beta1' in optimiser ? optimiser.beta1 : null,
    weight_decay: optimiser.weightDecay,
    warmup_epochs: warmup.epochs,
    ...('boxGain' in loss && { box: loss.boxGain, cls: loss.categoryGain, dfl: loss.distributionGain }),
    ...(loss.kind === 'pose' && { pose: loss.positionGain, kobj: loss.visibilityGain }),
    hsv_h: augmentation.hue,
    hsv_s: augmentation.saturation,
    hsv_v: augmentation.value,
    degrees: augmentation.rotateDegrees,
    translate: augmentation.translate,
    scale: augmentation.scale,
    shear: augmentation.shearDegrees,
    flipud: augmentation.flipVertical,
    fliplr: augmentation.flipHorizontal,
    mosaic: augmentation.mosaic,
    close_mosaic: augmentation.closeMosaicEpochs,
  };
  const phases =
    config.phases.length > 1 ? [`# The first of ${config.phases.length} phases; config.json has all.`] : [];
  return [...phases, ...Object.entries(values).map(([name, value]) => `${name}: ${scalar(value)}`), ''].join('\n');
}

/** Quoted, as JSON is YAML; numbers, true, false and null stand for themselves. */
const scalar = (value: Value): string => JSON.stringify(value);
