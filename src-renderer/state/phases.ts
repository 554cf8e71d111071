/**
 * The phases of a plan as a list: adding and moving them, where each lies among the epochs, and ready-made plans. Pure;
 * which phase is being edited, and undoing, belong to TrainForm.
 */
import type { Knob } from '../../src-main/contract/model/model-spec.ts';
import type { PhaseConfig } from '../../src-main/contract/model/run.ts';
import { backboneOf, startOfEncoder, type ModuleNode } from './freezing.ts';

export type Phases = readonly PhaseConfig[];

/** 1-based epochs of a phase, both inclusive. */
export interface PhaseSpan {
  first: number;
  last: number;
}

export function totalEpochs(phases: Phases): number {
  return phases.reduce((sum, phase) => sum + phase.epochs, 0);
}

export function phaseSpans(phases: Phases): PhaseSpan[] {
  let before = 0;
  return phases.map(({ epochs }) => {
    const span = { first: before + 1, last: before + epochs };
    before += epochs;
    return span;
  });
}

const firstPhase = 'phases.0.';

/** The knobs of a plan with so many phases: templates give those of the first, and the others have the same. */
export function knobsOfPhases(knobs: readonly Knob[], phaseCount: number): Knob[] {
  return knobs.flatMap((knob) => {
    if (!knob.path.startsWith(firstPhase)) return [knob];
    return Array.from({ length: phaseCount }, (_, index) =>
      index === 0 ? knob : { ...knob, path: knob.path.replace(firstPhase, `phases.${index}.`) },
    );
  });
}

/** 0-based; null where the path is not one of a phase. */
export function phaseOfPath(path: string): number | null {
  const [, index] = /^phases\.(\d+)\./.exec(path) ?? [];
  return index === undefined ? null : Number(index);
}

/** What most often follows a phase: the same again with everything thawed, and no second warm-up. */
export function phaseAfter(phase: PhaseConfig): PhaseConfig {
  return { ...phase, freeze: [], warmup: { ...phase.warmup, epochs: 0 } };
}

/** `items` with the one at `from` put where `to` is. */
export function moved<T>(items: readonly T[], from: number, to: number): T[] {
  const rest = items.toSpliced(from, 1);
  return rest.toSpliced(to, 0, items[from]!);
}

/** A ready-made list of phases. It keeps the optimiser, the learning rate and, unless it has its own, the sum of epochs. */
export interface Recipe {
  label: string;
  /** One line in a menu. */
  explanation: string;
  /** In all, whatever was planned before. */
  ownEpochs?: number;
  phases(first: PhaseConfig, epochs: number, modules: readonly ModuleNode[]): PhaseConfig[];
}

const still = { kind: 'constant' } as const;
const cosine = { kind: 'cosine', finalFactor: 0.01 } as const;
const noWarmup = { epochs: 0, startFactor: 0.1 };

export const recipes: readonly Recipe[] = [
  {
    label: 'One phase, constant rate',
    explanation: 'The simplest plan',
    phases: (first, epochs) => [{ ...first, epochs, freeze: [], warmup: noWarmup, schedule: still }],
  },
  {
    label: 'Warm up, then cosine',
    explanation: 'Rises for a moment, then falls smoothly',
    phases: (first, epochs) => [
      {
        ...first,
        epochs,
        freeze: [],
        warmup: { epochs: Math.min(3, Math.max(1, Math.round(epochs / 10))), startFactor: 0.1 },
        schedule: cosine,
      },
    ],
  },
  {
    label: 'One cycle',
    explanation: 'Rises for a third, then falls to almost nothing',
    phases: (first, epochs) => [
      {
        ...first,
        epochs,
        freeze: [],
        warmup: noWarmup,
        schedule: { kind: 'one-cycle', startFactor: 0.04, finalFactor: 0.0001, riseFraction: 0.3 },
      },
    ],
  },
  {
    label: 'Freeze, then unfreeze',
    explanation: 'Trains the last layers first, then all with a tenth of the rate, decaying',
    phases: (first, epochs, modules) => {
      const frozenEpochs = Math.max(1, Math.round(epochs / 4));
      const head = { ...first, epochs: frozenEpochs, freeze: backboneOf(modules), schedule: still };
      const all = phaseAfter(first);
      const learningRate = Number((first.learningRate / 10).toPrecision(6));
      return [head, { ...all, epochs: Math.max(1, epochs - frozenEpochs), learningRate, schedule: cosine }];
    },
  },
  {
    label: 'Frozen for 20 epochs, then 30 more',
    explanation: 'First the encoder’s three first parts; the rate × 0.95 an epoch',
    ownEpochs: 50,
    phases: (first, _epochs, modules) => {
      const schedule = { kind: 'exponential', gamma: 0.95 } as const;
      const frozen = { ...first, epochs: 20, freeze: startOfEncoder(modules, 3), warmup: noWarmup, schedule };
      // Each phase's schedule begins anew, so the second goes on from where the first has decayed to.
      const learningRate = Number((first.learningRate * schedule.gamma ** frozen.epochs).toPrecision(6));
      return [frozen, { ...frozen, epochs: 30, freeze: [], learningRate }];
    },
  },
];
