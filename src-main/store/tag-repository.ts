/** Tags of images: words that a person gives them, alike whether they are written large or small. */
import type { Database, Statement } from 'better-sqlite3';
import type { DatasetId, ImageId } from '../contract/model/ids.ts';

interface TagRow {
  imageId: ImageId;
  tag: string;
}

/** The statements whose plans a test holds. */
export const hotTagQueries = {
  ofImages: `SELECT image_id AS imageId, tag FROM image_tag WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY image_id, tag`,
  ofRange: `
    SELECT t.tag, count(*) AS count FROM image i CROSS JOIN image_tag t ON t.image_id = i.id
    WHERE i.dataset_id = @datasetId AND i.id > @after AND i.id <= @last GROUP BY t.tag`,
} as const;

export class TagRepository {
  #database: Database;
  #ofImages: Statement<[string], TagRow>;
  #ofRange: Statement<[{ datasetId: DatasetId; after: number; last: number }], { tag: string; count: number }>;
  #add: Statement<[TagRow]>;
  #remove: Statement<[TagRow]>;

  constructor(database: Database) {
    this.#database = database;
    this.#ofImages = database.prepare(hotTagQueries.ofImages);
    this.#ofRange = database.prepare(hotTagQueries.ofRange);
    // Without the condition on the image, one that was deleted meanwhile would be an error.
    this.#add = database.prepare(
      'INSERT INTO image_tag (tag, image_id) SELECT @tag, id FROM image WHERE id = @imageId ON CONFLICT DO NOTHING',
    );
    this.#remove = database.prepare('DELETE FROM image_tag WHERE image_id = @imageId AND tag = @tag');
  }

  /** Gives images a tag, or takes it from them, in one transaction; answers with those that were changed by it. */
  set(imageIds: readonly ImageId[], tag: string, on: boolean): ImageId[] {
    const statement = on ? this.#add : this.#remove;
    return this.#database
      .transaction(() => imageIds.filter((imageId) => statement.run({ imageId, tag }).changes > 0))
      .immediate();
  }

  /** Within whatever transaction the caller has begun. */
  add(imageId: ImageId, tag: string): void {
    this.#add.run({ imageId, tag });
  }

  /** Images without a tag are not in the map. */
  ofImages(imageIds: readonly ImageId[]): Map<ImageId, string[]> {
    const rows = Map.groupBy(this.#ofImages.all(JSON.stringify(imageIds)), ({ imageId }) => imageId);
    return new Map([...rows].map(([imageId, own]) => [imageId, own.map(({ tag }) => tag)]));
  }

  /** Tags of the images of a range of ids, above `after`, up to and with `last`. */
  inRange(datasetId: DatasetId, range: { after: number; last: number }): { tag: string; count: number }[] {
    return this.#ofRange.all({ datasetId, ...range });
  }
}
