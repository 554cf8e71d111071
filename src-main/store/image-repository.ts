/**
 * Images and their annotations. The order of a data set's images is the order of their ids. A filter's empty list means
 * "no restriction"; an image matches a category when any of its annotations does. What looks at a whole data set is
 * asked range by range of ids, so that no call takes long however large the data set is; batches of inserts and
 * deletions are kept small by the caller.
 */
import type { Database, Statement } from 'better-sqlite3';
import { invariant } from '../contract/errors.ts';
import type { BboxXyxy } from '../contract/geometry/box.ts';
import type { AnnotationSummary, ReviewState, Shape } from '../contract/model/annotation.ts';
import type { ImageFilter, ImageOrder, ImageSummary, runOrders, Split } from '../contract/model/dataset.ts';
import type { AnnotationId, CategoryId, DatasetId, ImageId, RunId } from '../contract/model/ids.ts';
import type { PackFacts, PackId } from './dataset-repository.ts';
import { classWords } from './class-bits.ts';
import { filterCondition, type Condition } from './image-query.ts';
import { prepareFindRun } from './image-result-repository.ts';
import { AREA, factBit } from './label-facts.ts';
import { imageNotFound } from './label-writer.ts';
import { writeRelaxed } from './relaxed-write.ts';
import { TagRepository } from './tag-repository.ts';

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
  /** A tag an image, by its place among the names. */
  tags?: { names: readonly string[]; of: Uint8Array };
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

export interface RangeFacets {
  /** Images of the category filter in each split. */
  bySplit: { split: Split; count: number }[];
  /** Images of the whole filter in each state of review. */
  byReview: { review: ReviewState; count: number }[];
  /** Images of the split filter in each category, and labels on them; see `categoryCount` for those of all images. */
  byCategory: { categoryId: CategoryId; count: number; objects: number }[];
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
type SourceRow = PackFacts & { imageId: ImageId; datasetId: DatasetId; row: number | null } & {
  [Field in keyof Omit<ImageFile, 'datasetId'>]: ImageFile[Field] | null;
};

/** What an image is sorted by. */
export interface SortKey {
  imageId: ImageId;
  key: string | number;
}

const KEPT_STATEMENTS = 60;
/** Larger shapes are left out of lists; `image.annotations` has them, `label.sketches` what small pictures need. Of JSON. */
const LISTED_SHAPE_BYTES = 4000;

/** The planner knows too little of a data set to see that this index is always the one. */
const IMAGES = 'image i INDEXED BY image_by_dataset';
const RANGE = 'i.dataset_id = @datasetId AND i.id > @after AND i.id <= @last';
const IMAGE_COLUMNS =
  'i.id AS imageId, i.name, i.split, i.width AS widthPx, i.height AS heightPx, i.channels, i.review,' +
  ' i.label_version AS labelVersion';

/** What an order goes by; ids are the order in which images were added. */
const sortKeys: Record<ImageOrder['by'], string> = {
  added: 'i.id',
  name: 'i.name',
  labels: 'i.label_count',
  object: `coalesce(CASE WHEN i.label_facts IS NULL
    THEN (SELECT max(${AREA}) FROM annotation a WHERE a.image_id = i.id) ELSE i.greatest_area END, 0)`,
  pixels: 'i.width * i.height',
  aspect: 'CAST(i.width AS REAL) / i.height',
  split: `CASE i.split WHEN 'train' THEN 0 WHEN 'val' THEN 1 ELSE 2 END`,
  review: `CASE i.review WHEN 'to-do' THEN 0 WHEN 'needs-review' THEN 1 WHEN 'done' THEN 2 ELSE 3 END`,
  date: 'coalesce(i.modified_ms, 0)',
  score: ofRun('score'),
  disagreement: ofRun('disagreement'),
};

/** `@missing` stands for images that the run was not measured by, which come last whichever way the order goes. */
function ofRun(measure: (typeof runOrders)[number]): string {
  return `coalesce((SELECT r.${measure} FROM image_result r WHERE r.run_id = @runId AND r.image_id = i.id), @missing)`;
}

function where(condition: string | null): string {
  return condition === null ? RANGE : `${RANGE} AND ${condition}`;
}

/** The statements whose plans a test holds. `condition`: SQL over `i` that further restricts the images, or null. */
export const hotImageQueries = {
  ids: (condition: string | null): string => `SELECT i.id FROM ${IMAGES} WHERE ${where(condition)} ORDER BY i.id`,
  keys: (condition: string | null, by: ImageOrder['by']): string =>
    `SELECT i.id AS imageId, ${sortKeys[by]} AS key FROM ${IMAGES} WHERE ${where(condition)} ORDER BY key, i.id`,
  countBySplit: (condition: string | null): string =>
    `SELECT i.split, count(*) AS count FROM ${IMAGES} WHERE ${where(condition)} GROUP BY i.split`,
  countByReview: (condition: string | null): string =>
    `SELECT i.review, count(*) AS count FROM ${IMAGES} WHERE ${where(condition)} GROUP BY i.review`,
  countByCategory: (condition: string | null): string =>
    `SELECT a.category_id AS categoryId, count(DISTINCT i.id) AS count, count(*) AS objects
     FROM ${IMAGES} CROSS JOIN annotation a ON a.image_id = i.id
     WHERE ${where(condition)} GROUP BY a.category_id`,
  /** Of a category's index, in whose order an image's labels stand together. */
  categoryCount: `
    SELECT count(*) AS count, coalesce(sum(objects), 0) AS objects FROM (
      SELECT count(*) AS objects FROM annotation INDEXED BY annotation_by_category WHERE category_id = ? GROUP BY image_id)`,
  summaries: `SELECT ${IMAGE_COLUMNS} FROM image i WHERE i.id IN (SELECT value FROM json_each(?)) ORDER BY i.id`,
  annotations: `
    SELECT id AS annotationId, image_id AS imageId, kind, category_id AS categoryId, x1, y1, x2, y2,
      CASE WHEN octet_length(geometry) <= ${LISTED_SHAPE_BYTES} THEN geometry END AS geometry
    FROM annotation WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY id`,
} as const;

export class ImageRepository {
  #database: Database;
  #statements = new Map<string, Statement<unknown[]>>();
  #summaries: Statement<[string], ImageRow>;
  #annotations: Statement<[string], AnnotationRow>;
  #categoryCount: Statement<[CategoryId], { count: number; objects: number }>;
  #sources: Statement<[string], SourceRow>;
  #category: Statement<[DatasetId, string], CategoryId>;
  #categories: Statement<[DatasetId], CategoryId>;
  /** The run that a query means by a name. */
  readonly findRun: (name: string) => RunId | null;
  #tags: TagRepository;
  #insertImage: Statement<unknown[]>;
  #insertAnnotation: Statement<unknown[]>;
  #deleteSome: Statement<[DatasetId, number]>;

  constructor(database: Database) {
    this.#database = database;
    this.#summaries = database.prepare(hotImageQueries.summaries);
    this.#annotations = database.prepare(hotImageQueries.annotations);
    this.#categoryCount = database.prepare(hotImageQueries.categoryCount);
    this.#sources = database.prepare(`
      SELECT i.id AS imageId, i.pack_row AS row, p.file, p.count, p.channels, p.height AS heightPx, p.width AS widthPx,
        d.id AS datasetId, d.image_root AS root, i.path, i.media_type AS mediaType, i.orientation, i.size_bytes AS sizeBytes,
        i.modified_ms AS modifiedMs
      FROM image i JOIN dataset d ON d.id = i.dataset_id LEFT JOIN pack p ON p.id = i.pack_id
      WHERE i.id IN (SELECT value FROM json_each(?)) AND d.state = 'ready' AND d.trashed_at IS NULL`);
    this.#category = database
      .prepare<[DatasetId, string], CategoryId>(
        'SELECT id FROM category WHERE dataset_id = ? AND name = ? COLLATE NOCASE',
      )
      .pluck();
    this.#categories = database
      .prepare<[DatasetId], CategoryId>('SELECT id FROM category WHERE dataset_id = ?')
      .pluck();
    this.findRun = prepareFindRun(database);
    this.#tags = new TagRepository(database);
    this.#insertImage = database.prepare(`
      INSERT INTO image (dataset_id, split, name, width, height, channels, pack_id, pack_row, review, label_count, label_facts,
        class_bits, more_class_bits)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'done', 1, ${factBit('classification') | factBit('import')}, ?, ?)`);
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

  /** Ids of the images of a range that match, ascending. Throws FoveaError `bad-input` for a query that is wrong. */
  idsInRange(datasetId: DatasetId, filter: ImageFilter, range: IdRange): ImageId[] {
    return this.readIds(datasetId, filter)(range);
  }

  /** The same for many ranges, one after the other. */
  readIds(datasetId: DatasetId, filter: ImageFilter): (range: IdRange) => ImageId[] {
    const condition = this.#condition(datasetId, filter);
    const statement = this.#prepared<ImageId>(hotImageQueries.ids(condition?.sql ?? null), 'pluck');
    return (range) => statement.all({ datasetId, ...range, ...condition?.parameters });
  }

  /** With what the order goes by, ascending in it. */
  readKeys(datasetId: DatasetId, filter: ImageFilter, order: ImageOrder): (range: IdRange) => SortKey[] {
    const condition = this.#condition(datasetId, filter);
    const statement = this.#prepared<SortKey>(hotImageQueries.keys(condition?.sql ?? null, order.by));
    const ofRun = { runId: order.runId ?? null, missing: order.descending ? -1 : 2 };
    return (range) => statement.all({ datasetId, ...range, ...ofRun, ...condition?.parameters });
  }

  facetsInRange(datasetId: DatasetId, filter: ImageFilter, range: IdRange): RangeFacets {
    const ofCategories = { ...filter, categoryIds: [] };
    const read = <Row>(query: (condition: string | null) => string, restricted: ImageFilter): Row[] => {
      const condition = this.#condition(datasetId, restricted);
      const statement = this.#prepared<Row>(query(condition?.sql ?? null));
      return statement.all({ datasetId, ...range, ...condition?.parameters });
    };
    return {
      bySplit: read(hotImageQueries.countBySplit, { ...filter, splits: [] }),
      byReview: read(hotImageQueries.countByReview, filter),
      byCategory: restrictsNothing(ofCategories) ? [] : read(hotImageQueries.countByCategory, ofCategories),
    };
  }

  /** Images and labels of a category. */
  categoryCount(categoryId: CategoryId): { count: number; objects: number } {
    return this.#categoryCount.get(categoryId) ?? { count: 0, objects: 0 };
  }

  /** The images with these ids that exist, in the order of the ids. */
  summaries(imageIds: readonly ImageId[]): ImageSummary[] {
    const ids = JSON.stringify(imageIds);
    const annotations = Map.groupBy(this.#annotations.all(ids), (row) => row.imageId);
    const rows = new Map(this.#summaries.all(ids).map((row) => [row.imageId, row]));
    const tags = this.#tags.ofImages(imageIds);
    return imageIds.flatMap((imageId) => {
      const row = rows.get(imageId);
      if (row === undefined) return [];
      const own = tags.get(imageId);
      const annotated = (annotations.get(imageId) ?? []).map(summariseAnnotation);
      return [{ ...row, annotations: annotated, ...(own === undefined ? {} : { tags: own }) }];
    });
  }

  /** Throws `not-found`, also for an image of a data set that is not visible. */
  get(imageId: ImageId): ImageSummary {
    const [summary] = this.summaries([imageId]);
    if (!summary || this.#sources.all(JSON.stringify([imageId])).length === 0) throw imageNotFound(imageId);
    return summary;
  }

  /** Throws `not-found`, also for an image of a data set that is not visible. */
  pixelSource(imageId: ImageId): PixelSource {
    const [source] = this.pixelSources([imageId]);
    invariant(source, 'an image has no source', { imageId });
    return source;
  }

  /** In the order of the ids. Throws like `pixelSource`. */
  pixelSources(imageIds: readonly ImageId[]): PixelSource[] {
    const rows = new Map(this.#sources.all(JSON.stringify(imageIds)).map((row) => [row.imageId, row]));
    return imageIds.map((imageId) => {
      const row = rows.get(imageId);
      if (row === undefined) throw imageNotFound(imageId);
      return this.#pixelSource(row);
    });
  }

  #pixelSource({ imageId, ...source }: SourceRow): PixelSource {
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

  /** Images of all visible data sets. */
  count(): number {
    return (
      this.#prepared<number>(
        `SELECT count(*) FROM image WHERE dataset_id IN (SELECT id FROM dataset WHERE state = 'ready' AND trashed_at IS NULL)`,
        'pluck',
      ).get() ?? 0
    );
  }

  /** Adds the images and their classes in one transaction, durable once the data set is published. Throws `internal` for a label without a category. */
  insert(images: PackedImages): void {
    const { datasetId, split, packId, channels, heightPx, widthPx, categoryIds, tags } = images;
    const words = categoryIds.map((id) => classWords([id]));
    writeRelaxed(this.#database, () => {
      images.labels.forEach((label, index) => {
        const categoryId = categoryIds[label];
        const ofClass = words[label];
        invariant(categoryId !== undefined && ofClass !== undefined, `label ${label} has no category`, {
          ...{ file: images.sourceFile, index },
        });
        const name = `${images.sourceFile} #${images.firstNumber + index}`;
        const row = images.firstRow + index;
        const image = this.#insertImage.run(
          ...[datasetId, split, name, widthPx, heightPx, channels, packId, row],
          ...ofClass,
        );
        this.#insertAnnotation.run(image.lastInsertRowid, categoryId);
        const tag = tags?.names[tags.of[index] ?? -1];
        if (tag !== undefined) this.#tags.add(Number(image.lastInsertRowid) as ImageId, tag);
      });
    });
  }

  /** Deletes up to `limit` images of a data set with their annotations; returns how many. */
  deleteSome(datasetId: DatasetId, limit: number): number {
    return writeRelaxed(this.#database, () => this.#deleteSome.run(datasetId, limit).changes);
  }

  #condition(datasetId: DatasetId, filter: ImageFilter): Condition | null {
    return filterCondition(filter, {
      category: (name) => this.#category.get(datasetId, name) ?? null,
      categories: () => this.#categories.all(datasetId),
      run: this.findRun,
    });
  }

  #prepared<Row>(sql: string, mode?: 'pluck'): Statement<unknown[], Row> {
    let statement = this.#statements.get(sql);
    if (!statement) {
      // Every query that a person types is a statement of its own.
      if (this.#statements.size >= KEPT_STATEMENTS) this.#statements.clear();
      statement = this.#database.prepare(sql);
      if (mode === 'pluck') statement.pluck();
      this.#statements.set(sql, statement);
    }
    return statement as Statement<unknown[], Row>;
  }
}

export function restrictsNothing({ splits, categoryIds, query = '' }: ImageFilter): boolean {
  return splits.length === 0 && categoryIds.length === 0 && query.trim() === '';
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
