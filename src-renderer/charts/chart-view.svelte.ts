/**
 * What charts beside each other share: the cursor, the zoomed range, and the way of looking. One instance per group.
 */
import type { Range } from './curve.ts';

export type XAxis = 'epoch' | 'step' | 'time';

/** A mean over about fifty steps shows the trend; epochs are few and are shown as they are. */
const usualSmoothing = { step: 0.98, epoch: 0 } as const;

export class ChartView {
  xAxis = $state<XAxis>('epoch');
  #detail: 'step' | 'epoch' = $state('epoch');
  shown: 'both' | 'train' | 'test' = $state('both');
  /** Weight of the moving average, in [0, 1); 0 is off. */
  smoothing: number = $state(usualSmoothing.epoch);
  /** Of the loss; an accuracy is always on a linear axis. */
  logarithmic = $state(false);
  /** Null shows everything. */
  range = $state.raw<Range | null>(null);
  /** x value under the pointer of any chart of the group. */
  cursor = $state<number | null>(null);

  /** The training loss of every step, or its mean over each epoch. */
  get detail(): 'step' | 'epoch' {
    return this.#detail;
  }

  set detail(detail: 'step' | 'epoch') {
    this.#detail = detail;
    this.smoothing = usualSmoothing[detail];
  }

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
