/**
 * Masks of single objects, on a grid of cells of four input pixels. An image's truth is one map that says which object a
 * pixel shows (`SplitData.masks` beside its objects); where outlines overlap it shows the smaller object, as in the published
 * recipe, in training and where a run is measured.
 */
import { FoveaError } from '../../../contract/errors.ts';
import { decodeCellMask, encodeCellMask, type CellMask } from '../../../contract/geometry/cell-mask.ts';
import type { AnchoredCandidates } from '../../../contract/geometry/non-max-suppression.ts';
import { placementOf, toImage, type Letterbox } from '../../data/letterbox.ts';
import { SplitImages, type ExampleImages, type ImageFeed } from '../../data/split-images.ts';
import { noObject, type SplitData } from '../../data/training-data.ts';
import { sizeOf, tensor, type Value } from '../../graph/types.ts';
import { maskLoss, maskStride } from '../../nn/losses/detection/mask-loss.ts';
import type { ImageSource } from './definition.ts';
import type { DetectionHead, HeadLabels } from './detection-head.ts';
import { castTo, type KeptRows, type NodeWriter } from './detection-suppression.ts';

/** size: the input's [height, width] px; gain: of the mask's loss. */
export function maskHead([height, width]: readonly [number, number], gain: number): DetectionHead {
  const grid: Grid = { rows: height / maskStride, columns: width / maskStride };
  return {
    kind: 'masks',
    labelLength: grid.rows * grid.columns,
    lossParts: [{ name: 'mask', train: 'train/maskLoss', test: 'test/maskLoss' }],
    metrics: {
      precision: 'test/maskPrecision',
      recall: 'test/maskRecall',
      ap50: 'test/maskAp50',
      ap75: 'test/maskAp75',
      ap: 'test/maskAp',
    },
    openLabels: (split, source, images) => InstanceMaps.open(split, source, images, grid),
    loss: (g, { outputs, labels, objects, assignment }) => ({
      mask: maskLoss(g, named(outputs), { instances: labels, bboxXyxy: objects.bboxXyxy }, assignment, gain),
    }),
    predictions: (_g, outputs) => named(outputs),
    says: ({ coefficients, prototypes }, candidates, placement) => {
      const [shares, maps] = [coefficients!.data as Float32Array, prototypes!.data as Float32Array];
      return (candidate) => saidMask({ shares, maps, grid }, candidates, candidate, placement);
    },
    exported: {
      columns: (_g, outputs) => named(outputs).coefficients,
      more: (_g, outputs) => ({ output1: named(outputs).prototypes }),
      found: (shares, { output1 }, candidates, placement) => {
        const maps = output1!.data as Float32Array;
        return (candidate) => ({ mask: [...saidMask({ shares, maps, grid }, candidates, candidate, placement)] });
      },
      decided: (nodes, kept, count) => masksOfKept(nodes, kept, { count, grid }),
      isSaid: ({ mask }, { masks }, row) =>
        isSameMask(decodeCellMask(Uint8Array.from(mask!)), masks!.data as Uint8Array, row, grid),
    },
  };
}

/** "masks", uint8 [1, count, rows, columns]: 1 where coefficients · prototypes is above 0 and the cell's left and upper edge lie in the box. */
function masksOfKept(
  nodes: NodeWriter,
  { detections, columns, more }: KeptRows,
  { count, grid }: { count: number; grid: Grid },
): Value {
  const { output1 } = more;
  const prototypes = output1!.shape[1]!;
  const shape = [count, grid.rows, grid.columns];
  const maps = nodes.add('maps', 'Reshape', [
    output1!,
    nodes.integers('maps shape', prototypes, grid.rows * grid.columns),
  ]);
  const product = nodes.add('products', 'MatMul', [columns, maps]);
  const logits = nodes.add('logits', 'Reshape', [product, nodes.integers('logits shape', ...shape)]);
  const isShown = nodes.add('isShown', 'Greater', [logits, nodes.constant('zero', tensor('float32', [], [0]))]);
  const sides = nodes.all(
    ['left', 'top', 'right', 'bottom', 'unused'],
    'Split',
    [detections, nodes.integers('side widths', 1, 1, 1, 1, 2)],
    { axis: 1 },
  );
  const asMaps = nodes.integers('side shape', count, 1, 1);
  const [left, top, right, bottom] = sides
    .slice(0, 4)
    .map((side) => nodes.add(`${side.name} side`, 'Reshape', [side, asMaps]));
  const between = (name: string, low: Value, high: Value, edgeShape: number[]): Value => {
    const places = Array.from({ length: sizeOf(edgeShape) }, (_, i) => i * maskStride);
    const edges = nodes.constant(`${name} edges`, tensor('float32', edgeShape, places));
    return nodes.add(name, 'And', [
      nodes.add(`${name} behind`, 'GreaterOrEqual', [edges, low]),
      nodes.add(`${name} before`, 'Less', [edges, high]),
    ]);
  };
  const inBox = nodes.add('inBox', 'And', [
    between('in columns', left!, right!, [1, 1, grid.columns]),
    between('in rows', top!, bottom!, [1, grid.rows, 1]),
  ]);
  const cells = nodes.add('cells', 'Cast', [nodes.add('isObject', 'And', [isShown, inBox])], { to: castTo.uint8 });
  const type = { dataType: 'uint8' as const, shape: [1, ...shape] };
  return nodes.output('masks', 'Unsqueeze', [cells, nodes.integers('masks axis', 0)], type);
}

/** Cells may fall the other way by rounding: one, or this share of a mask's window. */
const roundedCells = 0.01;

function isSameMask(wanted: CellMask, masks: Uint8Array, row: number, grid: Grid): boolean {
  const { column, row: top, columns, rows, cells } = wanted;
  const plane = grid.rows * grid.columns;
  const got = masks.subarray(row * plane, (row + 1) * plane);
  let [different, inWindow] = [0, 0];
  for (let y = 0, at = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, at++) {
      const cell = got[(top + y) * grid.columns + column + x]!;
      inWindow += cell;
      if (cell !== cells[at]) different++;
    }
  }
  const outside = got.reduce((sum, cell) => sum + cell, 0) - inWindow;
  return different + outside <= Math.max(1, roundedCells * cells.length);
}

interface Grid {
  rows: number;
  columns: number;
}

function named(outputs: readonly Value[]): { coefficients: Value; prototypes: Value } {
  const [coefficients, prototypes] = outputs as [Value, Value];
  return { coefficients, prototypes };
}

interface SaidMasks {
  /** [P, A] */
  shares: Float32Array;
  /** [P, rows, columns] */
  maps: Float32Array;
  grid: Grid;
}

/** Where coefficients · prototypes is above 0 inside the candidate's box, as bytes. */
function saidMask(
  { shares, maps, grid }: SaidMasks,
  { bboxXyxy, anchors }: AnchoredCandidates,
  candidate: number,
  placement: Letterbox,
): Uint8Array {
  const cell = (side: number, most: number): number =>
    Math.min(most, Math.max(0, Math.ceil(bboxXyxy[4 * candidate + side]! / maskStride)));
  const [left, right] = [cell(0, grid.columns), cell(2, grid.columns)];
  const [top, bottom] = [cell(1, grid.rows), cell(3, grid.rows)];
  const window: Window = {
    column: left,
    row: top,
    columns: Math.max(0, right - left),
    rows: Math.max(0, bottom - top),
  };
  const logits = new Float32Array(window.columns * window.rows);
  const plane = grid.rows * grid.columns;
  const [count, anchorCount] = [maps.length / plane, (shares.length * plane) / maps.length];
  for (let prototype = 0; prototype < count; prototype++) {
    const share = shares[prototype * anchorCount + anchors[candidate]!]!;
    for (let y = 0, at = 0; y < window.rows; y++) {
      const from = prototype * plane + (top + y) * grid.columns + left;
      for (let x = 0; x < window.columns; x++) logits[at++]! += share * maps[from + x]!;
    }
  }
  return encoded(
    window,
    Uint8Array.from(logits, (logit) => Number(logit > 0)),
    placement,
  );
}

interface Window {
  column: number;
  row: number;
  columns: number;
  rows: number;
}

function encoded(window: Window, cells: Uint8Array, placement: Letterbox): Uint8Array {
  const { column, row, columns, rows } = window;
  const sides = [column, row, column + columns, row + rows].map((side) => side * maskStride);
  return encodeCellMask({ ...window, bboxXyxy: toImage(placement, sides as [number, number, number, number]), cells });
}

/** Maps of one channel, each pixel 1 + its object's place among all of the image's, or `noObject`. */
class InstanceMaps implements HeadLabels {
  private readonly maps: SplitImages;
  private readonly split: SplitData;
  private readonly source: ImageSource;
  private readonly grid: Grid;

  private constructor(maps: SplitImages, split: SplitData, source: ImageSource, grid: Grid) {
    this.maps = maps;
    this.split = split;
    this.source = source;
    this.grid = grid;
  }

  static async open(
    split: SplitData,
    source: ImageSource,
    images: ExampleImages | null,
    grid: Grid,
  ): Promise<InstanceMaps> {
    if (!split.masks)
      throw new FoveaError('bad-input', 'The images have no masks of their objects, so none can be learned from them.');
    // What is in memory as labels need not be there as maps too.
    const maps = await SplitImages.open(split.masks, source.packs, 0);
    const [, height, width] = maps.imageShape;
    if (height === grid.rows * maskStride && width === grid.columns * maskStride && maps.imageShape[0] === 1)
      return new InstanceMaps(maps, split, source, grid);
    await maps.close();
    throw new FoveaError(
      'bad-input',
      `The masks must be of the images' size, got ${width}×${height} px${images ? ` for ${images.imageShape[2]}×${images.imageShape[1]}` : ''}.`,
    );
  }

  async write(target: Float32Array, position: number, objects: readonly number[]): Promise<void> {
    const rowOf = new Map(objects.map((object, row) => [object + 1, row + 1]));
    const cells = await this.cells(position);
    cells.forEach((value, cell) => (target[cell] = rowOf.get(value) ?? noObject));
  }

  writeMoved(target: Float32Array, { masks }: ImageFeed, row: number): void {
    const pixels = target.length * maskStride ** 2;
    target.set(cellsOf(masks!.subarray(row * pixels, (row + 1) * pixels), this.grid));
  }

  async payloads(position: number): Promise<Uint8Array[]> {
    const { columns } = this.grid;
    const cells = await this.cells(position);
    const placement = placementOf(this.source, this.split, position);
    const places = Array.from({ length: this.split.objects!.counts[position]! }, (): number[] => []);
    cells.forEach((value, cell) => places[value - 1]?.push(cell));
    return places.map((own) => {
      const window = own.length === 0 ? { column: 0, row: 0, columns: 0, rows: 0 } : windowAround(own, columns);
      const mask = new Uint8Array(window.columns * window.rows);
      for (const cell of own) {
        const [x, y] = [(cell % columns) - window.column, Math.floor(cell / columns) - window.row];
        mask[y * window.columns + x] = 1;
      }
      return encoded(window, mask, placement);
    });
  }

  close(): Promise<void> {
    return this.maps.close();
  }

  private async cells(position: number): Promise<Uint8Array> {
    const { images } = await this.maps.feed([position]);
    return cellsOf(images, this.grid);
  }
}

/** What the pixel in the middle of each cell says. */
function cellsOf(map: Uint8Array, { rows, columns }: Grid): Uint8Array {
  const middle = maskStride / 2;
  const width = columns * maskStride;
  const cells = new Uint8Array(rows * columns);
  for (let y = 0, at = 0; y < rows; y++) {
    const row = (y * maskStride + middle) * width + middle;
    for (let x = 0; x < columns; x++) cells[at++] = map[row + x * maskStride]!;
  }
  return cells;
}

function windowAround(cells: readonly number[], width: number): Window {
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  for (const cell of cells) {
    const [x, y] = [cell % width, Math.floor(cell / width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  }
  return { column: left, row: top, columns: right - left + 1, rows: bottom - top + 1 };
}
