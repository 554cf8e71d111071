/** Configurations of runs under a name. Names that differ in case alone are the same name. */
import type { Database } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { PresetId } from '../contract/model/ids.ts';
import { readRunConfig } from '../contract/model/run-config-versions.ts';
import type { Preset, RunConfig } from '../contract/model/run.ts';

interface PresetRow {
  id: PresetId;
  name: string;
  config: string;
  created_at: string;
}

export class PresetRepository {
  #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** By name. */
  list(): Preset[] {
    return this.#database
      .prepare<[], PresetRow>('SELECT * FROM preset ORDER BY name COLLATE NOCASE')
      .all()
      .map((row) => this.#preset(row));
  }

  /** One of that name is replaced, and keeps its id. */
  save(name: string, config: RunConfig, createdAt: string): Preset {
    this.#database
      .prepare(
        `INSERT INTO preset (name, config, created_at) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name, config = excluded.config, created_at = excluded.created_at`,
      )
      .run(name, JSON.stringify(config), createdAt);
    return this.#preset(this.#database.prepare<[string], PresetRow>('SELECT * FROM preset WHERE name = ?').get(name)!);
  }

  /** Throws `not-found`. */
  delete(presetId: PresetId): void {
    const { changes } = this.#database.prepare('DELETE FROM preset WHERE id = ?').run(presetId);
    if (changes === 0) {
      throw new FoveaError('not-found', `There is no preset ${presetId} in this project.`, { presetId });
    }
  }

  #preset(row: PresetRow): Preset {
    const config = readRunConfig(JSON.parse(row.config));
    return { presetId: row.id, name: row.name, config, createdAt: row.created_at };
  }
}
