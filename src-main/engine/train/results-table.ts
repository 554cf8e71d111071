/** results.csv: one line an epoch, derived from the events alone, so that it can be made anew from events.jsonl. */
import { taskMetrics, type MetricPoint, type SeriesName, type Task } from '../../contract/model/run.ts';
import type { RecordedEvent } from './run-events.ts';

interface EpochRow {
  epoch: number;
  values: Map<SeriesName, number>;
  /** When its last value was reported. */
  reportedAtMs: number;
}

export class ResultsTable {
  /** "epoch,train/loss,train/accuracy,test/loss,test/accuracy,learningRate,seconds" */
  readonly header: string;
  #columns: readonly SeriesName[];
  #row: EpochRow | null = null;
  #epochStartedAtMs = 0;

  constructor(task: Task) {
    this.#columns = [...taskMetrics[task], 'epoch/learningRate'];
    this.header = `epoch,${this.#columns.map((series) => series.replace('epoch/', '')).join(',')},seconds\n`;
  }

  /**
   * The rows that this event completes, each with its line break; a value that was not reported is an empty field.
   * `seconds` is the time since the row before, or since training started.
   */
  add({ time, event }: RecordedEvent): string {
    const timeMs = Date.parse(time);
    if (event.kind === 'log') return '';
    if (event.kind === 'points') return event.points.map((point) => this.#addPoint(point, timeMs)).join('');
    const completed = this.#complete();
    if (event.kind === 'started') this.#epochStartedAtMs = timeMs;
    return completed;
  }

  #addPoint({ series, epoch, value }: MetricPoint, timeMs: number): string {
    if (!this.#columns.includes(series)) return '';
    const completed = this.#row && this.#row.epoch !== epoch ? this.#complete() : '';
    this.#row ??= { epoch, values: new Map(), reportedAtMs: timeMs };
    this.#row.values.set(series, value);
    this.#row.reportedAtMs = timeMs;
    return completed;
  }

  #complete(): string {
    if (!this.#row) return '';
    const { epoch, values, reportedAtMs } = this.#row;
    const seconds = (reportedAtMs - this.#epochStartedAtMs) / 1000;
    this.#row = null;
    this.#epochStartedAtMs = reportedAtMs;
    return `${[epoch, ...this.#columns.map((series) => values.get(series) ?? ''), seconds.toFixed(3)].join(',')}\n`;
  }
}
