/** Phases in words, for where they are listed and for screen readers. Pure. */
import type { LayerRow } from '../../../src-main/contract/model/model-spec.ts';
import type { PhaseConfig } from '../../../src-main/contract/model/run.ts';
import { trainableCount } from '../../state/freezing.ts';
import type { PhaseSpan } from '../../state/phases.ts';
import { formatCount, formatPlain } from '../../ui/format-number.ts';

const optimisers = { sgd: 'SGD', adam: 'Adam', adamw: 'AdamW', rmsprop: 'RMSprop' } as const satisfies Record<
  PhaseConfig['optimiser']['kind'],
  string
>;
const schedules = {
  constant: 'constant',
  step: 'steps',
  exponential: 'exponential decay',
  cosine: 'cosine',
  linear: 'linear',
  'one-cycle': 'one cycle',
} as const satisfies Record<PhaseConfig['schedule']['kind'], string>;

/** "Epochs 6–20", "Epoch 1" */
export function spanText({ first, last }: PhaseSpan): string {
  return first === last ? `Epoch ${first}` : `Epochs ${first}–${last}`;
}

/** "Adam 0.001, warm-up, cosine" */
export function phaseSummary({ optimiser, learningRate, warmup, schedule }: PhaseConfig): string {
  const rate = `${optimisers[optimiser.kind]} ${formatPlain(learningRate)}`;
  return [rate, ...(warmup.epochs > 0 ? ['warm-up'] : []), schedules[schedule.kind]].join(', ');
}

const namedAtMost = 3;

/** "conv1, conv2", "encoder and 4 more" */
export function modulesText(paths: readonly string[]): string {
  if (paths.length <= namedAtMost) return paths.join(', ');
  return `${paths.slice(0, namedAtMost - 1).join(', ')} and ${paths.length - namedAtMost + 1} more`;
}

/** "all 62,006 parameters train", "850 of 62,006 parameters train" */
export function trainableText(trainable: number, total: number): string {
  if (trainable === total) return `all ${formatCount(total)} parameters train`;
  return `${formatCount(trainable)} of ${formatCount(total)} parameters train`;
}

/** "62,006 parameters, all trained", "31,216,581 parameters; phase 1 trains 3,928,469, phase 2 all". */
export function parametersText(phases: readonly PhaseConfig[], layers: readonly LayerRow[]): string {
  const total = trainableCount(layers, []);
  const trained = phases.map(({ freeze }) => {
    const count = trainableCount(layers, freeze);
    return count === total ? 'all' : formatCount(count);
  });
  const parameters = `${formatCount(total)} parameters`;
  if (trained.length === 1) return `${parameters}, ${trained[0]} trained`;
  return `${parameters}; ${trained.map((count, index) => `phase ${index + 1} trains ${count}`).join(', ')}`;
}
