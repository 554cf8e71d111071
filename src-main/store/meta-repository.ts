/** The project's own facts: id, name, day of creation. */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { ProjectId } from '../contract/model/ids.ts';

export interface ProjectMeta {
  projectId: ProjectId;
  name: string;
  createdAt: string;
}

const KEYS = { projectId: 'project_id', name: 'project_name', createdAt: 'created_at' } as const;

export class MetaRepository {
  #database: Database;
  #read: Statement<[string], string>;

  constructor(database: Database) {
    this.#database = database;
    this.#read = database.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
  }

  insert(meta: ProjectMeta): void {
    const insert = this.#database.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    this.#database
      .transaction(() => {
        insert.run(KEYS.projectId, meta.projectId);
        insert.run(KEYS.name, meta.name);
        insert.run(KEYS.createdAt, meta.createdAt);
      })
      .immediate();
  }

  get(): ProjectMeta {
    return {
      projectId: this.#value(KEYS.projectId) as ProjectId,
      name: this.#value(KEYS.name),
      createdAt: this.#value(KEYS.createdAt),
    };
  }

  #value(key: string): string {
    const value = this.#read.get(key);
    if (value !== undefined) return value;
    const file = this.#database.name;
    throw new FoveaError('bad-input', `${file}: the project's “${key}” is missing. Restore it from a backup.`, {
      file,
      key,
    });
  }
}
