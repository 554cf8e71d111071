/** The images of a split as a run is prepared from them, over one range of ids at a time. */
import type { Database, Statement } from 'better-sqlite3';
import type { ReviewState, ShapeKind } from '../contract/model/annotation.ts';
import type { Split } from '../contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId } from '../contract/model/ids.ts';
import type { IdRange } from './image-repository.ts';
import { factBit, factCondition } from './label-facts.ts';

export interface TrainingImage {
  imageId: ImageId;
  review: ReviewState;
  /** Upright. */
  widthPx: number;
  heightPx: number;
  /** Of an image in a pack: the pack's file name and the image's place in it; null for a file. */
  packFile: string | null;
  packRow: number | null;
}

/** How many images a task could learn from, by the kinds of labels that it knows. */
export interface LearnableImages {
  images: number;
  rejected: number;
  /** With such labels; of several classes; with no object at all, where somebody said that they are finished. */
  labelled: number;
  severalClasses: number;
  background: number;
  /** Most such labels on one image. */
  mostLabels: number;
  /** Objects of other kinds on images that have such labels. */
  otherObjects: number;
}

/** The statements whose plans a test holds. */
export const hotTrainingQueries = {
  images: `
    SELECT i.id AS imageId, i.review, i.width AS widthPx, i.height AS heightPx, p.file AS packFile, i.pack_row AS packRow
    FROM image i LEFT JOIN pack p ON p.id = i.pack_id
    WHERE i.dataset_id = @datasetId AND i.id > @after AND i.id <= @last AND i.split = @split ORDER BY i.id`,
  learnable: `
    WITH counted AS MATERIALIZED (
      SELECT i.review,
        (SELECT count(DISTINCT a.category_id) FROM annotation a
          WHERE a.image_id = i.id AND a.kind IN (SELECT value FROM json_each(@kinds))) AS classes,
        (SELECT count(*) FROM annotation a
          WHERE a.image_id = i.id AND a.kind IN (SELECT value FROM json_each(@kinds))) AS labels,
        (SELECT count(*) FROM annotation a WHERE a.image_id = i.id AND a.kind <> 'classification') AS objects
      FROM image i WHERE i.dataset_id = @datasetId AND i.id > @after AND i.id <= @last AND i.split = @split
    )
    SELECT count(*) AS images, coalesce(sum(review = 'rejected'), 0) AS rejected,
      coalesce(sum(review <> 'rejected' AND classes > 0), 0) AS labelled,
      coalesce(sum(review <> 'rejected' AND classes > 1), 0) AS severalClasses,
      coalesce(sum(review = 'done' AND classes = 0 AND objects = 0), 0) AS background,
      coalesce(max(labels), 0) AS mostLabels,
      coalesce(sum(CASE WHEN review <> 'rejected' AND classes > 0 THEN max(0, objects - labels) END), 0) AS otherObjects
    FROM counted`,
  byClass: `
    SELECT a.category_id AS categoryId, count(DISTINCT i.id) AS images
    FROM image i CROSS JOIN annotation a ON a.image_id = i.id
    WHERE i.dataset_id = @datasetId AND i.id > @after AND i.id <= @last AND i.split = @split AND i.review <> 'rejected'
      AND a.kind IN (SELECT value FROM json_each(@kinds))
    GROUP BY a.category_id`,
  mostPoints: `
    SELECT coalesce(max(json_array_length(a.geometry, '$.points')), 0) FROM annotation a
    WHERE a.kind = 'keypoints' AND a.image_id IN (
      SELECT i.id FROM image i WHERE i.dataset_id = @datasetId AND CASE WHEN i.label_facts IS NULL
        THEN ${factCondition('keypoints', 'i')} ELSE i.label_facts & ${factBit('keypoints')} END
      ORDER BY i.id LIMIT 50)`,
} as const;

type Range = IdRange & { datasetId: DatasetId; split: Split };

export class TrainingRepository {
  #images: Statement<[Range], TrainingImage>;
  #learnable: Statement<[Range & { kinds: string }], LearnableImages>;
  #byClass: Statement<[Range & { kinds: string }], { categoryId: CategoryId; images: number }>;
  #mostPoints: Statement<[{ datasetId: DatasetId }], number>;

  constructor(database: Database) {
    this.#images = database.prepare(hotTrainingQueries.images);
    this.#learnable = database.prepare(hotTrainingQueries.learnable);
    this.#byClass = database.prepare(hotTrainingQueries.byClass);
    this.#mostPoints = database.prepare<[{ datasetId: DatasetId }], number>(hotTrainingQueries.mostPoints).pluck();
  }

  /** In the order of their ids. */
  imagesInRange(datasetId: DatasetId, split: Split, range: IdRange): TrainingImage[] {
    return this.#images.all({ datasetId, split, ...range });
  }

  /** And images of each class. */
  learnableInRange(datasetId: DatasetId, split: Split, kinds: Iterable<ShapeKind>, range: IdRange) {
    const asked = { datasetId, split, ...range, kinds: JSON.stringify([...kinds]) };
    return { ...this.#learnable.get(asked)!, byClass: this.#byClass.all(asked) };
  }

  /** Most points of a label of the first images that have any; 0 where none has. */
  mostPoints(datasetId: DatasetId): number {
    return this.#mostPoints.get({ datasetId }) ?? 0;
  }
}
