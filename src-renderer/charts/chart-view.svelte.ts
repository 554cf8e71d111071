/**
 * What charts beside each other share: the cursor, the zoomed range, and the way of looking. One instance per group.
 */
import type { Range } from './curve.ts';

export type XAxis = 'epoch' | 'step' | 'time';

export class ChartView {
  xAxis = $state<XAxis>('epoch');
  /** The training loss of every step, or its mean over each epoch. */
  detail: 'step' | 'epoch' = $state('epoch');
  shown: 'both' | 'train' | 'test' = $state('both');
  /** Weight of the moving average, in [0, 1); 0 is off. */
  smoothing = $state(0);
  /** Of the loss; an accuracy is always on a linear axis. */
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
