/**
 * Images and their annotations. The order of a data set's images is the order of their ids. A filter's empty list means
 * "no restriction"; an image matches a category when any of its annotations does. What looks at a whole data set is
 * asked range by range of ids, so that no call takes long however large the data set is; batches of inserts and
 * deletions are kept small by the caller.
 */
import type { Database, Statement } from 'better-sqlite3';
import { FoveaError, invariant } from '../contract/errors.ts';
import type { BboxXyxy } from '../contract/geometry/box.ts';
import type { AnnotationSummary, Shape } from '../contract/model/annotation.ts';
import type { ImageFilter, ImageSummary, Split } from '../contract/model/dataset.ts';
import type { AnnotationId, CategoryId, DatasetId, ImageId } from '../contract/model/ids.ts';
import type { PackFacts, PackId } from './dataset-repository.ts';
import { writeRelaxed } from './relaxed-write.ts';

/** Image ids above `after`, up to and with `last`. */
export interface IdRange {
  after: number;
  last: number;
}

/** Consecutive images of one pack with one class each. */
export interface PackedImages {
  datasetId: DatasetId;
  split: Split;
  packId: PackId;
  /** Row in the pack of the first image. */
  firstRow: number;
  channels: number;
  heightPx: number;
  widthPx: number;
  /** File the images came from, and the first image's number in it, 0-based: named "<file> #<number>". */
  sourceFile: string;
  firstNumber: number;
  /** Class index of each image. */
  labels: Uint8Array;
  /** The category of each class index. */
  categoryIds: readonly CategoryId[];
}

/** Where an image's pixels are in a pack. */
export interface PackRow {
  pack: PackFacts;
  row: number;
}

/** An image that is a file; `root` is absolute, or relative to the project's folder. */
export interface ImageFile {
  datasetId: DatasetId;
  root: string;
  path: string;
  mediaType: string;
  orientation: number;
  /** Of the file as it was imported. */
  sizeBytes: number;
  modifiedMs: number;
}

/** Where an image's pixels are. */
export type PixelSource = { kind: 'pack'; packed: PackRow } | { kind: 'file'; file: ImageFile };

/** One row for each class of an image; `label` is null where it has none, `packId` where it is not in a pack. */
export interface TrainingRow {
  imageId: ImageId;
  packId: PackId | null;
  packRow: number | null;
  label: number | null;
}

export interface RangeFacets {
  /** Images of the category filter in each split. */
  bySplit: { split: Split; count: number }[];
  /** Images of the split filter in each category, and labels on them. */
  byCategory: { categoryId: CategoryId; count: number; objects: number }[];
}

interface FilterParameters {
  datasetId: DatasetId;
  after: number;
  last: number;
  splits?: string;
  categories?: string;
}

type ImageRow = Omit<ImageSummary, 'annotations'>;
interface AnnotationRow {
  annotationId: AnnotationId;
  imageId: ImageId;
  kind: AnnotationSummary['kind'];
  categoryId: CategoryId;
  x1: number | null;
  y1: number | null;
  x2: number | null;
  y2: number | null;
  geometry: string | null;
}
type SourceRow = PackFacts & { datasetId: DatasetId; row: number | null } & {
  [Field in keyof Omit<ImageFile, 'datasetId'>]: ImageFile[Field] | null;
};

/** Larger shapes are left out of lists; `image.annotations` has them. Characters of JSON. */
const LISTED_SHAPE_LENGTH = 4000;

const RANGE = 'i.dataset_id = @datasetId AND i.id > @after AND i.id <= @last';
const IN_SPLITS = 'i.split IN (SELECT value FROM json_each(@splits))';
const IN_CATEGORIES = `EXISTS (SELECT 1 FROM annotation a WHERE a.image_id = i.id
  AND a.category_id IN (SELECT value FROM json_each(@categories)))`;
const IMAGE_COLUMNS =
  'i.id AS imageId, i.name, i.split, i.width AS widthPx, i.height AS heightPx, i.channels, i.review';

function where(filter: { splits: boolean; categories: boolean }): string {
  return [RANGE, ...(filter.splits ? [IN_SPLITS] : []), ...(filter.categories ? [IN_CATEGORIES] : [])].join(' AND ');
}

/** The statements whose plans a test holds. */
export const hotImageQueries = {
  ids: (filter: { splits: boolean; categories: boolean }): string =>
    `SELECT i.id FROM image i WHERE ${where(filter)} ORDER BY i.id`,
  countBySplit: (filter: { categories: boolean }): string =>
    `SELECT i.split, count(*) AS count FROM image i WHERE ${where({ splits: false, ...filter })} GROUP BY i.split`,
  countByCategory: (filter: { splits: boolean }): string =>
    `SELECT a.category_id AS categoryId, count(DISTINCT i.id) AS count, count(*) AS objects
     FROM image i CROSS JOIN annotation a ON a.image_id = i.id
     WHERE ${where({ categories: false, ...filter })} GROUP BY a.category_id`,
  summaries: `SELECT ${IMAGE_COLUMNS} FROM image i WHERE i.id IN (SELECT value FROM json_each(?)) ORDER BY i.id`,
  annotations: `
    SELECT id AS annotationId, image_id AS imageId, kind, category_id AS categoryId, x1, y1, x2, y2,
      CASE WHEN length(geometry) <= ${LISTED_SHAPE_LENGTH} THEN geometry END AS geometry
    FROM annotation WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY id`,
  training: `
    SELECT i.id AS imageId, i.pack_id AS packId, i.pack_row AS packRow, c.ordinal AS label
    FROM image i
    LEFT JOIN annotation a ON a.image_id = i.id AND a.kind = 'classification'
    LEFT JOIN category c ON c.id = a.category_id
    WHERE ${RANGE} AND i.split = @split ORDER BY i.id`,
} as const;

export class ImageRepository {
  #database: Database;
  #statements = new Map<string, Statement<unknown[]>>();
  #summaries: Statement<[string], ImageRow>;
  #annotations: Statement<[string], AnnotationRow>;
  #source: Statement<[ImageId], SourceRow>;
  #training: Statement<[IdRange & { datasetId: DatasetId; split: Split }], TrainingRow>;
  #insertImage: Statement<unknown[]>;
  #insertAnnotation: Statement<unknown[]>;
  #deleteSome: Statement<[DatasetId, number]>;

  constructor(database: Database) {
    this.#database = database;
    this.#summaries = database.prepare(hotImageQueries.summaries);
    this.#annotations = database.prepare(hotImageQueries.annotations);
    this.#source = database.prepare(`
      SELECT i.pack_row AS row, p.file, p.count, p.channels, p.height AS heightPx, p.width AS widthPx,
        d.id AS datasetId, d.image_root AS root, i.path, i.media_type AS mediaType, i.orientation, i.size_bytes AS sizeBytes,
        i.modified_ms AS modifiedMs
      FROM image i JOIN dataset d ON d.id = i.dataset_id LEFT JOIN pack p ON p.id = i.pack_id
      WHERE i.id = ? AND d.state = 'ready'`);
    this.#training = database.prepare(hotImageQueries.training);
    this.#insertImage = database.prepare(`
      INSERT INTO image (dataset_id, split, name, width, height, channels, pack_id, pack_row, review)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'done')`);
    this.#insertAnnotation = database.prepare(`
      INSERT INTO annotation (image_id, kind, category_id, source) VALUES (?, 'classification', ?, 'import')`);
    this.#deleteSome = database.prepare(
      'DELETE FROM image WHERE id IN (SELECT id FROM image WHERE dataset_id = ? ORDER BY id LIMIT ?)',
    );
  }

  /** The range that holds all ids of a data set, or null where it has no images. */
  idRange(datasetId: DatasetId): IdRange | null {
    const ends = this.#database
      .prepare<[DatasetId, DatasetId], { first: number | null; last: number | null }>(
        `SELECT (SELECT min(id) FROM image WHERE dataset_id = ?) AS first,
                (SELECT max(id) FROM image WHERE dataset_id = ?) AS last`,
      )
      .get(datasetId, datasetId);
    return ends?.first && ends.last ? { after: ends.first - 1, last: ends.last } : null;
  }

  /** Ids of the images of a range that match, ascending. */
  idsInRange(datasetId: DatasetId, filter: ImageFilter, range: IdRange): ImageId[] {
    const sql = hotImageQueries.ids({ splits: filter.splits.length > 0, categories: filter.categoryIds.length > 0 });
    return this.#prepared<ImageId>(sql, 'pluck').all(parameters(datasetId, filter, range));
  }

  facetsInRange(datasetId: DatasetId, filter: ImageFilter, range: IdRange): RangeFacets {
    const bySplit = hotImageQueries.countBySplit({ categories: filter.categoryIds.length > 0 });
    const byCategory = hotImageQueries.countByCategory({ splits: filter.splits.length > 0 });
    const anySplit = { ...filter, splits: [] };
    const anyCategory = { ...filter, categoryIds: [] };
    return {
      bySplit: this.#prepared<RangeFacets['bySplit'][number]>(bySplit).all(parameters(datasetId, anySplit, range)),
      byCategory: this.#prepared<RangeFacets['byCategory'][number]>(byCategory).all(
        parameters(datasetId, anyCategory, range),
      ),
    };
  }

  /** The images with these ids that exist, in ascending order of id. */
  summaries(imageIds: readonly ImageId[]): ImageSummary[] {
    const ids = JSON.stringify(imageIds);
    const annotations = Map.groupBy(this.#annotations.all(ids), (row) => row.imageId);
    return this.#summaries.all(ids).map((row) => ({
      ...row,
      annotations: (annotations.get(row.imageId) ?? []).map(summariseAnnotation),
    }));
  }

  /** Throws `not-found`, also for an image of a data set that is not visible. */
  get(imageId: ImageId): ImageSummary {
    const [summary] = this.summaries([imageId]);
    if (!summary || !this.#source.get(imageId)) throw imageNotFound(imageId);
    return summary;
  }

  /** Throws `not-found`, also for an image of a data set that is not visible. */
  pixelSource(imageId: ImageId): PixelSource {
    const source = this.#source.get(imageId);
    if (!source) throw imageNotFound(imageId);
    const { row, file, count, channels, heightPx, widthPx, ...own } = source;
    if (row !== null) return { kind: 'pack', packed: { pack: { file, count, channels, heightPx, widthPx }, row } };
    const { datasetId, root, path, mediaType, orientation, sizeBytes, modifiedMs } = own;
    const isWhole =
      root !== null &&
      path !== null &&
      mediaType !== null &&
      orientation !== null &&
      sizeBytes !== null &&
      modifiedMs !== null;
    invariant(isWhole, 'an image is neither in a pack nor a file', { imageId });
    return { kind: 'file', file: { datasetId, root, path, mediaType, orientation, sizeBytes, modifiedMs } };
  }

  trainingRowsInRange(datasetId: DatasetId, split: Split, range: IdRange): TrainingRow[] {
    return this.#training.all({ datasetId, split, ...range });
  }

  /** Images of all visible data sets. */
  count(): number {
    return (
      this.#prepared<number>(
        `SELECT count(*) FROM image WHERE dataset_id IN (SELECT id FROM dataset WHERE state = 'ready')`,
        'pluck',
      ).get() ?? 0
    );
  }

  /** Adds the images and their classes in one transaction, durable once the data set is published. Throws `internal` for a label without a category. */
  insert(images: PackedImages): void {
    const { datasetId, split, packId, channels, heightPx, widthPx, categoryIds } = images;
    writeRelaxed(this.#database, () => {
      images.labels.forEach((label, index) => {
        const categoryId = categoryIds[label];
        invariant(categoryId !== undefined, `label ${label} has no category`, { file: images.sourceFile, index });
        const name = `${images.sourceFile} #${images.firstNumber + index}`;
        const row = images.firstRow + index;
        const image = this.#insertImage.run(datasetId, split, name, widthPx, heightPx, channels, packId, row);
        this.#insertAnnotation.run(image.lastInsertRowid, categoryId);
      });
    });
  }

  /** Deletes up to `limit` images of a data set with their annotations; returns how many. */
  deleteSome(datasetId: DatasetId, limit: number): number {
    return writeRelaxed(this.#database, () => this.#deleteSome.run(datasetId, limit).changes);
  }

  #prepared<Row>(sql: string, mode?: 'pluck'): Statement<unknown[], Row> {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      if (mode === 'pluck') statement.pluck();
      this.#statements.set(sql, statement);
    }
    return statement as Statement<unknown[], Row>;
  }
}

function summariseAnnotation({ annotationId, kind, categoryId, geometry, ...row }: AnnotationRow): AnnotationSummary {
  const bboxXyxy = boxOf(row);
  return {
    annotationId,
    kind,
    categoryId,
    ...(bboxXyxy === null ? {} : { bboxXyxy: [...bboxXyxy] }),
    ...(geometry === null ? {} : { shape: JSON.parse(geometry) as Shape }),
  };
}

function boxOf({ x1, y1, x2, y2 }: Pick<AnnotationRow, 'x1' | 'y1' | 'x2' | 'y2'>): BboxXyxy | null {
  return x1 === null || y1 === null || x2 === null || y2 === null ? null : [x1, y1, x2, y2];
}

function parameters(datasetId: DatasetId, filter: ImageFilter, range: IdRange): FilterParameters {
  return {
    datasetId,
    ...range,
    ...(filter.splits.length > 0 ? { splits: JSON.stringify(filter.splits) } : {}),
    ...(filter.categoryIds.length > 0 ? { categories: JSON.stringify(filter.categoryIds) } : {}),
  };
}

function imageNotFound(imageId: ImageId): FoveaError {
  return new FoveaError('not-found', `There is no image ${imageId} in this project.`, { imageId });
}
