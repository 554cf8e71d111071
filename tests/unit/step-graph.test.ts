/** What a training graph is made of: nothing that the configuration does not ask for. */
import { describe, expect, test } from 'vitest';
import { usualMonitoring } from '../../src-main/contract/model/monitoring.ts';
import type { OptimiserConfig, PhaseConfig, RunConfig } from '../../src-main/contract/model/run.ts';
import { isGraph, type Graph } from '../../src-main/engine/graph/types.ts';
import { carriedVectors, stateLayout, updateSettings } from '../../src-main/engine/train/state-layout.ts';
import { buildTrainGraph } from '../../src-main/engine/train/step-graph.ts';
import { modelSpec, planModel } from '../../src-main/engine/zoo/registry.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { adam, phase, smallConfig } from '../helpers/run-config.ts';
import { taskOf } from '../helpers/training-run.ts';

const plan = planModel('lenet5', { batchNorm: true, dropout: 0 }, [3, 32, 32], 10);

const unwatched = { ...usualMonitoring, layers: 'nothing' as const };

function graphOf(phaseChanges: Partial<PhaseConfig> = {}, changes: Partial<RunConfig> = {}): Graph {
  const config = smallConfig({ monitoring: unwatched, ...changes });
  const settings = phase(phaseChanges);
  return buildTrainGraph({
    plan,
    layout: stateLayout(plan, settings),
    update: updateSettings(config, settings),
    preprocessing: modelSpec('lenet5').preprocessing,
    augmentation: config.augmentation,
    task: taskOf(config),
    imageCount: 100,
    batchSize: 64,
    maximumSteps: 64,
    seed: 0,
  });
}

function bodyOf(graph: Graph): Graph {
  const body = graph.nodes.find(({ opType }) => opType === 'Loop')?.attributes['body'];
  if (body === undefined || !isGraph(body)) throw new Error(`${graph.name} has no Loop`);
  return body;
}

const operators = (graph: Graph, scope: string): string[] =>
  graph.nodes.filter(({ name }) => name.startsWith(`${scope}/`)).map(({ opType }) => opType);
const inputs = (graph: Graph): string[] => graph.inputs.map(({ name }) => name);

describe('the default graph', () => {
  test('is fed and carries what Adam needs, and no more', () => {
    expect(inputs(graphOf())).toEqual([
      'images',
      'indices',
      'labels',
      'numbers',
      'steps',
      'firstStep',
      'parameters',
      'firstMoment',
      'secondMoment',
      'buffers',
    ]);
  });

  test('carries the gradient too where the layers are watched', () => {
    const more = inputs(graphOf({}, { monitoring: usualMonitoring })).filter(
      (name) => !inputs(graphOf()).includes(name),
    );
    expect(more).toEqual(['shownGradient']);
  });

  test('has Adam’s formula as its update, and no Loop in its Loop', () => {
    const body = bodyOf(graphOf());
    // Two numbers; β₁m + (1−β₁)g; β₂v + (1−β₂)g²; √v·c + ε; p − m·η/…
    expect(operators(body, 'optimiser').length).toBeLessThanOrEqual(2 + 3 + 4 + 3 + 3);
    expect(body.nodes.some(({ opType }) => opType === 'Loop')).toBe(false);
  });

  test('does not touch the images', () => {
    expect(operators(bodyOf(graphOf()), 'augmentation')).toEqual([]);
    const augmented = graphOf({}, { augmentation: { ...noAugmentation, flipHorizontal: 0.5, shift: 1 } });
    expect(operators(bodyOf(augmented), 'augmentation').filter((opType) => opType === 'MatMul')).toHaveLength(2);
    expect(inputs(augmented)).toContain('draws');
    const flipped = graphOf({}, { augmentation: { ...noAugmentation, flipHorizontal: 0.5 } });
    expect(operators(bodyOf(flipped), 'augmentation').filter((opType) => opType === 'MatMul')).toHaveLength(1);
  });
});

describe('groups of parameters', () => {
  const names = (optimiser: OptimiserConfig, decayAll: boolean): string[][] =>
    stateLayout(plan, phase({ optimiser, decayAll })).groups.map(({ layout }) =>
      layout.entries.map(({ name }) => name),
    );

  test('are one where nothing decays or everything does', () => {
    const all = plan.parameters.map(({ name }) => name);
    expect(names(adam, false)).toEqual([all]);
    expect(names({ ...adam, weightDecay: 0.1 }, true)).toEqual([all]);
  });

  test('are two where biases and norms are spared', () => {
    const [decayed, spared] = names({ ...adam, weightDecay: 0.1 }, false);
    expect(decayed).toEqual(['conv1.weight', 'conv2.weight', 'fc1.weight', 'fc2.weight', 'fc3.weight']);
    expect(spared).toEqual(expect.arrayContaining(['conv1.bias', 'norm1.weight', 'norm1.bias', 'fc3.bias']));
    expect(decayed!.length + spared!.length).toBe(plan.parameters.length);
  });

  test('are never empty', () => {
    const biasesOnly = plan.parameters.filter(({ shape }) => shape.length > 1).map(({ name }) => name);
    const layout = stateLayout(
      { ...plan, parameters: plan.parameters.filter(({ name }) => !biasesOnly.includes(name)) },
      phase({ optimiser: { ...adam, weightDecay: 0.1 } }),
    );
    expect(layout.groups.map(({ decays }) => decays)).toEqual([false]);
  });
});

test('accumulation, averages and groups are carried beside the weights', () => {
  const settings = phase({ optimiser: { ...adam, weightDecay: 0.1 }, freeze: ['conv1'] });
  const config = smallConfig({ accumulation: 2, ema: { decay: 0.9, warmupSteps: 1 }, monitoring: unwatched });
  const update = updateSettings(config, settings);
  const vectors = carriedVectors(stateLayout(plan, settings), { ...update, averages: 'everything' });
  const ofGroup = ['parameters', 'firstMoment', 'secondMoment', 'gradientSum', 'average'];
  expect(vectors.map(({ name }) => name)).toEqual([
    ...ofGroup,
    ...ofGroup.map((name) => `${name}Undecayed`),
    'buffers',
    'averageBuffers',
    'averageFrozen',
  ]);
});
