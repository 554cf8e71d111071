/** Sweeps: what they are, and which runs are theirs. */
import type { Database } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { RunId, SweepId } from '../contract/model/ids.ts';
import { readRunConfig } from '../contract/model/run-config-versions.ts';
import type { Sweep, SweepPlan, SweepTrial } from '../contract/model/sweep.ts';

interface SweepRow {
  id: SweepId;
  name: string;
  plan: string;
  trials: string;
  created_at: string;
}
interface TrialRow {
  id: RunId;
  sweep_trial: number;
}

export const hotSweepQueries = {
  runs: `SELECT id, sweep_trial FROM run INDEXED BY run_by_sweep
    WHERE sweep_id = ? AND trashed_at IS NULL ORDER BY sweep_trial`,
} as const;

export class SweepRepository {
  #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  insert(sweep: { name: string; plan: SweepPlan; trials: readonly SweepTrial[]; createdAt: string }): SweepId {
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO sweep (name, plan, trials, created_at) VALUES (?, ?, ?, ?)')
      .run(sweep.name, JSON.stringify(sweep.plan), JSON.stringify(sweep.trials), sweep.createdAt);
    return Number(lastInsertRowid) as SweepId;
  }

  /** Newest first, without the trashed ones. */
  list(): Sweep[] {
    return this.#database
      .prepare<[], SweepRow>('SELECT * FROM sweep WHERE trashed_at IS NULL ORDER BY id DESC')
      .all()
      .map((row) => this.#sweep(row));
  }

  /** Throws `not-found`. */
  get(sweepId: SweepId): Sweep {
    const row = this.#database.prepare<[SweepId], SweepRow>('SELECT * FROM sweep WHERE id = ?').get(sweepId);
    if (row === undefined) throw notFound(sweepId);
    return this.#sweep(row);
  }

  /** Throws `not-found`. */
  rename(sweepId: SweepId, name: string): void {
    const { changes } = this.#database.prepare('UPDATE sweep SET name = ? WHERE id = ?').run(name, sweepId);
    if (changes === 0) throw notFound(sweepId);
  }

  /** With all its runs that are there. Throws `not-found`. */
  trash(sweepId: SweepId, at: string): void {
    this.#database.transaction(() => {
      const moment = this.#momentAfterItsRuns(sweepId, at);
      const { changes } = this.#database.prepare('UPDATE sweep SET trashed_at = ? WHERE id = ?').run(moment, sweepId);
      if (changes === 0) throw notFound(sweepId);
      this.#database
        .prepare('UPDATE run SET trashed_at = ? WHERE sweep_id = ? AND trashed_at IS NULL')
        .run(moment, sweepId);
    })();
  }

  /** With the runs that went together with it. Throws `not-found`. */
  restore(sweepId: SweepId): void {
    this.#database.transaction(() => {
      const find = this.#database
        .prepare<[SweepId], string | null>('SELECT trashed_at FROM sweep WHERE id = ?')
        .pluck();
      const at = find.get(sweepId);
      if (at === undefined) throw notFound(sweepId);
      this.#database.prepare('UPDATE sweep SET trashed_at = NULL WHERE id = ?').run(sweepId);
      this.#database.prepare('UPDATE run SET trashed_at = NULL WHERE sweep_id = ? AND trashed_at = ?').run(sweepId, at);
    })();
  }

  /** Its runs go on without it. */
  delete(sweepId: SweepId): void {
    this.#database.prepare('DELETE FROM sweep WHERE id = ?').run(sweepId);
  }

  /** Later than any of its runs was trashed by itself: the moment tells which runs went with the sweep. */
  #momentAfterItsRuns(sweepId: SweepId, at: string): string {
    const latest = this.#database
      .prepare<[SweepId], string | null>('SELECT max(trashed_at) FROM run WHERE sweep_id = ?')
      .pluck()
      .get(sweepId);
    return latest && latest >= at ? new Date(Date.parse(latest) + 1).toISOString() : at;
  }

  #sweep(row: SweepRow): Sweep {
    const trials = JSON.parse(row.trials) as SweepTrial[];
    const plan = JSON.parse(row.plan) as SweepPlan;
    const runs = this.#database.prepare<[SweepId], TrialRow>(hotSweepQueries.runs).all(row.id);
    return {
      sweepId: row.id,
      name: row.name,
      plan: { ...plan, base: readRunConfig(plan.base) },
      createdAt: row.created_at,
      runs: runs.flatMap(({ id, sweep_trial: at }) => {
        const trial = trials[at];
        return trial === undefined ? [] : [{ runId: id, trial }];
      }),
    };
  }
}

function notFound(sweepId: SweepId): FoveaError {
  return new FoveaError('not-found', `There is no sweep ${sweepId} in this project.`, { sweepId });
}
