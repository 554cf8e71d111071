/** What runs found on each image, as far as a query asked for it; services/library/run-results.ts fills it. */
import type { Database, Statement } from 'better-sqlite3';
import type { ImageId, RunId } from '../contract/model/ids.ts';
import type { RunMeasure } from '../contract/query/syntax.ts';

/** Null where there was nothing to measure. */
export type ImageResult = { imageId: ImageId; score: number | null; disagreement: number | null } & Record<
  Exclude<RunMeasure, 'score' | 'disagreement'>,
  number
>;

export class ImageResultRepository {
  #database: Database;
  #insert: Statement<[ImageResult & { runId: RunId }]>;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = database.prepare(`
      INSERT OR REPLACE INTO image_result (run_id, image_id, score, disagreement, tp, fp, fn)
      VALUES (@runId, @imageId, @score, @disagreement, @tp, @fp, @fn)`);
  }

  /** When the predictions were made that are known of the run; null where none are. */
  predictedMs(runId: RunId): number | null {
    const known = this.#database
      .prepare<[RunId], number>('SELECT predicted_ms FROM run_result WHERE run_id = ?')
      .pluck()
      .get(runId);
    return known ?? null;
  }

  /** Forgets what was known of the run; `add` and then `complete` follow. */
  begin(runId: RunId): void {
    this.#database
      .transaction(() => {
        this.#database.prepare('DELETE FROM image_result WHERE run_id = ?').run(runId);
        this.#database.prepare('INSERT OR REPLACE INTO run_result (run_id, predicted_ms) VALUES (?, -1)').run(runId);
      })
      .immediate();
  }

  /** A batch, in one transaction. */
  add(runId: RunId, results: readonly ImageResult[]): void {
    this.#database
      .transaction(() => {
        for (const result of results) this.#insert.run({ runId, ...result });
      })
      .immediate();
  }

  complete(runId: RunId, predictedMs: number): void {
    this.#database.prepare('UPDATE run_result SET predicted_ms = ? WHERE run_id = ?').run(predictedMs, runId);
  }
}

/** The newest run of a name, or the one of a number ("#12"); null where there is none outside of the trash. */
export function prepareFindRun(database: Database): (name: string) => RunId | null {
  const byName = database
    .prepare<[string], RunId>(
      'SELECT id FROM run WHERE name = ? COLLATE NOCASE AND trashed_at IS NULL ORDER BY id DESC LIMIT 1',
    )
    .pluck();
  const byNumber = database.prepare<[number], RunId>('SELECT id FROM run WHERE id = ? AND trashed_at IS NULL').pluck();
  return (name) => {
    const named = byName.get(name);
    if (named !== undefined) return named;
    const [, number] = /^#([1-9]\d{0,14})$/.exec(name) ?? [];
    return number === undefined ? null : (byNumber.get(Number(number)) ?? null);
  };
}
