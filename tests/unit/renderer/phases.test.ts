import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { runConfig, type PhaseConfig } from '../../../src-main/contract/model/run.ts';
import { learningRate, learningRates } from '../../../src-main/contract/model/schedule.ts';
import { groupKnobs } from '../../../src-renderer/features/train/knob-text.ts';
import {
  modulesText,
  parametersText,
  phaseSummary,
  spanText,
  trainableText,
} from '../../../src-renderer/features/train/plan-words.ts';
import { termsText } from '../../../src-renderer/features/train/loss-words.ts';
import { plannedMarks, plannedRates, ratesInWords } from '../../../src-renderer/state/learning-rate.ts';
import type { ModuleNode } from '../../../src-renderer/state/freezing.ts';
import { moved, phaseAfter, phaseSpans, recipes } from '../../../src-renderer/state/phases.ts';
import { sample } from '../../helpers/fake-backend.ts';

const first = sample.config.phases[0]!;
const phase = (changes: Partial<PhaseConfig>): PhaseConfig => ({ ...first, learningRate: 0.1, ...changes });

describe('phases in their order', () => {
  it('know their epochs', () => {
    expect(phaseSpans([phase({ epochs: 5 }), phase({ epochs: 1 })]).map(spanText)).toEqual(['Epochs 1–5', 'Epoch 6']);
  });

  it('are moved up and down', () => {
    expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a']);
    expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b']);
  });

  it('go on with everything thawed and no second warm-up', () => {
    const next = phaseAfter(phase({ freeze: ['conv1'], warmup: { epochs: 2, startFactor: 0.3 } }));
    expect(next).toEqual(phase({ freeze: [], warmup: { epochs: 0, startFactor: 0.3 } }));
  });
});

const node = (path: string, children: ModuleNode[] = []): ModuleNode => ({
  path,
  name: path.split('.').at(-1)!,
  kind: null,
  parameterCount: 1,
  children,
});
const modules = [node('conv1'), node('fc')];

describe('recipes', () => {
  it.each(recipes.map((recipe) => [recipe.label, recipe] as const))('%s: a valid plan', (_, recipe) => {
    for (const epochs of [1, 2, 20]) {
      const phases = recipe.phases(phase({ freeze: ['fc3'] }), epochs, modules);
      expect(v.safeParse(runConfig, { ...sample.config, phases }).issues).toBeUndefined();
      expect(phases.reduce((sum, { epochs: each }) => sum + each, 0)).toBe(
        recipe.ownEpochs ?? Math.max(epochs, phases.length),
      );
    }
  });

  it('freeze the backbone first, then train all with a tenth of the rate, decaying', () => {
    const { phases } = recipes.find(({ label }) => label === 'Freeze, then unfreeze')!;
    const [head, all] = phases(first, 20, modules);
    expect([head!.freeze, all!.freeze]).toEqual([['conv1'], []]);
    expect([head!.learningRate, all!.learningRate]).toEqual([0.001, 0.0001]);
    expect(all!.schedule.kind).toBe('cosine');
  });

  it('freeze three parts of the encoder for twenty epochs and decay on through thirty more', () => {
    const { phases } = recipes.find(({ ownEpochs }) => ownEpochs === 50)!;
    const parts = ['stem', 'norm', 'blocks', 'head'].map((name) => node(`encoder.${name}`));
    const [frozen, free] = phases(first, 7, [node('encoder', parts), node('decoder')]);
    expect([frozen!.freeze, free!.freeze]).toEqual([['encoder.stem', 'encoder.norm', 'encoder.blocks'], []]);
    expect([frozen!.epochs, free!.epochs]).toEqual([20, 30]);
    const rates = [...learningRates(frozen!, 1), ...learningRates(free!, 1)];
    expect(rates).toEqual(rates.map((_, epoch) => expect.closeTo(0.001 * 0.95 ** epoch, 8) as number));
  });
});

describe('planned rates', () => {
  const phases = [
    phase({ epochs: 2, warmup: { epochs: 1, startFactor: 0 } }),
    phase({ epochs: 3, learningRate: 0.02, schedule: { kind: 'exponential', gamma: 0.5 } }),
  ];

  it('hold each update for its whole length while there are few', () => {
    const { epochs, rates } = plannedRates(phases, 4);
    const exact = phases.flatMap((each) => [...learningRates(each, 4)]);
    expect([...rates]).toEqual(exact.flatMap((rate) => [rate, rate]));
    expect([epochs[0], epochs[1], epochs.at(-1)]).toEqual([0, 0.25, 5]);
  });

  it('are samples of the same function where there are many, turning points among them', () => {
    const updates = 5000;
    const { epochs, rates } = plannedRates(phases, updates);
    expect(epochs.length).toBeLessThan(4000);
    epochs.forEach((epoch, index) => {
      const at = epoch < 2 ? phases[0]! : phases[1]!;
      const update = Math.round((epoch < 2 ? epoch : epoch - 2) * updates);
      expect(rates[index]).toBe(learningRate(at, updates, update));
      if (index > 0) expect(epoch).toBeGreaterThan(epochs[index - 1]!);
    });
    for (const turn of [0, 1, 2 - 1 / updates, 2, 3 - 1 / updates, 3, 5 - 1 / updates]) {
      expect(
        epochs.some((epoch) => Math.abs(epoch - turn) < 1e-9),
        String(turn),
      ).toBe(true);
    }
  });

  it('stay few for a run of thousands of epochs', () => {
    expect(plannedRates([phase({ epochs: 10_000 })], 782).epochs.length).toBeLessThan(4000);
  });

  it('have marks where a phase begins and a warm-up ends', () => {
    expect(plannedMarks(phases)).toEqual([
      { x: 1, label: 'warmed up' },
      { x: 2, label: 'phase 2' },
    ]);
  });

  it('are told in a sentence', () => {
    const say = (list: PhaseConfig[]) => ratesInWords(list, 100, (rate) => String(Number(rate.toPrecision(2))));
    expect(say([phase({ epochs: 3 })])).toBe('0.1 over 3 epochs.');
    expect(say(phases)).toBe(
      'Phase 1: from 0 to 0.1 in 1 epoch of warm-up over 2 epochs. Phase 2: from 0.02 to 0.005 over 3 epochs.',
    );
    const warm = (epochs: number) => say([phase({ epochs, warmup: { epochs: 3, startFactor: 0 } })]);
    expect(warm(1)).toBe('From 0 to 0.033 over 1 epoch, the first of 3 epochs of warm-up.');
    expect(warm(2)).toBe('From 0 to 0.066 over 2 epochs, the first 2 of 3 epochs of warm-up.');
    expect(warm(3)).toBe('From 0 to 0.1 over 3 epochs, all of them warm-up.');
    const cycle = { kind: 'one-cycle', startFactor: 0.04, finalFactor: 0.01, riseFraction: 0.3 } as const;
    expect(say([phase({ epochs: 4, schedule: cycle })])).toBe('From 0.004 up to 0.1 and down to 0.001 over 4 epochs.');
  });
});

describe('phases in words', () => {
  it('name optimiser, rate and schedule', () => {
    expect(phaseSummary(first)).toBe('Adam 0.001, constant');
    expect(phaseSummary({ ...first, warmup: { epochs: 1, startFactor: 0.1 } })).toBe('Adam 0.001, warm-up, constant');
  });

  it('name few modules and count many', () => {
    expect(modulesText(['conv1', 'conv2', 'fc1'])).toBe('conv1, conv2, fc1');
    expect(modulesText(['a', 'b', 'c', 'd', 'e'])).toBe('a, b and 3 more');
  });

  it('say how much trains', () => {
    expect(trainableText(62_006, 62_006)).toBe('all 62,006 parameters train');
    expect(trainableText(850, 62_006)).toBe('850 of 62,006 parameters train');
  });
});

it('says what a loss is made of', () => {
  const terms = (classWeights: number[] | null) =>
    termsText({
      kind: 'sum',
      binary: false,
      terms: [
        { weight: 1, loss: { kind: 'cross-entropy', classWeights } },
        { weight: 0.5, loss: { kind: 'dice', smooth: 1 } },
      ],
    });
  expect(terms(null)).toBe('Cross-entropy + 0.5 × Dice');
  expect(terms([1, 2])).toBe('Cross-entropy with class weights + 0.5 × Dice');
  expect(termsText({ kind: 'cross-entropy', softmaxBeforeLoss: false })).toBeNull();
});

it('says of a network how much of it each phase trains', () => {
  const layer = (path: string, trainableCount: number) => ({
    path,
    kind: 'conv2d',
    settings: '',
    inputShapes: [],
    outputShape: [],
    formula: null,
    parameterCount: 0,
    trainableCount,
  });
  const layers = [layer('encoder.a', 1000), layer('decoder', 234)];
  expect(parametersText([phase({})], layers)).toBe('1,234 parameters, all trained');
  expect(parametersText([phase({ freeze: ['encoder'] }), phase({})], layers)).toBe(
    '1,234 parameters; phase 1 trains 234, phase 2 trains all',
  );
});

it('puts advanced settings under what they are about', () => {
  const knobs = ['seed', 'phases.1.clipNorm', 'ema.decay', 'augmentation.flipHorizontal', 'phases.0.warmup.epochs'].map(
    (path) =>
      ({
        path,
        label: path,
        explanation: '',
        group: 'advanced',
        control: { kind: 'boolean' },
        defaultValue: false,
      }) as const,
  );
  expect(groupKnobs(knobs).map((group) => [group.label, group.knobs.map(({ path }) => path)])).toEqual([
    ['Learning rate', ['phases.0.warmup.epochs']],
    ['Optimiser', ['phases.1.clipNorm']],
    ['Images', ['augmentation.flipHorizontal']],
    ['Updates and averages', ['ema.decay']],
    ['Other', ['seed']],
  ]);
});
