import { describe, expect, it } from 'vitest';
import { layerRows, skipArcs } from '../../../src-renderer/charts/layer-graph.ts';

const layers = (sources: string[][]) => sources.map((each, i) => ({ path: `l${i}`, sources: each }));

describe('arcs of a network', () => {
  it('are none where each layer reads the one before it', () => {
    expect(skipArcs(layers([['input'], ['l0'], ['l1']]))).toEqual([]);
  });

  it('lead over what is skipped, short ones inside, side by side in one lane', () => {
    const arcs = skipArcs(layers([['input'], ['l0'], ['l1', 'l0'], ['l2'], ['l3', 'l2'], ['l4', 'l0']]));
    expect(arcs).toEqual([
      { from: 0, to: 2, lane: 0 },
      { from: 2, to: 4, lane: 0 },
      { from: 0, to: 5, lane: 1 },
    ]);
  });

  it('begin at the image where that is read again', () => {
    expect(skipArcs(layers([['input'], ['l0', 'input']]))).toEqual([{ from: -1, to: 1, lane: 0 }]);
  });
});

describe('networks side by side', () => {
  const layer = (path: string, min = 0, max = 1) => ({
    path,
    kind: 'relu',
    shape: [1],
    sources: [],
    mean: 0,
    deviation: 1,
    min,
    max,
    zeros: 0,
    histogram: new Uint32Array(1),
  });

  it('have layers of one name in one row, and what one of them adds where it has it', () => {
    const rows = layerRows([
      [layer('conv1'), layer('relu1'), layer('fc')],
      [layer('conv1', -3, 0), layer('norm1'), layer('relu1'), layer('fc')],
    ]);
    expect(rows.map(({ path, layers }) => [path, layers.map((each) => each !== null)])).toEqual([
      ['conv1', [true, true]],
      ['norm1', [false, true]],
      ['relu1', [true, true]],
      ['fc', [true, true]],
    ]);
    expect([rows[0]!.from, rows[0]!.to]).toEqual([-3, 1]);
  });
});
