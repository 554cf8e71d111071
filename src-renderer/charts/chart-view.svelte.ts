/**
 * What charts beside each other share: the cursor, the zoomed range, and the way of looking. One instance per group.
 */
import type { Range } from './curve.ts';

export type XAxis = 'epoch' | 'step' | 'time';

/** So much of the whole axis is shown at least. */
const smallestShare = 1e-5;

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
  /** The whole axis, the same for all charts of the group; they say what it is. */
  whole = $state.raw<Range>({ from: 0, to: 1 });
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

  /**
   * Shows `factor` times as much of the axis, and what is at `at` stays where it is: the cursor, where none is given, or
   * the middle. Zooming out ends with the whole axis.
   */
  zoomBy(factor: number, at: number | null = this.cursor): void {
    const { from, to } = this.range ?? this.whole;
    const anchor = at === null || at < from || at > to ? (from + to) / 2 : at;
    const least = (this.whole.to - this.whole.from) * smallestShare;
    const width = Math.max(least, (to - from) * factor);
    const left = anchor - ((anchor - from) / (to - from)) * width;
    this.#show(left, width);
  }

  /** Moves what is shown by this share of it; positive shows what comes later. Nothing happens where all is shown. */
  panBy(share: number): void {
    if (this.range === null) return;
    const { from, to } = this.range;
    this.#show(from + share * (to - from), to - from);
  }

  #show(left: number, width: number): void {
    const { from, to } = this.whole;
    if (width >= to - from) {
      this.range = null;
      return;
    }
    const start = Math.min(Math.max(left, from), to - width);
    this.range = { from: start, to: start + width };
  }

  zoom(range: Range | null): void {
    this.range = range === null || range.to - range.from > 0 ? range : this.range;
  }
}
