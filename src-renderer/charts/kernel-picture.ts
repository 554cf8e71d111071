/**
 * Kernels of a convolution as pictures: which tiles a way of looking has, how they are laid out, and the pixels of each.
 * Zero is always the middle of the scale. Pure: pixels are plain arrays, drawing belongs to KernelGrid.svelte.
 */
import type { KernelSet } from '../../src-main/contract/model/run.ts';
import { divergingColour } from './diverging-scale.ts';

/** 'rgb': three input channels as red, green and blue. 'all': every pair of channels. A number: that input channel. */
export type KernelMode = 'rgb' | 'all' | number;

export interface Tile {
  outChannel: number;
  /** Null in 'rgb' mode, where a tile shows all three. */
  inChannel: number | null;
}

export function defaultMode(set: KernelSet): KernelMode {
  return set.inChannels === 3 ? 'rgb' : 'all';
}

/** Row by row; in 'all' a row is an input channel, because a layer mostly has more outputs, and screens are wide. */
export function tilesOf(set: KernelSet, mode: KernelMode): Tile[] {
  const outs = Array.from({ length: set.outChannels }, (_, index) => index);
  const row = (inChannel: number | null): Tile[] => outs.map((outChannel) => ({ outChannel, inChannel }));
  if (mode !== 'all') return row(mode === 'rgb' ? null : mode);
  return Array.from({ length: set.inChannels }, (_, inChannel) => row(inChannel)).flat();
}

/** The weights of a tile, [channels, kernelHeight, kernelWidth]: three channels for a tile that shows all, else one. */
export function tileValues(set: KernelSet, tile: Tile): Float32Array {
  const plane = set.kernelHeight * set.kernelWidth;
  const start = (tile.outChannel * set.inChannels + (tile.inChannel ?? 0)) * plane;
  return set.values.subarray(start, start + (tile.inChannel === null ? set.inChannels : 1) * plane);
}

/** The largest magnitude, the value at the ends of a scale around zero. */
export function magnitude(values: Float32Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** RGBA pixels, kernelHeight × kernelWidth, where ±`limit` are the ends of the scale. */
export function tilePixels(set: KernelSet, tile: Tile, limit: number): Uint8ClampedArray<ArrayBuffer> {
  const plane = set.kernelHeight * set.kernelWidth;
  const values = tileValues(set, tile);
  const pixels = new Uint8ClampedArray(plane * 4);
  const scaled = (index: number) => (limit === 0 ? 0 : values[index]! / limit);
  for (let index = 0; index < plane; index++) {
    const rgb =
      tile.inChannel === null
        ? [0, 1, 2].map((channel) => 127.5 + 127.5 * scaled(channel * plane + index))
        : divergingColour(scaled(index));
    pixels.set([...rgb, 255], index * 4);
  }
  return pixels;
}

export interface GridLayout {
  columns: number;
  rows: number;
  /** Size of a tile and the distance from one tile to the next, px. */
  tileWidthPx: number;
  tileHeightPx: number;
  pitchXPx: number;
  pitchYPx: number;
  /** Where the first tile begins: room for the row and column labels. */
  leftPx: number;
  topPx: number;
  widthPx: number;
  heightPx: number;
}

const gapPx = 8;
const matrixGapPx = 4;
const captionPx = 14;
const rowLabelPx = 44;

/** Screen pixels per weight at which the tiles of a layer are well seen together, a matrix without scrolling sideways. */
export function usualWeightPx(set: KernelSet, mode: KernelMode, availablePx: number): number {
  if (mode !== 'all') return set.outChannels <= 12 ? 20 : 14;
  const fitting = Math.floor(((availablePx - rowLabelPx) / set.outChannels - matrixGapPx) / set.kernelWidth);
  return Math.max(4, Math.min(14, fitting));
}

/** 'all' is a matrix, input channels down and output channels across, both labelled; the other modes wrap, each tile with its number under it. */
export function layoutGrid(set: KernelSet, mode: KernelMode, weightPx: number, availablePx: number): GridLayout {
  const tileWidthPx = set.kernelWidth * weightPx;
  const tileHeightPx = set.kernelHeight * weightPx;
  const matrix = mode === 'all';
  const gap = matrix ? matrixGapPx : gapPx;
  const pitchXPx = tileWidthPx + gap;
  const pitchYPx = tileHeightPx + gap + (matrix ? 0 : captionPx);
  const leftPx = matrix ? rowLabelPx : 0;
  const topPx = matrix ? captionPx + 2 : 0;
  const columns = matrix
    ? set.outChannels
    : Math.max(1, Math.min(set.outChannels, Math.floor((availablePx + gap) / pitchXPx)));
  const rows = Math.ceil(tilesOf(set, mode).length / columns);
  return {
    columns,
    rows,
    tileWidthPx,
    tileHeightPx,
    pitchXPx,
    pitchYPx,
    leftPx,
    topPx,
    widthPx: leftPx + columns * pitchXPx - gap,
    heightPx: topPx + rows * pitchYPx - (matrix ? gap : gap - 2),
  };
}

/** Index of the tile at a point of the grid, or null between tiles and beyond them. */
export function tileAt(layout: GridLayout, tileCount: number, xPx: number, yPx: number): number | null {
  const column = Math.floor((xPx - layout.leftPx) / layout.pitchXPx);
  const row = Math.floor((yPx - layout.topPx) / layout.pitchYPx);
  const inside =
    column >= 0 &&
    column < layout.columns &&
    row >= 0 &&
    xPx - layout.leftPx - column * layout.pitchXPx < layout.tileWidthPx &&
    yPx - layout.topPx - row * layout.pitchYPx < layout.tileHeightPx;
  const index = row * layout.columns + column;
  return inside && index < tileCount ? index : null;
}
