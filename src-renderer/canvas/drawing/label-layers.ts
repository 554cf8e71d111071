/**
 * The fewest layers that keep the order of labels where it can be seen: drawn one after the other, each with its labels
 * looked at by their look, no label comes to lie under one of another look that it lies over. Most labels lie apart, so
 * that ten thousand come to a few dozen layers.
 */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import type { CanvasLabel } from './canvas-label.ts';

/** Boxes over more cells are compared with all others. */
const mostCells = 64;
const columns = 1 << 15;

interface Placed {
  readonly bounds: BboxXyxy;
  readonly look: string;
  readonly layer: number;
}

/** `marginPx`: how far a line reaches over its label's box, image px. The undermost layer first. */
export function inLayers(
  labels: readonly CanvasLabel[],
  lookOf: (label: CanvasLabel) => string,
  marginPx: number,
): CanvasLabel[][] {
  const looks = new Set(labels.map(lookOf));
  if (looks.size < 2) return labels.length === 0 ? [] : [[...labels]];
  const ordered = labels.toSorted((a, b) => a.z - b.z || a.id - b.id);
  const cellPx = cellSize(ordered);
  const cells = new Map<number, Placed[]>();
  const large: Placed[] = [];
  const all: Placed[] = [];
  const layers: CanvasLabel[][] = [];
  for (const label of ordered) {
    const [x1, y1, x2, y2] = label.bounds;
    const bounds: BboxXyxy = [x1 - marginPx, y1 - marginPx, x2 + marginPx, y2 + marginPx];
    const look = lookOf(label);
    const keys = cellsOf(bounds, cellPx);
    let layer = 0;
    const stack = (placed: readonly Placed[]): void => {
      for (const below of placed) {
        const least = below.look === look ? below.layer : below.layer + 1;
        if (least > layer && meet(below.bounds, bounds)) layer = least;
      }
    };
    stack(large);
    if (keys === null) stack(all);
    else for (const key of keys) stack(cells.get(key) ?? []);
    const own: Placed = { bounds, look, layer };
    all.push(own);
    if (keys === null) large.push(own);
    else {
      for (const key of keys) {
        const cell = cells.get(key);
        if (cell === undefined) cells.set(key, [own]);
        else cell.push(own);
      }
    }
    (layers[layer] ??= []).push(label);
  }
  return layers;
}

/** About twice a label's side, so that most touch one to four cells. */
function cellSize(labels: readonly CanvasLabel[]): number {
  const sides = labels.map(({ bounds: [x1, y1, x2, y2] }) => Math.max(x2 - x1, y2 - y1)).sort((a, b) => a - b);
  return Math.max(4, 2 * (sides[sides.length >> 1] ?? 0));
}

/** Null: too many. */
function cellsOf([x1, y1, x2, y2]: BboxXyxy, cellPx: number): number[] | null {
  const [left, top, right, bottom] = [x1, y1, x2, y2].map((value) => Math.floor(value / cellPx)) as [
    number,
    number,
    number,
    number,
  ];
  if ((right - left + 1) * (bottom - top + 1) > mostCells) return null;
  const keys: number[] = [];
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) keys.push(row * columns + column);
  }
  return keys;
}

function meet(a: BboxXyxy, b: BboxXyxy): boolean {
  return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
}
