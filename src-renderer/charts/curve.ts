/**
 * A curve as a chart takes it, and the shaping between recorded values and drawn ones: smoothing, thinning, alignment
 * of curves with different x values, and the words that stand for a chart where it cannot be seen.
 * Pure: knows neither uPlot nor the DOM.
 */

export interface Curve {
  id: string;
  /** Named at the line's end and in the read-out. */
  label: string;
  /** Any CSS colour, `var(--series-3)` included. */
  colour: string;
  /** Evaluation is dashed, training is solid. */
  dashed: boolean;
  /** Ascending. */
  x: Float64Array;
  /** As long as `x`; a value that is not finite is a gap. */
  y: Float64Array;
  /** False: smoothing leaves it as it is, because its points are few and each is a measurement of its own. */
  smoothable: boolean;
}

/** A moment worth a mark on the x axis: best checkpoint, resume, cancel. */
export interface EventMark {
  x: number;
  label: string;
}

export interface Range {
  from: number;
  to: number;
}

/**
 * Exponential moving average, corrected for its start so that the first values are not drawn towards zero:
 * s ← w·s + (1 − w)·v, shown as s / (1 − wⁿ). `weight` in [0, 1); 0 returns the values as they are. Gaps stay gaps.
 */
export function smooth(values: Float64Array, weight: number): Float64Array {
  if (weight <= 0) return values;
  const smoothed = new Float64Array(values.length);
  let state = 0;
  let correction = 1;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (!Number.isFinite(value)) {
      smoothed[index] = Number.NaN;
      continue;
    }
    state = weight * state + (1 - weight) * value;
    correction *= weight;
    smoothed[index] = state / (1 - correction);
  }
  return smoothed;
}

/** Index of the first x that is not below `at`; `x.length` where all are. */
export function lowerBound(x: Float64Array, at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the x nearest to `at`, or −1 for an empty curve. */
export function nearestIndex(x: Float64Array, at: number): number {
  if (x.length === 0) return -1;
  const after = Math.min(lowerBound(x, at), x.length - 1);
  const before = Math.max(after - 1, 0);
  return at - x[before]! <= x[after]! - at ? before : after;
}

/**
 * The part of a curve that lies in `range`, with one neighbour on each side so that lines reach the edge. A dense one is
 * reduced to about `maxPoints` points: the lowest and the highest value of each column, in their order, so that no spike
 * is lost. Columns are a power of two wide and begin at multiples of it, so that they stay where they are while the range
 * moves, and all dense curves of a chart share their x values. `x` is within half a column of the truth.
 */
export function thin(
  x: Float64Array,
  y: Float64Array,
  range: Range,
  maxPoints: number,
): readonly [Float64Array, Float64Array] {
  const [start, end] = withNeighbours(x, range);
  if (end - start <= maxPoints) return [x.subarray(start, end), y.subarray(start, end)];
  const columns = columnsOf(x, y, columnWidth(range, maxPoints));
  const [first, last] = withNeighbours(columns.x, range);
  return [columns.x.subarray(first, last), columns.y.subarray(first, last)];
}

/**
 * The same part, reduced to the mean of each column of a dense curve: for what is smoothed already, which has no spikes to
 * lose. Gaps within a column are passed over.
 */
export function thinToMeans(
  x: Float64Array,
  y: Float64Array,
  range: Range,
  maxPoints: number,
): readonly [Float64Array, Float64Array] {
  const [start, end] = withNeighbours(x, range);
  if (end - start <= maxPoints) return [x.subarray(start, end), y.subarray(start, end)];
  const { middles, means } = columnsOf(x, y, columnWidth(range, maxPoints));
  const [first, last] = withNeighbours(middles, range);
  return [middles.subarray(first, last), means.subarray(first, last)];
}

/** Whether an axis of epochs or steps has ticks between whole numbers: where less than one is shown, or hardly more of curves with values between. */
export const dividesWholes = (curves: readonly Pick<Curve, 'x'>[], { from, to }: Range): boolean =>
  to - from < 1 || (to - from < 2 && curves.some(({ x }) => x.some((value) => !Number.isInteger(value))));

/** Of the columns that `thin` makes of a dense curve, in units of x. */
export const columnWidth = ({ from, to }: Range, maxPoints: number): number =>
  2 ** Math.ceil(Math.log2((to - from) / (maxPoints / 2)));

function withNeighbours(x: Float64Array, range: Range): [start: number, end: number] {
  return [Math.max(0, lowerBound(x, range.from) - 1), Math.min(x.length, lowerBound(x, range.to) + 1)];
}

interface Columns {
  width: number;
  /** The x values that they were made from. */
  of: Float64Array;
  x: Float64Array;
  y: Float64Array;
  /** One a column. */
  middles: Float64Array;
  means: Float64Array;
}

/** The latest columns of each curve, by its values: while the range only moves, they are the same. */
const latestColumns = new WeakMap<Float64Array, Columns>();

function columnsOf(x: Float64Array, y: Float64Array, width: number): Columns {
  const known = latestColumns.get(y);
  if (known?.width === width && known.of === x) return known;
  const xs: number[] = [];
  const ys: number[] = [];
  const middles: number[] = [];
  const means: number[] = [];
  for (let index = 0; index < x.length;) {
    const column = Math.floor(x[index]! / width);
    const next = (column + 1) * width;
    let lowest = -1;
    let highest = -1;
    let sum = 0;
    let count = 0;
    let until = index;
    for (; until < x.length && (x[until]! < next || until === index); until++) {
      const value = y[until]!;
      if (!Number.isFinite(value)) continue;
      sum += value;
      count++;
      if (lowest < 0 || value < y[lowest]!) lowest = until;
      if (highest < 0 || value > y[highest]!) highest = until;
    }
    middles.push((column + 0.5) * width);
    means.push(sum / count);
    xs.push((column + 0.25) * width);
    ys.push(lowest < 0 ? Number.NaN : y[Math.min(lowest, highest)]!);
    if (lowest !== highest) {
      xs.push((column + 0.75) * width);
      ys.push(y[Math.max(lowest, highest)]!);
    }
    index = until;
  }
  const [thinX, thinY] = [Float64Array.from(xs), Float64Array.from(ys)];
  const columns = {
    ...{ width, of: x, x: thinX, y: thinY },
    ...{ middles: Float64Array.from(middles), means: Float64Array.from(means) },
  };
  latestColumns.set(y, columns);
  return columns;
}

/**
 * A table as uPlot wants it: one ascending x column and one y column per curve. `undefined` where a curve has no point
 * at that x (its line runs on), null where it has a gap (its line breaks).
 */
export interface AlignedTable {
  x: number[];
  columns: (number | null | undefined)[][];
}

/** Merges curves with different x values. With `positiveOnly` (log scale) values ≤ 0 become gaps. */
export function alignCurves(
  curves: readonly (readonly [Float64Array, Float64Array])[],
  positiveOnly: boolean,
): AlignedTable {
  const x: number[] = [];
  const columns: (number | null | undefined)[][] = curves.map(() => []);
  const next = curves.map(() => 0);
  for (;;) {
    let at = Infinity;
    for (let curve = 0; curve < curves.length; curve++) {
      at = Math.min(at, curves[curve]![0][next[curve]!] ?? Infinity);
    }
    if (at === Infinity) return { x, columns };
    x.push(at);
    for (let curve = 0; curve < curves.length; curve++) {
      const [xs, ys] = curves[curve]!;
      const index = next[curve]!;
      if (xs[index] !== at) {
        columns[curve]!.push(undefined);
        continue;
      }
      const value = ys[index]!;
      columns[curve]!.push(Number.isFinite(value) && (!positiveOnly || value > 0) ? value : null);
      next[curve] = index + 1;
    }
  }
}

/** The last finite point of a curve, or null. */
export function lastPoint(curve: Pick<Curve, 'x' | 'y'>): { x: number; y: number } | null {
  for (let index = curve.y.length - 1; index >= 0; index--) {
    if (Number.isFinite(curve.y[index])) return { x: curve.x[index]!, y: curve.y[index]! };
  }
  return null;
}

/**
 * Moves labels apart so that none overlap: given wished centres (px from the top), returns centres in the same order,
 * at least `gap` apart and inside [top, bottom] where they fit, each as near to its wish as its neighbours allow.
 */
export function spreadLabels(wished: readonly number[], gap: number, top: number, bottom: number): number[] {
  const order = wished.map((_, index) => index).sort((a, b) => wished[a]! - wished[b]!);
  const placed = new Array<number>(wished.length).fill(0);
  let floor = top;
  for (const index of order) {
    placed[index] = Math.max(wished[index]!, floor);
    floor = placed[index]! + gap;
  }
  let ceiling = bottom;
  for (const index of order.toReversed()) {
    placed[index] = Math.min(placed[index]!, ceiling);
    ceiling = placed[index]! - gap;
  }
  return placed;
}

export interface CurveSummary {
  id: string;
  label: string;
  first: { x: number; y: number };
  last: { x: number; y: number };
  lowest: { x: number; y: number };
  highest: { x: number; y: number };
}

/** What the chart's table says of a curve; null for a curve without a finite value. */
export function summarise(curve: Curve): CurveSummary | null {
  let first = -1;
  let last = -1;
  let lowest = -1;
  let highest = -1;
  for (let index = 0; index < curve.y.length; index++) {
    const y = curve.y[index]!;
    if (!Number.isFinite(y)) continue;
    if (first < 0) first = lowest = highest = index;
    last = index;
    if (y < curve.y[lowest]!) lowest = index;
    if (y > curve.y[highest]!) highest = index;
  }
  if (first < 0) return null;
  const point = (index: number) => ({ x: curve.x[index]!, y: curve.y[index]! });
  return {
    id: curve.id,
    label: curve.label,
    first: point(first),
    last: point(last),
    lowest: point(lowest),
    highest: point(highest),
  };
}
