import { describe, expect, it } from 'vitest';
import type { LayerRow } from '../../../src-main/contract/model/model-spec.ts';
import { describeModel } from '../../../src-main/engine/zoo/registry.ts';
import {
  backboneOf,
  freezeState,
  frozenInstead,
  moduleTree,
  trainableCount,
  withFrozen,
  type ModuleNode,
} from '../../../src-renderer/state/freezing.ts';

const layer = (path: string, count: number): LayerRow => ({
  path,
  kind: 'conv2d',
  settings: '',
  inputShapes: [],
  outputShape: [],
  formula: null,
  parameterCount: count,
  trainableCount: count,
});
const layers = [
  layer('encoder.0.conv', 10),
  layer('encoder.0.norm', 2),
  layer('encoder.1.conv', 20),
  layer('pool', 0),
  layer('head', 5),
];
const tree = moduleTree(layers);

function node(path: string, nodes: readonly ModuleNode[] = tree): ModuleNode {
  const found = nodes.find((candidate) => path === candidate.path || path.startsWith(`${candidate.path}.`))!;
  return found.path === path ? found : node(path, found.children);
}

describe('the tree of modules', () => {
  it('has modules with something to train, and sums up what is below them', () => {
    expect(tree.map(({ path, parameterCount }) => [path, parameterCount])).toEqual([
      ['encoder', 32],
      ['head', 5],
    ]);
    expect(node('encoder.0').children.map(({ name, kind }) => [name, kind])).toEqual([
      ['conv', 'conv2d'],
      ['norm', 'conv2d'],
    ]);
  });

  it('says what is frozen by a path above, and what only in parts', () => {
    expect(freezeState(node('encoder.0.conv'), ['encoder'])).toBe('frozen');
    expect(freezeState(node('encoder'), ['encoder.0'])).toBe('partly');
    expect(freezeState(node('encoder'), ['encoder.0', 'encoder.1.conv'])).toBe('frozen');
    expect(freezeState(node('encoder'), ['enc'])).toBe('free');
  });
});

describe('freezing and thawing', () => {
  it('writes the shortest list, in the order of the network', () => {
    expect(withFrozen(tree, ['head'], 'encoder.1', true)).toEqual(['encoder.1', 'head']);
    expect(withFrozen(tree, ['encoder.1'], 'encoder.0', true)).toEqual(['encoder']);
    expect(withFrozen(tree, ['encoder.0.conv'], 'encoder.0.norm', true)).toEqual(['encoder.0']);
  });

  it('takes a module out of one that is frozen as a whole', () => {
    expect(withFrozen(tree, ['encoder'], 'encoder.0.norm', false)).toEqual(['encoder.0.conv', 'encoder.1']);
    expect(withFrozen(tree, ['encoder', 'head'], 'encoder', false)).toEqual(['head']);
  });

  it('drops paths that the network does not have', () => {
    expect(withFrozen(tree, ['norm9'], 'head', true)).toEqual(['head']);
  });
});

describe('what still trains', () => {
  it('agrees with what the engine says, for every single layer of LeNet-5', () => {
    const describe = (freeze: string[]) =>
      describeModel('lenet5', { batchNorm: true, dropout: 0 }, [3, 32, 32], 10, freeze);
    const { layers: rows } = describe([]);
    for (const freeze of [[], ...rows.map((row) => [row.path])]) {
      expect(trainableCount(rows, freeze), freeze.join()).toBe(describe(freeze).trainableCount);
    }
  });
});

describe('the backbone', () => {
  it('is the module of that name, else all but the last', () => {
    expect(backboneOf(tree)).toEqual(['encoder']);
    expect(backboneOf(moduleTree([layer('conv1', 1), layer('conv2', 1), layer('fc', 1)]))).toEqual(['conv1', 'conv2']);
    expect(backboneOf(moduleTree([layer('model.0', 1), layer('model.1', 1), layer('model.2', 1)]))).toEqual([
      'model.0',
      'model.1',
    ]);
    expect(backboneOf([])).toEqual([]);
  });
});

describe('another network in its place', () => {
  const other = moduleTree(['stem', 'first', 'second', 'third'].map((name) => layer(`encoder.${name}`, 1)));
  const headless = moduleTree([layer('encoder.a', 1), layer('encoder.b', 1), layer('head', 1)]);

  it('has as many of its encoder’s first children frozen, or all of it', () => {
    expect(frozenInstead(other, headless, ['encoder.stem'])).toEqual(['encoder.a']);
    expect(frozenInstead(other, headless, ['encoder.stem', 'encoder.first', 'encoder.second'])).toEqual([
      'encoder.a',
      'encoder.b',
    ]);
    expect(frozenInstead(headless, other, ['encoder.a', 'encoder.b'])).toEqual(['encoder']);
  });

  it('keeps what it has, and does not guess', () => {
    expect(frozenInstead(other, headless, [])).toEqual([]);
    expect(frozenInstead(headless, other, ['encoder'])).toEqual(['encoder']);
    expect(frozenInstead(other, headless, ['encoder.third'])).toBeNull();
    expect(frozenInstead(other, moduleTree([layer('conv1', 1), layer('fc', 1)]), ['encoder.stem'])).toBeNull();
  });
});
