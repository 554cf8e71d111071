/**
 * A project's database, open: the connection's settings, the lock that makes this process its sole writer, and one
 * repository per group of tables. Synchronous by design; whoever calls keeps each call short.
 */
import { existsSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import { AnnotationRepository } from './annotation-repository.ts';
import { BulkEditRepository } from './bulk-edit-repository.ts';
import { CategoryRepository } from './category-repository.ts';
import { ClassRevival } from './class-revival.ts';
import { DatasetRepository } from './dataset-repository.ts';
import { DeletedLabelRepository } from './deleted-labels.ts';
import { ImageRepository } from './image-repository.ts';
import { ImageResultRepository } from './image-result-repository.ts';
import { LabelEditRepository } from './label-edit-repository.ts';
import { LabelFactKeeper } from './label-facts.ts';
import { LabelHistoryRepository } from './label-history-repository.ts';
import { LabelStatisticsRepository } from './label-statistics.ts';
import { LabelWriter } from './label-writer.ts';
import { MetaRepository, type ProjectMeta } from './meta-repository.ts';
import { pagesToCheckpoint } from './checkpoint.ts';
import { migrate } from './migrate.ts';
import { PresetRepository } from './preset-repository.ts';
import { acquireProjectLock, type ProjectLock } from './project-lock.ts';
import { RunRepository } from './run-repository.ts';
import { LibraryRepository } from './library-repository.ts';
import { SplitRepository } from './split-repository.ts';
import { TagRepository } from './tag-repository.ts';
import { SweepRepository } from './sweep-repository.ts';
import { TrashRepository } from './trash-repository.ts';
import { StagedImageRepository } from './staged-images.ts';
import { explainSqliteError } from './sqlite-errors.ts';
import { TrainingRepository } from './training-repository.ts';

export interface ProjectStore {
  /** The connection, for tests that look at plans and settings. */
  readonly database: Database;
  readonly meta: MetaRepository;
  readonly datasets: DatasetRepository;
  readonly categories: CategoryRepository;
  readonly images: ImageRepository;
  readonly annotations: AnnotationRepository;
  readonly stagedImages: StagedImageRepository;
  readonly labelFacts: LabelFactKeeper;
  readonly labelEdits: LabelEditRepository;
  readonly bulkEdits: BulkEditRepository;
  readonly deletedLabels: DeletedLabelRepository;
  readonly classRevival: ClassRevival;
  readonly labelHistory: LabelHistoryRepository;
  readonly labelStatistics: LabelStatisticsRepository;
  readonly training: TrainingRepository;
  readonly runs: RunRepository;
  readonly presets: PresetRepository;
  readonly sweeps: SweepRepository;
  readonly splits: SplitRepository;
  readonly trash: TrashRepository;
  readonly library: LibraryRepository;
  readonly tags: TagRepository;
  readonly imageResults: ImageResultRepository;
  /** Pages of the write-ahead log that are not in the database file yet; see `checkpointDatabase`. */
  pagesToCheckpoint(): number;
  close(): void;
}

/** Checkpoints are made beside the main process; only if those fail does a commit make one here, at 64 MB. */
const LAST_RESORT_CHECKPOINT_PAGES = 16_384;
/** What a long write-ahead log is cut down to once it begins anew. */
const KEPT_LOG_BYTES = 8 * 1024 * 1024;
/** Of pages that were read: the index that filters go by, of a hundred thousand images with a million labels, fits in half of it. */
const CACHE_KIB = 32 * 1024;

/** Makes the database of a new project. Throws `already-exists` where the file is there. */
export function createProjectStore(file: string, meta: ProjectMeta): ProjectStore {
  if (existsSync(file)) throw new FoveaError('already-exists', `${file} exists already.`, { file });
  const store = open(file);
  store.meta.insert(meta);
  return store;
}

/** Throws `not-found`, `bad-input` (not a database, damaged, not ours), `newer-schema`, or `busy` (open elsewhere). */
export function openProjectStore(file: string): ProjectStore {
  if (!existsSync(file)) {
    throw new FoveaError('not-found', `There is no Fovea project here: ${file} does not exist.`, { file });
  }
  return open(file);
}

function open(file: string): ProjectStore {
  let lock: ProjectLock | null = null;
  let database: Database | null = null;
  try {
    lock = acquireProjectLock(file);
    database = new SqliteDatabase(file, { timeout: 1000 });
    migrateAndConfigure(database);
    return compose(database, lock);
  } catch (error) {
    database?.close();
    lock?.release();
    throw explainSqliteError(file, error);
  }
}

/** What a second connection, in another process, may use: it reads and never writes. */
export type ProjectReader = Pick<
  ProjectStore,
  'database' | 'datasets' | 'images' | 'annotations' | 'deletedLabels' | 'training' | 'library' | 'close'
>;

/** While the store's owner has the project open, whose version of the schema it therefore has. */
export function openReader(file: string): ProjectReader {
  const database = new SqliteDatabase(file, { readonly: true, fileMustExist: true, timeout: 1000 });
  return {
    database,
    datasets: new DatasetRepository(database),
    images: new ImageRepository(database),
    annotations: new AnnotationRepository(database),
    deletedLabels: new DeletedLabelRepository(database),
    training: new TrainingRepository(database),
    library: new LibraryRepository(database),
    close: () => database.close(),
  };
}

function migrateAndConfigure(database: Database): void {
  database.pragma('foreign_keys = ON');
  migrate(database);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma(`wal_autocheckpoint = ${LAST_RESORT_CHECKPOINT_PAGES}`);
  database.pragma(`journal_size_limit = ${KEPT_LOG_BYTES}`);
  database.pragma(`cache_size = ${-CACHE_KIB}`);
}

function compose(database: Database, lock: ProjectLock): ProjectStore {
  const annotations = new AnnotationRepository(database);
  const categories = new CategoryRepository(database);
  const writer = new LabelWriter(database, annotations);
  const classRevival = new ClassRevival(database, categories);
  const labelEdits = new LabelEditRepository(database, annotations, { writer, categories });
  return {
    database,
    meta: new MetaRepository(database),
    datasets: new DatasetRepository(database),
    categories,
    images: new ImageRepository(database),
    annotations,
    stagedImages: new StagedImageRepository(database),
    labelFacts: new LabelFactKeeper(database),
    labelEdits,
    bulkEdits: new BulkEditRepository(database, { writer, edits: labelEdits, categories }),
    deletedLabels: new DeletedLabelRepository(database),
    classRevival,
    labelHistory: new LabelHistoryRepository(database, annotations),
    labelStatistics: new LabelStatisticsRepository(database),
    training: new TrainingRepository(database),
    runs: new RunRepository(database),
    presets: new PresetRepository(database),
    sweeps: new SweepRepository(database),
    splits: new SplitRepository(database),
    trash: new TrashRepository(database, categories, classRevival),
    tags: new TagRepository(database),
    imageResults: new ImageResultRepository(database),
    library: new LibraryRepository(database),
    pagesToCheckpoint: () => pagesToCheckpoint(database),
    close() {
      database.close();
      lock.release();
    },
  };
}
