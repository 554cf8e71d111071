/** Histograms of different ranges as one picture: epochs to the right, values upwards, the share of each cell. Pure. */
import type { Spread } from '../../src-main/contract/model/monitoring.ts';

export interface Heat {
  rows: number;
  columns: number;
  /** [rows, columns], the highest values first; NaN where nothing was measured. */
  values: Float32Array;
}

export interface SpreadHeat extends Heat {
  /** What the rows span. */
  low: number;
  high: number;
  /** The epoch of each column. */
  epochs: Float64Array;
}

/** Null where no epoch has a histogram. Of more than `mostColumns` epochs some are passed over, evenly. */
export function heatOfSpread(
  { low, high, shares }: Spread,
  bins: number,
  epochs: Float64Array,
  { rows, mostColumns }: { rows: number; mostColumns: number },
): SpreadHeat | null {
  const measured = Array.from(epochs, (_, at) => at).filter((at) => Number.isFinite(low[at]));
  if (measured.length === 0) return null;
  const least = Math.min(...measured.map((at) => low[at]!));
  const greatest = Math.max(...measured.map((at) => high[at]!));
  const span = greatest - least || 1;
  const columns = Math.min(mostColumns, epochs.length);
  const shown = Array.from({ length: columns }, (_, i) =>
    columns === 1 ? epochs.length - 1 : Math.round((i * (epochs.length - 1)) / (columns - 1)),
  );
  const values = new Float32Array(rows * columns);
  shown.forEach((at, column) => {
    if (!Number.isFinite(low[at])) {
      for (let row = 0; row < rows; row++) values[row * columns + column] = NaN;
      return;
    }
    /** Where a value lies, in rows from the bottom. */
    const place = (bin: number): number => ((low[at]! + (bin / bins) * (high[at]! - low[at]!) - least) / span) * rows;
    for (let bin = 0; bin < bins; bin++) {
      const share = shares[at * bins + bin]! / 0xffff;
      if (share === 0) continue;
      const [from, to] = [place(bin), place(bin + 1)];
      for (let row = Math.min(rows - 1, Math.floor(from)); row < rows && row <= to; row++) {
        const overlap = to > from ? (Math.min(to, row + 1) - Math.max(from, row)) / (to - from) : 1;
        if (overlap <= 0) continue;
        values[(rows - 1 - row) * columns + column]! += share * overlap;
        if (to === from) break;
      }
    }
  });
  return { rows, columns, values, low: least, high: greatest, epochs: Float64Array.from(shown, (at) => epochs[at]!) };
}

export interface Ridge {
  /** Where it stands, as a share of the picture's height from the top. */
  base: number;
  /** From the lowest values to the highest, as shares of the picture's height. */
  heights: number[];
}

/** Of the picture's height for the highest ridge; they stand evenly on what is left. */
const ridgeShare = 0.35;

/** A ridge for each column in which something was measured, the first one highest up. */
export function ridgesOf({ rows, columns, values }: Heat): Ridge[] {
  const most = values.reduce((found, value) => (value > found ? value : found), 0) || 1;
  const measured = Array.from({ length: columns }, (_, column) => column).filter(
    (column) => !Number.isNaN(values[column]),
  );
  return measured.map((column) => ({
    base: columns === 1 ? 1 : ridgeShare + ((1 - ridgeShare) * column) / (columns - 1),
    heights: Array.from(
      { length: rows },
      (_, row) => (ridgeShare * values[(rows - 1 - row) * columns + column]!) / most,
    ),
  }));
}

/**
 * Norms of many sizes as one picture, a row a tensor: 0 for the least of all and 1 for the greatest, by their logarithm.
 * norms: [epochs, tensors].
 */
export function heatOfNorms(norms: Float32Array, tensors: number, mostColumns: number): Heat {
  const epochs = tensors === 0 ? 0 : norms.length / tensors;
  const columns = Math.min(mostColumns, epochs);
  let [least, greatest] = [Infinity, -Infinity];
  for (const norm of norms) {
    if (!(norm > 0 && Number.isFinite(norm))) continue;
    least = Math.min(least, norm);
    greatest = Math.max(greatest, norm);
  }
  const span = Math.log(greatest / least) || 1;
  const values = new Float32Array(tensors * columns);
  for (let column = 0; column < columns; column++) {
    const epoch = columns === 1 ? epochs - 1 : Math.round((column * (epochs - 1)) / (columns - 1));
    for (let row = 0; row < tensors; row++) {
      const norm = norms[epoch * tensors + row]!;
      values[row * columns + column] = Number.isFinite(norm) ? Math.max(0, Math.log(norm / least) / span) : NaN;
    }
  }
  return { rows: tensors, columns, values };
}
