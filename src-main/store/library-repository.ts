/** Saved views, fingerprints of images, frozen versions, and the labels of a data set as a list of their own. */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError } from '../contract/errors.ts';
import type { ImageFilter, ImageOrder, SavedView } from '../contract/model/dataset.ts';
import type {
  AnnotationId,
  CategoryId,
  DatasetId,
  DatasetVersionId,
  ImageId,
  RunId,
  SavedViewId,
} from '../contract/model/ids.ts';
import type { DatasetVersion, LabelCrop } from '../contract/model/library.ts';

export interface Fingerprint {
  imageId: ImageId;
  contentHash: Uint8Array;
  /** 8 bytes; null for a picture without structure. */
  perceptualHash: Uint8Array | null;
  /** Of the file that was read; null for an image in a pack, whose pixels never change. */
  sizeBytes: number | null;
  modifiedMs: number | null;
}

export interface NewVersion extends Omit<DatasetVersion, 'versionId' | 'runs'> {
  /** Relative to the project. */
  file: string;
}

const CROP_COLUMNS = `id AS annotationId, image_id AS imageId, category_id AS categoryId, kind, x1, y1, x2, y2`;

/** The statements whose plans a test holds. */
export const hotLibraryQueries = {
  labelsOfClass: `
    SELECT id FROM annotation WHERE category_id = ? AND image_id IN (SELECT value FROM json_each(?)) ORDER BY image_id, id`,
  crops: `SELECT ${CROP_COLUMNS} FROM annotation WHERE id IN (SELECT value FROM json_each(?))`,
} as const;

interface CropRow extends Omit<LabelCrop, 'bboxXyxy'> {
  x1: number | null;
  y1: number | null;
  x2: number | null;
  y2: number | null;
}

export class LibraryRepository {
  #database: Database;
  #fingerprint: Statement<[Fingerprint]>;
  #labelsOfClass: Statement<[CategoryId, string], AnnotationId>;
  #crops: Statement<[string], CropRow>;

  constructor(database: Database) {
    this.#database = database;
    this.#fingerprint = database.prepare(
      `INSERT INTO image_fingerprint (image_id, content_hash, perceptual_hash, size_bytes, modified_ms)
       SELECT id, @contentHash, @perceptualHash, @sizeBytes, @modifiedMs FROM image WHERE id = @imageId
       ON CONFLICT (image_id) DO UPDATE SET content_hash = excluded.content_hash,
         perceptual_hash = excluded.perceptual_hash, size_bytes = excluded.size_bytes, modified_ms = excluded.modified_ms`,
    );
    this.#labelsOfClass = database.prepare<[CategoryId, string], AnnotationId>(hotLibraryQueries.labelsOfClass).pluck();
    this.#crops = database.prepare(hotLibraryQueries.crops);
  }

  views(datasetId: DatasetId): SavedView[] {
    return this.#database
      .prepare<[DatasetId], { viewId: SavedViewId; name: string; filter: string }>(
        'SELECT id AS viewId, name, filter FROM saved_view WHERE dataset_id = ? ORDER BY name',
      )
      .all(datasetId)
      .map(({ viewId, name, filter }) => {
        return { viewId, name, ...(JSON.parse(filter) as { filter: ImageFilter; order: ImageOrder }) };
      });
  }

  /** Replaces the one of that name. */
  saveView(datasetId: DatasetId, name: string, view: { filter: ImageFilter; order: ImageOrder }): SavedView {
    this.#database
      .prepare(
        `INSERT INTO saved_view (dataset_id, name, filter) VALUES (?, ?, ?)
         ON CONFLICT (dataset_id, name) DO UPDATE SET name = excluded.name, filter = excluded.filter`,
      )
      .run(datasetId, name, JSON.stringify(view));
    const saved = this.views(datasetId).find((other) => other.name === name);
    if (!saved) throw new FoveaError('internal', 'internal: a view was not saved', { name });
    return saved;
  }

  deleteView(viewId: SavedViewId): void {
    this.#database.prepare('DELETE FROM saved_view WHERE id = ?').run(viewId);
  }

  /** One transaction; images that are gone meanwhile are passed over. */
  saveFingerprints(fingerprints: readonly Fingerprint[]): void {
    this.#database
      .transaction(() => {
        for (const fingerprint of fingerprints) this.#fingerprint.run(fingerprint);
      })
      .immediate();
  }

  /** Of the data set's images, ascending in id; those without one are left out. */
  fingerprints(datasetId: DatasetId): Fingerprint[] {
    return this.#database
      .prepare<[DatasetId], Fingerprint>(
        `SELECT f.image_id AS imageId, f.content_hash AS contentHash, f.perceptual_hash AS perceptualHash,
           f.size_bytes AS sizeBytes, f.modified_ms AS modifiedMs
         FROM image i JOIN image_fingerprint f ON f.image_id = i.id WHERE i.dataset_id = ? ORDER BY i.id`,
      )
      .all(datasetId);
  }

  /** How many of the data set's images have one. */
  fingerprintCount(datasetId: DatasetId): number {
    const sql = `SELECT count(*) FROM image_fingerprint f CROSS JOIN image i ON i.id = f.image_id WHERE i.dataset_id = ?`;
    return this.#database.prepare<[DatasetId], number>(sql).pluck().get(datasetId) ?? 0;
  }

  /** The one that is there where the same state was frozen before. */
  addVersion({ datasetId, datasetName, hash, createdAt, imageCount, labelCount, file }: NewVersion): DatasetVersion {
    this.#database
      .prepare(
        `INSERT INTO dataset_version (dataset_id, dataset_name, hash, created_at, image_count, label_count, file)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dataset_id, hash) DO NOTHING`,
      )
      .run(datasetId, datasetName, hash, createdAt, imageCount, labelCount, file);
    const version = this.versions(datasetId).find((other) => other.hash === hash);
    if (!version) throw new FoveaError('internal', 'internal: a version was not saved', { hash });
    return version;
  }

  /** Newest first. */
  versions(datasetId: DatasetId): DatasetVersion[] {
    return this.#database
      .prepare<[DatasetId], Omit<DatasetVersion, 'runs'> & { runs: string }>(
        `SELECT id AS versionId, dataset_id AS datasetId, dataset_name AS datasetName, hash, created_at AS createdAt,
           image_count AS imageCount, label_count AS labelCount,
           (SELECT json_group_array(name) FROM run WHERE dataset_version_id = dataset_version.id
              AND trashed_at IS NULL) AS runs
         FROM dataset_version WHERE dataset_id = ? ORDER BY id DESC`,
      )
      .all(datasetId)
      .map((row) => ({ ...row, runs: JSON.parse(row.runs) as string[] }));
  }

  /** Relative to the project. Throws `not-found`. */
  versionFile(versionId: DatasetVersionId): string {
    const file = this.#database
      .prepare<[DatasetVersionId], string>('SELECT file FROM dataset_version WHERE id = ?')
      .pluck()
      .get(versionId);
    if (file === undefined) throw new FoveaError('not-found', 'There is no such version of a data set.', { versionId });
    return file;
  }

  setRunVersion(runId: RunId, versionId: DatasetVersionId): void {
    this.#database.prepare('UPDATE run SET dataset_version_id = ? WHERE id = ?').run(versionId, runId);
  }

  /** Ids of a class's labels on these images, in the order of the images' ids. */
  labelsOfClass(categoryId: CategoryId, imageIds: readonly ImageId[]): AnnotationId[] {
    return this.#labelsOfClass.all(categoryId, JSON.stringify(imageIds));
  }

  /** Labels that cover a part of their image, in the order of the ids. */
  crops(annotationIds: readonly AnnotationId[]): LabelCrop[] {
    const rows = new Map(this.#crops.all(JSON.stringify(annotationIds)).map((row) => [row.annotationId, row]));
    return annotationIds.flatMap((id): LabelCrop[] => {
      const row = rows.get(id);
      if (row === undefined) return [];
      const { x1, y1, x2, y2, ...own } = row;
      return x1 === null || y1 === null || x2 === null || y2 === null ? [] : [{ ...own, bboxXyxy: [x1, y1, x2, y2] }];
    });
  }

  /** The image and the box of a label that covers a part of it. Throws `not-found`. */
  crop(annotationId: AnnotationId): LabelCrop {
    const [crop] = this.crops([annotationId]);
    if (crop) return crop;
    throw new FoveaError('not-found', `There is no label ${annotationId} with a place in its image.`, { annotationId });
  }

  /** Paths and sizes of the data set's image files. */
  files(datasetId: DatasetId): { path: string; sizeBytes: number }[] {
    return this.#database
      .prepare<[DatasetId], { path: string; sizeBytes: number }>(
        'SELECT path, size_bytes AS sizeBytes FROM image WHERE dataset_id = ? AND path IS NOT NULL ORDER BY id',
      )
      .all(datasetId);
  }
}
