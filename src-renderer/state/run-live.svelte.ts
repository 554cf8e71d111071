/**
 * One run as its screen shows it: configuration, series and log, the same for a running and a finished run. Points
 * arrive many times a second; readers see them a few times a second, because drawing competes with the training.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import {
  seriesNames,
  type LogLine,
  type RunDetail,
  type SeriesName,
  type TimedPoint,
} from '../../src-main/contract/model/run.ts';
import { GrowableSeries } from './growable-series.ts';

/** What charts need of a series; views that stay valid until the next showing. */
export interface SeriesView {
  steps: Float64Array;
  epochs: Float64Array;
  values: Float64Array;
  /** Training time, ms; NaN where it is not known. */
  times: Float64Array;
}

const noValues = new Float64Array(0);
const emptySeries: SeriesView = { steps: noValues, epochs: noValues, values: noValues, times: noValues };

/** Shortest time from one showing of new points to the next. */
const restMs = 200;

/** On the first frame after the rest; not at all while the window is hidden. */
function onLaterFrame(callback: () => void): void {
  setTimeout(() => requestAnimationFrame(callback), restMs);
}

export class RunLive {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly runId: RunId;
  readonly #onLater: (callback: () => void) => void;

  /** Null until the first answer. */
  detail = $state.raw<RunDetail | null>(null);
  log = $state.raw<readonly LogLine[]>([]);
  /** Why the latest reading failed. */
  error = $state.raw<unknown>(null);

  readonly #series = new Map<SeriesName, GrowableSeries>(seriesNames.map((name) => [name, new GrowableSeries()]));
  /** What readers have been shown; replaced as a whole. */
  readonly #views = new SvelteMap<SeriesName, SeriesView>();
  readonly #changed = new Set<SeriesName>();
  /** Points and lines that arrive before the first answer, which may or may not hold them. */
  #early: { points: TimedPoint[]; lines: LogLine[] } | null = { points: [], lines: [] };
  #showingAsked = false;

  constructor(api: Api, projectId: ProjectId, runId: RunId, onLater: (callback: () => void) => void = onLaterFrame) {
    this.#api = api;
    this.#projectId = projectId;
    this.runId = runId;
    this.#onLater = onLater;
  }

  /** Reactive, a few times a second. */
  series(name: SeriesName): SeriesView {
    return this.#views.get(name) ?? emptySeries;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    const isThis = (event: { projectId: ProjectId; runId: RunId }) =>
      event.projectId === this.#projectId && event.runId === this.runId;
    const ends = [
      this.#api.on('run.points', (event) => isThis(event) && this.#takePoints(event.points)),
      this.#api.on('run.log', (event) => isThis(event) && this.#takeLines(event.lines)),
      this.#api.onReconnected(() => void this.read()),
    ];
    void this.read();
    return () => ends.forEach((end) => end());
  }

  async read(): Promise<void> {
    this.#early = { points: [], lines: [] };
    const run = { projectId: this.#projectId, runId: this.runId };
    try {
      const [detail, series, log] = await Promise.all([
        this.#api.call('run.get', run),
        this.#api.call('run.series', { ...run, series: seriesNames }),
        this.#api.call('run.log', run),
      ]);
      this.detail = detail;
      this.error = null;
      for (const recorded of series) {
        this.#series.get(recorded.series)?.replace(recorded);
        this.#changed.add(recorded.series);
      }
      this.log = log;
      this.#takeEarly();
      this.#show();
    } catch (error) {
      this.error = error;
    }
  }

  /** What the answer already holds is left out. */
  #takeEarly(): void {
    const early = this.#early ?? { points: [], lines: [] };
    this.#early = null;
    this.#append(early.points.filter((point) => point.step > (this.#series.get(point.series)?.lastStep ?? -1)));
    const known = new Set(this.log.map(keyOf));
    this.#takeLines(early.lines.filter((line) => !known.has(keyOf(line))));
  }

  #takePoints(points: readonly TimedPoint[]): void {
    if (this.#early !== null) return void this.#early.points.push(...points);
    this.#append(points);
    this.#askToShow();
  }

  #append(points: readonly TimedPoint[]): void {
    for (const { series, step, epoch, value, elapsedMs } of points) {
      this.#series.get(series)?.append(step, epoch, value, elapsedMs);
      this.#changed.add(series);
    }
  }

  #takeLines(lines: readonly LogLine[]): void {
    if (this.#early !== null) return void this.#early.lines.push(...lines);
    if (lines.length > 0) this.log = [...this.log, ...lines];
  }

  #askToShow(): void {
    if (this.#showingAsked) return;
    this.#showingAsked = true;
    this.#onLater(() => {
      this.#showingAsked = false;
      this.#show();
    });
  }

  #show(): void {
    for (const name of this.#changed) {
      const { steps, epochs, values, times } = this.#series.get(name)!;
      this.#views.set(name, { steps, epochs, values, times });
    }
    this.#changed.clear();
  }
}

function keyOf(line: LogLine): string {
  return `${line.time} ${line.text}`;
}
