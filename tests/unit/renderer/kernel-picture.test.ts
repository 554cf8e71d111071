import { describe, expect, it } from 'vitest';
import type { KernelSet } from '../../../src-main/contract/model/run.ts';
import { divergingColour } from '../../../src-renderer/charts/diverging-scale.ts';
import {
  defaultMode,
  layoutGrid,
  magnitude,
  tileAt,
  tilePixels,
  tilesOf,
  tileValues,
  usualWeightPx,
} from '../../../src-renderer/charts/kernel-picture.ts';

function kernels(outChannels: number, inChannels: number, side: number): KernelSet {
  const values = Float32Array.from({ length: outChannels * inChannels * side * side }, (_, index) => index);
  return { layer: 'conv', label: 'C', outChannels, inChannels, kernelHeight: side, kernelWidth: side, values };
}

describe('tiles', () => {
  it('show three input channels as one RGB tile, others pair by pair with an input channel to a row', () => {
    const rgb = kernels(2, 3, 2);
    expect(defaultMode(rgb)).toBe('rgb');
    expect(tilesOf(rgb, 'rgb')).toEqual([
      { outChannel: 0, inChannel: null },
      { outChannel: 1, inChannel: null },
    ]);
    const deep = kernels(2, 4, 2);
    expect(defaultMode(deep)).toBe('all');
    expect(tilesOf(deep, 'all').slice(0, 3)).toEqual([
      { outChannel: 0, inChannel: 0 },
      { outChannel: 1, inChannel: 0 },
      { outChannel: 0, inChannel: 1 },
    ]);
    expect(tilesOf(deep, 3).map((tile) => tile.inChannel)).toEqual([3, 3]);
  });

  it('hold the weights of their channels, row-major', () => {
    const set = kernels(2, 3, 2);
    expect([...tileValues(set, { outChannel: 1, inChannel: 2 })]).toEqual([20, 21, 22, 23]);
    expect([...tileValues(set, { outChannel: 1, inChannel: null })]).toEqual(
      Array.from({ length: 12 }, (_, index) => 12 + index),
    );
  });
});

describe('pixels', () => {
  const set = { ...kernels(1, 3, 1), values: Float32Array.of(0.5, 0, -0.5) };

  it('mix three channels around mid-grey', () => {
    expect([...tilePixels(set, { outChannel: 0, inChannel: null }, 0.5)]).toEqual([255, 128, 0, 255]);
  });

  it('diverge around near-white, and hold at the ends of the scale', () => {
    expect([...tilePixels(set, { outChannel: 0, inChannel: 1 }, 0.5)]).toEqual([245, 245, 245, 255]);
    expect([...tilePixels(set, { outChannel: 0, inChannel: 0 }, 0.1)].slice(0, 3)).toEqual([...divergingColour(1)]);
    expect(divergingColour(-1)).toEqual([0, 68, 136]);
  });

  it('are all zero-coloured where every weight is zero', () => {
    const zero = { ...set, values: new Float32Array(3) };
    expect(magnitude(zero.values)).toBe(0);
    expect([...tilePixels(zero, { outChannel: 0, inChannel: 0 }, 0)]).toEqual([245, 245, 245, 255]);
  });
});

describe('the grid', () => {
  it('is a matrix of all channel pairs, sized so that it fits', () => {
    const c3 = kernels(16, 6, 5);
    const weightPx = usualWeightPx(c3, 'all', 880);
    const layout = layoutGrid(c3, 'all', weightPx, 880);
    expect([weightPx, layout.columns, layout.rows]).toEqual([9, 16, 6]);
    expect(layout.widthPx).toBeLessThanOrEqual(880);
    expect(layoutGrid(c3, 'all', weightPx + 1, 880).widthPx).toBeGreaterThan(880);
  });

  it('wraps single tiles into the room', () => {
    const layout = layoutGrid(kernels(6, 3, 5), 'rgb', 20, 330);
    expect([layout.columns, layout.rows, layout.tileWidthPx]).toEqual([3, 2, 100]);
  });

  it('finds the tile under the pointer, and none between tiles or beyond the last', () => {
    const set = kernels(5, 3, 5);
    const layout = layoutGrid(set, 'rgb', 20, 330);
    const at = (x: number, y: number) => tileAt(layout, tilesOf(set, 'rgb').length, x, y);
    expect(at(5, 5)).toBe(0);
    expect(at(104, 5)).toBeNull();
    expect(at(110, layout.pitchYPx + 5)).toBe(4);
    expect(at(220, layout.pitchYPx + 5)).toBeNull();
    expect(at(-1, 5)).toBeNull();
  });
});
