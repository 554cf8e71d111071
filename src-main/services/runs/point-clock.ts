/**
 * Gives points the training time at which they were measured. They arrive in bundles of a fraction of a second; within
 * one, time runs evenly with the steps, from the last point before it to the bundle's arrival. Pure.
 */
import type { MetricPoint, TimedPoint } from '../../contract/model/run.ts';
import type { RecordedEvent } from '../../engine/train/run-events.ts';

export class PointClock {
  #lastStep: number | null = null;
  #lastMs: number;

  /** `startMs`: training time before the first step. */
  constructor(startMs: number) {
    this.#lastMs = startMs;
  }

  /** `elapsedMs`: training time when the bundle came. */
  time(points: readonly MetricPoint[], elapsedMs: number): TimedPoint[] {
    const [first] = points;
    if (first === undefined) return [];
    const steps = points.map((point) => point.step);
    const from = Math.min(this.#lastStep ?? first.step - 1, ...steps);
    const to = Math.max(...steps);
    const fromMs = Math.min(this.#lastMs, elapsedMs);
    const msPerStep = to > from ? (elapsedMs - fromMs) / (to - from) : 0;
    this.#lastStep = to;
    this.#lastMs = elapsedMs;
    return points.map((point) => ({ ...point, elapsedMs: elapsedMs - (to - point.step) * msPerStep }));
  }
}

/** The same from a run's record, which says when each of its lines was written and when training began or went on. */
export class RecordClock {
  #elapsedMs = 0;
  #segmentStartMs: number | null = null;
  #beforeSegmentMs = 0;
  #points = new PointClock(0);

  /** Training time so far. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Hears every event in turn; answers with the points of one that has any. */
  hear({ time, event }: RecordedEvent): TimedPoint[] {
    const nowMs = Date.parse(time);
    if (event.kind === 'started') {
      this.#beforeSegmentMs = this.#elapsedMs;
      this.#segmentStartMs = nowMs;
      this.#points = new PointClock(this.#elapsedMs);
    } else if (this.#segmentStartMs !== null) {
      // A clock that was set back in between must not take time back.
      this.#elapsedMs = Math.max(this.#elapsedMs, this.#beforeSegmentMs + nowMs - this.#segmentStartMs);
    }
    return event.kind === 'points' ? this.#points.time(event.points, this.#elapsedMs) : [];
  }
}
