/**
 * What a running run reports, put into its rows and told to listeners. Rows are written at most once a second between
 * epochs, because each transaction waits for the disk; whoever reads them calls `flush` before.
 */
import type { Emit } from '../../contract/ipc.ts';
import type { RunId } from '../../contract/model/ids.ts';
import type { LogLine, RunProgress, RunSummary, TimedPoint } from '../../contract/model/run.ts';
import type { RunChanges } from '../../store/run-repository.ts';
import type { OpenProject } from '../open-projects.ts';

const flushEveryMs = 1000;

export class RunRows {
  readonly runId: RunId;
  #opened: OpenProject;
  #emit: Emit;
  #waiting: TimedPoint[] = [];
  #timer: NodeJS.Timeout | null = null;
  #onFailure: (error: unknown) => void;

  /** `onFailure` hears of a write that failed later than the call that asked for it. */
  constructor(opened: OpenProject, runId: RunId, emit: Emit, onFailure: (error: unknown) => void) {
    this.runId = runId;
    this.#opened = opened;
    this.#emit = emit;
    this.#onFailure = onFailure;
  }

  get summary(): RunSummary {
    return this.#opened.store.runs.get(this.runId);
  }

  change(changes: RunChanges): void {
    this.flush();
    this.#opened.store.runs.update(this.runId, changes);
    this.#tellSummary();
  }

  /** Takes back what was measured after `epoch`, because a run that goes on measures it again; and notes where it did. */
  rewind(epoch: number): void {
    this.flush();
    const { runs } = this.#opened.store;
    runs.deletePointsAfter(this.runId, epoch);
    const earlier = runs.get(this.runId).resumedEpochs.filter((resumed) => resumed < epoch);
    runs.update(this.runId, { resumedEpochs: epoch > 0 ? [...earlier, epoch] : earlier });
  }

  progress(progress: Omit<RunProgress, 'runId'>): void {
    this.#emit('run.progress', { projectId: this.#projectId, progress: { ...progress, runId: this.runId } });
  }

  log(lines: LogLine[]): void {
    this.#emit('run.log', { projectId: this.#projectId, runId: this.runId, lines });
  }

  points(points: TimedPoint[]): void {
    this.#waiting.push(...points);
    // A value that is no number is kept in the rows, but is not a value that travels (its schema refuses NaN).
    const drawable = points.filter((point) => Number.isFinite(point.value));
    this.#emit('run.points', { projectId: this.#projectId, runId: this.runId, points: drawable });
    if (points.every((point) => point.series.startsWith('step/'))) {
      this.#timer ??= setTimeout(() => this.#flushLater(), flushEveryMs);
      return;
    }
    this.flush();
    this.#tellSummary();
  }

  /** Into the rows without a word: they are not new. */
  keep(points: readonly TimedPoint[]): void {
    this.flush();
    this.#opened.store.runs.appendPoints(this.runId, points);
  }

  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const points = this.#waiting;
    this.#waiting = [];
    if (points.length > 0) this.#opened.store.runs.appendPoints(this.runId, points);
  }

  #flushLater(): void {
    try {
      this.flush();
    } catch (error) {
      this.#onFailure(error);
    }
  }

  #tellSummary(): void {
    this.#emit('run.changed', { projectId: this.#projectId, summary: this.summary });
  }

  get #projectId() {
    return this.#opened.project.projectId;
  }
}
