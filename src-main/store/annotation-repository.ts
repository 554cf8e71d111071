/** All that is known of labels. */
import type { Database, Statement } from 'better-sqlite3';
import { invariant } from '../contract/errors.ts';
import type { Annotation, Attributes, Provenance, Shape } from '../contract/model/annotation.ts';
import type { AnnotationId, CategoryId, ImageId, RunId } from '../contract/model/ids.ts';
import { contentRow, flagsOf } from './label-row.ts';

interface AnnotationRow {
  annotationId: AnnotationId;
  imageId: ImageId;
  kind: Shape['kind'];
  categoryId: CategoryId;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  geometry: string | null;
  flags: number;
  attributes: string | null;
  source: Provenance['by'];
  runId: RunId | null;
  score: number | null;
  createdAt: string;
  updatedAt: string | null;
  z: number;
  note: string;
}

type ShapeRow = Pick<AnnotationRow, 'kind' | 'x1' | 'y1' | 'x2' | 'y2' | 'geometry'>;

/** How much there is to read of a label's shape. */
export interface ShapeSize {
  annotationId: AnnotationId;
  /** Counts the changes of its image's labels: with the same one the shape is the same. */
  version: number;
  /** 0 where the box says it all. */
  sizeBytes: number;
}

const LABELS = `
    SELECT a.id AS annotationId, a.image_id AS imageId, a.kind, a.category_id AS categoryId, a.x1, a.y1, a.x2, a.y2, a.geometry, a.flags,
      a.attributes, a.source, a.run_id AS runId, a.score, coalesce(a.created_at, d.created_at) AS createdAt,
      a.updated_at AS updatedAt, a.z, a.note
    FROM annotation a CROSS JOIN image i ON i.id = a.image_id CROSS JOIN dataset d ON d.id = i.dataset_id`;

/** The statements whose plans a test holds. */
export const hotAnnotationQueries = {
  ofImages: `${LABELS} WHERE a.image_id IN (SELECT value FROM json_each(?)) ORDER BY a.id`,
  byIds: `${LABELS} WHERE a.id IN (SELECT value FROM json_each(?))`,
  shapeSizes: `
    SELECT a.id AS annotationId, i.label_version AS version, coalesce(octet_length(a.geometry), 0) AS sizeBytes
    FROM annotation a CROSS JOIN image i ON i.id = a.image_id
    WHERE a.id IN (SELECT value FROM json_each(?)) ORDER BY sizeBytes`,
  shape: `
    SELECT i.label_version AS version, a.kind, a.x1, a.y1, a.x2, a.y2, a.geometry
    FROM annotation a CROSS JOIN image i ON i.id = a.image_id WHERE a.id = ?`,
} as const;

export class AnnotationRepository {
  #database: Database;
  #ofImages: Statement<[string], AnnotationRow>;
  #byIds: Statement<[string], AnnotationRow>;
  #shapeSizes: Statement<[string], ShapeSize>;
  #shape: Statement<[AnnotationId], ShapeRow & { version: number }>;
  #insert: Statement<unknown[]>;
  #update: Statement<unknown[]>;
  #remove: Statement<[AnnotationId]>;

  constructor(database: Database) {
    this.#database = database;
    this.#ofImages = database.prepare(hotAnnotationQueries.ofImages);
    this.#byIds = database.prepare(hotAnnotationQueries.byIds);
    this.#shapeSizes = database.prepare(hotAnnotationQueries.shapeSizes);
    this.#shape = database.prepare(hotAnnotationQueries.shape);
    this.#insert = database.prepare(`
      INSERT INTO annotation (id, image_id, source, run_id, score, created_at, kind, category_id, x1, y1, x2, y2, geometry,
        flags, attributes, z, note, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#update = database.prepare(`
      UPDATE annotation SET kind = ?, category_id = ?, x1 = ?, y1 = ?, x2 = ?, y2 = ?, geometry = ?, flags = ?,
        attributes = ?, z = ?, note = ?, updated_at = ?
      WHERE id = ?`);
    this.#remove = database.prepare('DELETE FROM annotation WHERE id = ?');
  }

  /** Labels of an image, oldest first. */
  ofImage(imageId: ImageId): Annotation[] {
    return this.ofImages([imageId]).get(imageId) ?? [];
  }

  /** Labels of images, oldest first; images without labels are not in the map. */
  ofImages(imageIds: readonly ImageId[]): Map<ImageId, Annotation[]> {
    const rows = Map.groupBy(this.#ofImages.all(JSON.stringify(imageIds)), (row) => row.imageId);
    return new Map([...rows].map(([imageId, own]) => [imageId, own.map(readRow)]));
  }

  /** Those of these labels that there are, with the image each is on. */
  byIds(annotationIds: readonly AnnotationId[]): Map<AnnotationId, { imageId: ImageId; label: Annotation }> {
    const rows = this.#byIds.all(JSON.stringify(annotationIds));
    return new Map(rows.map((row) => [row.annotationId, { imageId: row.imageId, label: readRow(row) }]));
  }

  /** Of those of these labels that there are, the smallest first; no shape is read. */
  shapeSizes(annotationIds: readonly AnnotationId[]): ShapeSize[] {
    return this.#shapeSizes.all(JSON.stringify(annotationIds));
  }

  /** With the version that it is of; null where the label is gone. */
  shape(annotationId: AnnotationId): { version: number; shape: Shape } | null {
    const row = this.#shape.get(annotationId);
    return row === undefined ? null : { version: row.version, shape: readShape(row) };
  }

  highestId(): number {
    const id = this.#database.prepare('SELECT max(id) FROM annotation').pluck().get();
    return typeof id === 'number' ? id : 0;
  }

  /** With its id. For changes that the history records; see `LabelEditRepository`. */
  insert(imageId: ImageId, label: Annotation): void {
    const { annotationId, provenance, createdAt } = label;
    const [runId, score] = provenance.by === 'model' ? [provenance.runId, provenance.score] : [null, null];
    this.#insert.run(annotationId, imageId, provenance.by, runId, score, createdAt, ...contentColumns(label));
  }

  /** Everything but who made it, and when. */
  update(label: Annotation): void {
    this.#update.run(...contentColumns(label), label.annotationId);
  }

  remove(annotationId: AnnotationId): void {
    this.#remove.run(annotationId);
  }

  /** The first image, of those that these labels are on, whose data set the class is not of; null where there is none. */
  imageOfOtherClasses(annotationIds: readonly AnnotationId[], categoryId: CategoryId): ImageId | null {
    const find = this.#database.prepare<[string, CategoryId], ImageId>(
      `SELECT i.id FROM annotation a JOIN image i ON i.id = a.image_id
       WHERE a.id IN (SELECT value FROM json_each(?))
         AND i.dataset_id IS NOT (SELECT dataset_id FROM category WHERE id = ?)
       LIMIT 1`,
    );
    return find.pluck().get(JSON.stringify(annotationIds), categoryId) ?? null;
  }
}

/** In the order of the statements above. */
function contentColumns(label: Annotation): unknown[] {
  const { kind, box, geometry, flags, attributes } = contentRow(label);
  return [kind, label.categoryId, ...box, geometry, flags, attributes, label.z, label.note, label.updatedAt];
}

function readRow(row: AnnotationRow): Annotation {
  return {
    annotationId: row.annotationId,
    categoryId: row.categoryId,
    shape: readShape(row),
    flags: flagsOf(row.flags),
    attributes: row.attributes === null ? {} : (JSON.parse(row.attributes) as Attributes),
    note: row.note,
    z: row.z,
    provenance: readProvenance(row),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function readShape({ kind, geometry, x1, y1, x2, y2 }: ShapeRow): Shape {
  if (kind === 'classification') return { kind };
  if (kind === 'bbox') return { kind, bboxXyxy: [x1, y1, x2, y2] };
  invariant(geometry !== null, `a label of kind ${kind} has no shape`);
  return JSON.parse(geometry) as Shape;
}

function readProvenance({ source, runId, score }: AnnotationRow): Provenance {
  return source === 'model' && runId !== null
    ? { by: source, runId, score: score ?? 0 }
    : { by: source === 'person' ? source : 'import' };
}
