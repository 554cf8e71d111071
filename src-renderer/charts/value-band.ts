/**
 * A dense curve as the band between the lowest and the highest value of each column. Filling it costs a fraction of
 * stroking the line that goes up and down between them, and shows the same. Pure.
 */

/** What the columns of a curve hold from one gap to the next. */
export interface Band {
  /** Their middles. */
  x: number[];
  low: number[];
  high: number[];
}

/**
 * `x`, `y`: ascending points as `thin` leaves them, of several curves in one table: `undefined` is no point of this curve,
 * null a gap, where a band ends. Columns begin at multiples of `width`. From `first` to `last`, both inclusive.
 */
export function bandsOf(
  x: ArrayLike<number>,
  y: ArrayLike<number | null | undefined>,
  width: number,
  first: number,
  last: number,
): Band[] {
  const bands: Band[] = [];
  let band: Band | null = null;
  let column = Number.NaN;
  for (let i = first; i <= last; i++) {
    const value = y[i];
    if (value === undefined) continue;
    if (value === null) {
      band = null;
      continue;
    }
    const at = Math.floor(x[i]! / width);
    if (band === null) bands.push((band = { x: [], low: [], high: [] }));
    const place = band.x.length - 1;
    if (at === column && place >= 0) {
      band.low[place] = Math.min(band.low[place]!, value);
      band.high[place] = Math.max(band.high[place]!, value);
    } else {
      column = at;
      band.x.push((at + 0.5) * width);
      band.low.push(value);
      band.high.push(value);
    }
  }
  return bands;
}
