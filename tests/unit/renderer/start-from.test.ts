/** What a plan starts from: in words, as a change that can be undone, and as a pair of runs. */
import { describe, expect, test } from 'vitest';
import type { WeightsFit } from '../../../src-main/contract/model/weights.ts';
import { comparisons, freshText } from '../../../src-renderer/features/weights/fit-words.ts';

const fit: WeightsFit = {
  naming: 'torchvision or timm ResNet',
  prefix: '',
  total: 102,
  loaded: 100,
  totalElements: 11_000_000,
  loadedElements: 10_990_000,
  fresh: [
    { name: 'fc.weight', reason: 'shape', fileShape: [1000, 512] },
    { name: 'fc.bias', reason: 'absent', fileShape: null },
  ],
  unused: 2,
  unusedNames: ['fc.weight', 'fc.bias'],
  rebuiltNorms: 0,
  padding: { weights: 'same', network: 'symmetric' },
  scaling: { weights: 'imagenet', network: 'imagenet' },
};

describe('a card says', () => {
  test('what differs between weights and network, and nothing of what is not known', () => {
    expect(comparisons(fit)).toEqual([
      { term: 'Padding', differs: true, text: 'TensorFlow’s “same”; the network: both sides alike' },
      { term: 'Pixels', differs: false, text: 'ImageNet’s means and deviations' },
    ]);
    const unknown = { weights: null, network: 'symmetric' } as const;
    expect(comparisons({ ...fit, padding: unknown })).toHaveLength(1);
    expect(comparisons({ ...fit, padding: { weights: 'same', network: null } })[0]).toMatchObject({ differs: false });
  });

  test('why a tensor is new', () => {
    expect(fit.fresh.map(freshText)).toEqual(['fc.weight: [1000, 512] in the file', 'fc.bias: not in the file']);
  });
});
