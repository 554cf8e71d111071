/**
 * What charts beside each other share: the cursor, the zoomed range, and the way of looking (x axis, smoothing,
 * scale). One instance per group of charts.
 */
import type { Range } from './curve.ts';

export type XAxis = 'epoch' | 'step' | 'time';

export class ChartView {
  xAxis = $state<XAxis>('epoch');
  /** Weight of the moving average, in [0, 1); 0 is off. */
  smoothing = $state(0);
  logarithmic = $state(false);
  /** Null shows everything. */
  range = $state.raw<Range | null>(null);
  /** x value under the pointer of any chart of the group. */
  cursor = $state<number | null>(null);

  /** A range of one axis means nothing on another. */
  setXAxis(axis: XAxis): void {
    this.xAxis = axis;
    this.range = null;
    this.cursor = null;
  }

  zoom(range: Range | null): void {
    this.range = range === null || range.to - range.from > 0 ? range : this.range;
  }
}
