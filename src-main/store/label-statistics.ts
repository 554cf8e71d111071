/** Counts of a split's labels by class and kind, over one range of ids at a time. */
import type { Database, Statement } from 'better-sqlite3';
import type { ShapeKind } from '../contract/model/annotation.ts';
import type { Split } from '../contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../contract/model/ids.ts';
import type { IdRange } from './image-repository.ts';

export interface LabelCount {
  kind: ShapeKind;
  categoryId: CategoryId;
  objects: number;
}

/** The statements whose plans a test holds. */
export const hotStatisticsQueries = {
  counts: `
    SELECT a.kind, a.category_id AS categoryId, count(*) AS objects
    FROM image i CROSS JOIN annotation a ON a.image_id = i.id
    WHERE i.dataset_id = @datasetId AND i.split = @split AND i.id > @after AND i.id <= @last
    GROUP BY a.category_id, a.kind`,
  images: `
    SELECT a.category_id AS categoryId, count(DISTINCT i.id) AS images
    FROM image i CROSS JOIN annotation a ON a.image_id = i.id
    WHERE i.dataset_id = @datasetId AND i.split = @split AND i.id > @after AND i.id <= @last
    GROUP BY a.category_id`,
  area: `
    SELECT count(*) AS images, coalesce(sum(width * height), 0) AS imageArea FROM image i
    WHERE i.dataset_id = @datasetId AND i.split = @split AND i.id > @after AND i.id <= @last`,
} as const;

type Range = IdRange & { datasetId: DatasetId; split: Split };

export class LabelStatisticsRepository {
  #counts: Statement<[Range], LabelCount>;
  #images: Statement<[Range], { categoryId: CategoryId; images: number }>;
  #area: Statement<[Range], { images: number; imageArea: number }>;

  constructor(database: Database) {
    this.#counts = database.prepare(hotStatisticsQueries.counts);
    this.#images = database.prepare(hotStatisticsQueries.images);
    this.#area = database.prepare(hotStatisticsQueries.area);
  }

  /** Labels by class and kind, images by class, and how many images there are with how many pixels. */
  inRange(datasetId: DatasetId, split: Split, range: IdRange) {
    const asked = { datasetId, split, ...range };
    return {
      counts: this.#counts.all(asked),
      byClass: this.#images.all(asked),
      ...(this.#area.get(asked) ?? { images: 0, imageArea: 0 }),
    };
  }
}
