/** A stretch of an axis of parallel coordinates: only lines that run through it count. Places are 0 at the bottom to 1 on top. Pure. */
import type { PlacedAxis } from './parallel-axes.ts';

export interface Brush {
  from: number;
  to: number;
}

/** A drag of less is a click. */
const shortest = 0.02;
/** Of a key. */
const step = 0.05;
/** So that a value that lies at the very end of a stretch is in it. */
const tolerance = 1e-9;

/** From where a drag began to where it is; null where that is a click, or outside. */
export function brushBetween(a: number, b: number): Brush | null {
  const [from, to] = [Math.max(0, Math.min(a, b)), Math.min(1, Math.max(a, b))];
  return to - from < shortest ? null : { from, to };
}

/** Lines without a value on a brushed axis are left out. `brushes`: one for each axis, null where all of it counts. */
export function isBrushed(axes: readonly PlacedAxis[], brushes: readonly (Brush | null)[], line: number): boolean {
  return axes.every(({ places }, axis) => {
    const brush = brushes[axis] ?? null;
    const place = places[line] ?? null;
    return brush === null || (place !== null && place >= brush.from - tolerance && place <= brush.to + tolerance);
  });
}

/**
 * What an arrow key makes of a stretch: up moves its lower end up, down its upper end down, and with Shift the same ends go
 * back. Null where it then is the whole axis.
 */
export function nudged(brush: Brush | null, key: 'ArrowUp' | 'ArrowDown', widen: boolean): Brush | null {
  const { from, to } = brush ?? { from: 0, to: 1 };
  const by = widen ? -step : step;
  const round = (place: number): number => Math.round(place * 1e6) / 1e6;
  const next =
    key === 'ArrowUp'
      ? { from: round(Math.max(0, Math.min(to - step, from + by))), to }
      : { from, to: round(Math.min(1, Math.max(from + step, to - by))) };
  return next.from <= 0 && next.to >= 1 ? null : next;
}

/** The ticks within, for whoever does not see the axis. */
export function brushText({ ticks }: PlacedAxis, brush: Brush | null): string {
  if (brush === null) return 'all';
  const within = ticks.filter(({ at }) => at >= brush.from - tolerance && at <= brush.to + tolerance);
  const shares = `${Math.round(brush.from * 100)} to ${Math.round(brush.to * 100)} % of the axis`;
  return within.length === 0 ? shares : `${shares}: ${within.map(({ label }) => label).join(', ')}`;
}
