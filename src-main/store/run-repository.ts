/**
 * Runs and what they measured. Ids are never used twice. The best value of a metric is the extreme in its direction,
 * at the earliest epoch that reached it; values that are not numbers are kept, but are never latest or best.
 */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { DatasetId, RunId, SweepId } from '../contract/model/ids.ts';
import type { RecordedIntervention } from '../contract/model/intervention.ts';
import { readRunConfig } from '../contract/model/run-config-versions.ts';
import {
  metricDefinitions,
  type MetricName,
  type RunConfig,
  type RunStatus,
  type RunSummary,
  type Series,
  type SeriesName,
  type Task,
  type TimedPoint,
} from '../contract/model/run.ts';
import { writeRelaxed } from './relaxed-write.ts';

export interface NewRun {
  name: string;
  config: RunConfig;
  /** Kept as words too, because the run outlives its data set. */
  datasetName: string;
  /** Relative to the project folder, with forward slashes: "runs/0001-lenet5". Unique in the project. */
  folder: string;
  createdAt: string;
  priority?: number;
  /** Its sweep, and its place in that one's trials. */
  sweep?: { sweepId: SweepId; trial: number };
}

/** What changes in the life of a run; absent fields stay as they are. */
export interface RunChanges {
  name?: string;
  status?: RunStatus;
  reason?: string | null;
  startedAt?: string | null;
  endedAt?: string | null;
  durationMs?: number;
  epochsDone?: number;
  epochsTotal?: number;
  parameterCount?: number;
  resumable?: boolean;
  resumedEpochs?: readonly number[];
  interventions?: readonly RecordedIntervention[];
  tags?: readonly string[];
  notes?: string;
  pinned?: boolean;
  archived?: boolean;
  priority?: number;
  slurmJob?: string | null;
  /** Null brings the run back. */
  trashedAt?: string | null;
}

interface RunRow {
  id: RunId;
  name: string;
  status: RunStatus;
  reason: string | null;
  task: Task;
  model_id: string;
  dataset_id: DatasetId;
  dataset_name: string;
  config: string;
  folder: string;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  duration_ms: number;
  epochs_done: number;
  epochs_total: number;
  parameter_count: number;
  resumable: 0 | 1;
  resumed_epochs: string;
  interventions: string;
  tags: string;
  notes: string;
  pinned: 0 | 1;
  archived: 0 | 1;
  sweep_id: SweepId | null;
  priority: number;
  slurm_job: string | null;
  /** Kept with the run, because a list of a thousand runs would look up ten thousand values. */
  scores: string | null;
}

type Scores = Pick<RunSummary, 'latest' | 'best'>;

interface BestValue {
  value: number;
  epoch: number;
}

const COLUMN_OF = {
  name: 'name',
  status: 'status',
  reason: 'reason',
  startedAt: 'started_at',
  endedAt: 'ended_at',
  durationMs: 'duration_ms',
  epochsDone: 'epochs_done',
  epochsTotal: 'epochs_total',
  parameterCount: 'parameter_count',
  resumable: 'resumable',
  resumedEpochs: 'resumed_epochs',
  interventions: 'interventions',
  tags: 'tags',
  notes: 'notes',
  pinned: 'pinned',
  archived: 'archived',
  priority: 'priority',
  slurmJob: 'slurm_job',
  trashedAt: 'trashed_at',
} as const satisfies Record<keyof RunChanges, string>;

const METRICS = Object.keys(metricDefinitions) as MetricName[];
const IN_PROGRESS = `('queued', 'running')`;

/** The partial index metric_point_by_value is used only where its condition is in the query, word for word. */
const NOT_A_STEP_SERIES = `substr(series, 1, 5) <> 'step/'`;
const bestSql = (extreme: 'max' | 'min'): string => `
  SELECT value, epoch FROM metric_point
  WHERE run_id = @runId AND series = @series AND ${NOT_A_STEP_SERIES} AND value = (
    SELECT ${extreme}(value) FROM metric_point
    WHERE run_id = @runId AND series = @series AND ${NOT_A_STEP_SERIES})
  ORDER BY epoch LIMIT 1`;

const SELECT_RUN = `SELECT *, json_extract(config, '$.task') AS task FROM run`;

/** The statements whose plans a test holds. */
export const hotRunQueries = {
  list: `${SELECT_RUN} WHERE trashed_at IS NULL ORDER BY id DESC`,
  latest: `SELECT value FROM metric_point WHERE run_id = @runId AND series = @series ORDER BY step DESC LIMIT 1`,
  highest: bestSql('max'),
  lowest: bestSql('min'),
  series:
    'SELECT step, epoch, value, elapsed_ms FROM metric_point WHERE run_id = @runId AND series = @series ORDER BY step',
} as const;

type SeriesRow = [step: number, epoch: number, value: number | null, elapsedMs: number | null];

interface SeriesKey {
  runId: RunId;
  series: SeriesName;
}

export class RunRepository {
  #database: Database;
  #get: Statement<[RunId], RunRow>;
  #list: Statement<[], RunRow>;
  #latest: Statement<[SeriesKey], number | null>;
  #best: Record<'higher' | 'lower', Statement<[SeriesKey], BestValue>>;
  #series: Statement<[SeriesKey], SeriesRow>;
  #appendPoint: Statement<[{ runId: RunId } & TimedPoint]>;
  #setScores: Statement<[string | null, RunId]>;

  constructor(database: Database) {
    this.#database = database;
    this.#get = database.prepare(`${SELECT_RUN} WHERE id = ?`);
    this.#list = database.prepare(hotRunQueries.list);
    this.#latest = database.prepare<[SeriesKey], number | null>(hotRunQueries.latest).pluck();
    this.#best = {
      higher: database.prepare(hotRunQueries.highest),
      lower: database.prepare(hotRunQueries.lowest),
    };
    this.#series = database.prepare<[SeriesKey], SeriesRow>(hotRunQueries.series).raw();
    this.#setScores = database.prepare('UPDATE run SET scores = ? WHERE id = ?');
    this.#appendPoint = database.prepare(`
      INSERT INTO metric_point (run_id, series, step, epoch, value, elapsed_ms)
      VALUES (@runId, @series, @step, @epoch, @value, @elapsedMs)
      ON CONFLICT (run_id, series, step)
      DO UPDATE SET epoch = excluded.epoch, value = excluded.value, elapsed_ms = excluded.elapsed_ms`);
  }

  /** Adds a run with status 'queued'. */
  insert(run: NewRun): RunId {
    const { config } = run;
    const epochsTotal = config.phases.reduce((sum, phase) => sum + phase.epochs, 0);
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO run (name, status, model_id, dataset_id, dataset_name, config, folder, created_at, epochs_total,
                          priority, sweep_id, sweep_trial)
         VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        run.name,
        config.model.id,
        config.data.datasetId,
        run.datasetName,
        JSON.stringify(config),
        run.folder,
        run.createdAt,
        epochsTotal,
        run.priority ?? 0,
        run.sweep?.sweepId ?? null,
        run.sweep?.trial ?? null,
      );
    return Number(lastInsertRowid) as RunId;
  }

  /** Throws `not-found`. */
  update(runId: RunId, changes: RunChanges): void {
    const fields = (Object.keys(COLUMN_OF) as (keyof RunChanges)[]).filter((field) => changes[field] !== undefined);
    if (fields.length === 0) return;
    const values = fields.map((field) => columnValue(changes[field]));
    const assignments = fields.map((field) => `${COLUMN_OF[field]} = ?`).join(', ');
    const result = this.#database.prepare(`UPDATE run SET ${assignments} WHERE id = ?`).run(...values, runId);
    if (result.changes === 0) throw runNotFound(runId);
  }

  /** Throws `not-found`. */
  get(runId: RunId): RunSummary {
    return this.#summarise(this.#row(runId));
  }

  /** Also in the trash. */
  exists(runId: RunId): boolean {
    return this.#get.get(runId) !== undefined;
  }

  /** As of today, whatever version it was stored in. Throws `not-found`. */
  config(runId: RunId): RunConfig {
    return readRunConfig(JSON.parse(this.#row(runId).config));
  }

  /** Relative to the project folder. Throws `not-found`. */
  folder(runId: RunId): string {
    return this.#row(runId).folder;
  }

  /** Newest first, without the trashed ones. */
  list(): RunSummary[] {
    const rows = this.#list.all();
    const outdated = rows.filter(({ scores }) => scores === null);
    if (outdated.length > 0) writeRelaxed(this.#database, () => outdated.forEach((row) => this.#keepScores(row)));
    return rows.map((row) => this.#summarise(row));
  }

  count(): number {
    return this.#database.prepare<[], number>('SELECT count(*) FROM run WHERE trashed_at IS NULL').pluck().get() ?? 0;
  }

  /** Ids of queued and running runs, oldest first. */
  inProgress(): RunId[] {
    return this.#database
      .prepare<[], RunId>(`SELECT id FROM run WHERE status IN ${IN_PROGRESS} ORDER BY id`)
      .pluck()
      .all();
  }

  /** Of all runs, the trashed ones too. */
  folders(): string[] {
    return this.#database.prepare<[], string>('SELECT folder FROM run').pluck().all();
  }

  /** True while a queued or running run trains on the data set. */
  isDatasetInUse(datasetId: DatasetId): boolean {
    const row = this.#database
      .prepare(`SELECT 1 FROM run WHERE status IN ${IN_PROGRESS} AND dataset_id = ? LIMIT 1`)
      .get(datasetId);
    return row !== undefined;
  }

  /** Removes the run and its points; its folder is the caller's. Throws `not-found`. */
  delete(runId: RunId): void {
    const result = this.#database.prepare('DELETE FROM run WHERE id = ?').run(runId);
    if (result.changes === 0) throw runNotFound(runId);
  }

  /**
   * Adds points, or replaces those of the same series and step; `value` may be NaN or infinite. Durable with the next
   * change of the run; until then the run's folder has them.
   */
  appendPoints(runId: RunId, points: readonly TimedPoint[]): void {
    writeRelaxed(this.#database, () => {
      for (const point of points) this.#appendPoint.run({ runId, ...point });
      if (points.some(({ series }) => series in metricDefinitions)) this.#setScores.run(null, runId);
    });
  }

  /** Takes back what was measured after `epoch`, for a run that goes on from an earlier checkpoint. */
  deletePointsAfter(runId: RunId, epoch: number): void {
    this.#database.prepare('DELETE FROM metric_point WHERE run_id = ? AND epoch > ?').run(runId, epoch);
    this.#setScores.run(null, runId);
  }

  /** One entry for each of `names`, in that order; empty arrays where nothing is recorded. */
  series(runId: RunId, names: readonly SeriesName[]): Series[] {
    return names.map((series) => {
      const rows = this.#series.all({ runId, series });
      return {
        series,
        steps: Float64Array.from(rows, ([step]) => step),
        epochs: Float64Array.from(rows, ([, epoch]) => epoch),
        values: Float64Array.from(rows, ([, , value]) => value ?? NaN),
        times: Float64Array.from(rows, ([, , , elapsedMs]) => elapsedMs ?? NaN),
      };
    });
  }

  #row(runId: RunId): RunRow {
    const row = this.#get.get(runId);
    if (!row) throw runNotFound(runId);
    return row;
  }

  #scoresOf(runId: RunId): Scores {
    const latest: RunSummary['latest'] = {};
    const best: RunSummary['best'] = {};
    for (const series of METRICS) {
      const key = { runId, series };
      const latestValue = this.#latest.get(key);
      if (latestValue !== undefined && latestValue !== null) latest[series] = latestValue;
      const bestValue = this.#best[metricDefinitions[series].better].get(key);
      if (bestValue) best[series] = bestValue;
    }
    return { latest, best };
  }

  #keepScores(row: RunRow): void {
    row.scores = encodeScores(this.#scoresOf(row.id));
    this.#setScores.run(row.scores, row.id);
  }

  #summarise(row: RunRow): RunSummary {
    if (row.scores === null) writeRelaxed(this.#database, () => this.#keepScores(row));
    const { latest, best } = decodeScores(row.scores ?? '');
    return {
      runId: row.id,
      name: row.name,
      status: row.status,
      reason: row.reason,
      task: row.task,
      modelId: row.model_id,
      datasetId: row.dataset_id,
      datasetName: row.dataset_name,
      createdAt: row.created_at,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      durationMs: row.duration_ms,
      epochsDone: row.epochs_done,
      epochsTotal: row.epochs_total,
      parameterCount: row.parameter_count,
      latest,
      best,
      resumable: row.resumable === 1,
      resumedEpochs: JSON.parse(row.resumed_epochs) as number[],
      interventions: JSON.parse(row.interventions) as RecordedIntervention[],
      tags: JSON.parse(row.tags) as string[],
      notes: row.notes,
      pinned: row.pinned === 1,
      archived: row.archived === 1,
      sweepId: row.sweep_id,
      priority: row.priority,
      slurmJob: row.slurm_job,
    };
  }
}

/** JSON has no infinity: such a value is written as a word, which `Number` reads. */
function encodeScores(scores: Scores): string {
  return JSON.stringify(scores, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

function decodeScores(text: string): Scores {
  return JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? Number(value) : value)) as Scores;
}

function columnValue(value: RunChanges[keyof RunChanges]): string | number | null | undefined {
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

function runNotFound(runId: RunId): FoveaError {
  return new FoveaError('not-found', `There is no run ${runId} in this project.`, { runId });
}
