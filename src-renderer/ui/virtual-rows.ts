/** Which rows of a long list are in sight, where all rows have one height. Pure. */

export interface RowRange {
  first: number;
  /** Exclusive. */
  end: number;
}

export function rowsInSight(scrollPx: number, viewPx: number, rowPx: number, count: number, ahead = 4): RowRange {
  const first = Math.min(count, Math.max(0, Math.floor(scrollPx / rowPx) - ahead));
  const end = Math.min(count, Math.ceil((scrollPx + viewPx) / rowPx) + ahead);
  return { first, end: Math.max(first, end) };
}

/** The nearest scroll position at which the row is whole in sight. */
export function scrollToRow(row: number, scrollPx: number, viewPx: number, rowPx: number): number {
  const top = row * rowPx;
  if (top < scrollPx) return top;
  return Math.max(scrollPx, top + rowPx - viewPx);
}
