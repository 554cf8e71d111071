/**
 * Image files with their labels on their way into a project. The process that reads them writes them into small databases
 * of their own (`StagedImagesWriter`); the project's owner copies those row by row of SQL, a short transaction at a time
 * (`StagedImageRepository`), so that no label passes through its JavaScript.
 */
import SqliteDatabase, { type Database, type Statement } from 'better-sqlite3';
import { invariant } from '../contract/errors.ts';
import type { ReviewState } from '../contract/model/annotation.ts';
import type { Split } from '../contract/model/dataset.ts';
import type { CategoryId, DatasetId } from '../contract/model/ids.ts';
import type { ImageFile } from './image-repository.ts';
import { boxLevels, boxWordOfParts } from './box-bits.ts';
import { classTurn, classWordsOfParts } from './class-bits.ts';
import { importedFacts } from './label-facts.ts';
import type { LabelRow } from './label-row.ts';
import { writeRelaxed } from './relaxed-write.ts';
import { explainSqliteError } from './sqlite-errors.ts';

export interface NewFileImage extends Omit<ImageFile, 'root' | 'datasetId'> {
  name: string;
  split: Split;
  widthPx: number;
  heightPx: number;
  channels: number;
  review: ReviewState;
  labels: readonly LabelRow[];
}

/** A database of images that are ready to be copied. */
export interface StagedFile {
  file: string;
  images: number;
  /** The last label of each part that is quick to copy, counted from 1. */
  labelParts: number[];
}

const IMAGES_PER_FILE = 4000;
const LABELS_PER_FILE = 40_000;
const CHARACTERS_PER_FILE = 32e6;
const IMAGES_PER_TRANSACTION = 1000;
const LABELS_PER_TRANSACTION = 2500;
const CHARACTERS_PER_TRANSACTION = 400_000;

const SCHEMA = `
CREATE TABLE image (
  id INTEGER PRIMARY KEY, split, name, width, height, channels, path, media_type, orientation, size_bytes, modified_ms,
  review, label_count, label_facts, class_part_1, class_part_2, class_part_3, class_part_4,
  least_area, greatest_area, least_aspect, greatest_aspect, area_part_1, area_part_2, aspect_part_1, aspect_part_2,
  area_levels, aspect_levels
);
CREATE TABLE label (
  id INTEGER PRIMARY KEY, image, kind, category, x1, y1, x2, y2, flags, attributes, geometry
);`;

/** Into a new file. Everything throws FoveaError where the file cannot be written. */
export class StagedImagesWriter {
  readonly #file: string;
  readonly #database: Database;
  readonly #insertImage: Statement<unknown[]>;
  readonly #insertLabel: Statement<unknown[]>;
  readonly #labelParts: number[] = [];
  #images = 0;
  #labels = 0;
  #characters = 0;
  #charactersInPart = 0;

  constructor(file: string) {
    this.#file = file;
    this.#database = this.#explained(() => new SqliteDatabase(file));
    this.#explained(() => {
      // Nobody needs the file after a crash, so that nothing of it has to be safe.
      for (const pragma of ['journal_mode = OFF', 'synchronous = OFF', 'locking_mode = EXCLUSIVE'])
        this.#database.pragma(pragma);
      this.#database.exec(`${SCHEMA} BEGIN`);
    });
    const values = (count: number): string => Array.from({ length: count }, () => '?').join();
    this.#insertImage = this.#database.prepare(`INSERT INTO image VALUES (${values(28)})`);
    this.#insertLabel = this.#database.prepare(`INSERT INTO label VALUES (${values(11)})`);
  }

  /** Whether the file is better closed, and another one begun. */
  get isFull(): boolean {
    return (
      this.#images >= IMAGES_PER_FILE || this.#labels >= LABELS_PER_FILE || this.#characters >= CHARACTERS_PER_FILE
    );
  }

  add(image: NewFileImage): void {
    const { split, name, widthPx, heightPx, channels, path, mediaType, orientation, sizeBytes, labels } = image;
    const facts = importedFacts(labels, image);
    this.#explained(() => {
      this.#insertImage.run(
        ...[++this.#images, split, name, widthPx, heightPx, channels, path, mediaType, orientation, sizeBytes],
        ...[Math.round(image.modifiedMs), image.review, labels.length, facts.bits, ...facts.classParts],
        ...[facts.leastArea, facts.greatestArea, facts.leastAspect, facts.greatestAspect],
        ...[...facts.areas.parts, ...facts.aspects.parts, boxLevels(facts.areas), boxLevels(facts.aspects)],
      );
      for (const label of labels) this.#addLabel(label);
    });
  }

  finish(): StagedFile {
    this.#explained(() => {
      this.#database.exec('COMMIT');
      this.#database.close();
    });
    if (this.#labels > (this.#labelParts.at(-1) ?? 0)) this.#labelParts.push(this.#labels);
    return { file: this.#file, images: this.#images, labelParts: this.#labelParts };
  }

  /** The file is its owner's to remove. */
  abandon(): void {
    this.#database.close();
  }

  #addLabel({ kind, category, box: [x1, y1, x2, y2], flags, attributes, geometry }: LabelRow): void {
    const id = ++this.#labels;
    this.#insertLabel.run(id, this.#images, kind, category, x1, y1, x2, y2, flags, attributes, geometry);
    const characters = (geometry?.length ?? 0) + (attributes?.length ?? 0);
    this.#characters += characters;
    this.#charactersInPart += characters;
    const inPart = id - (this.#labelParts.at(-1) ?? 0);
    if (inPart < LABELS_PER_TRANSACTION && this.#charactersInPart < CHARACTERS_PER_TRANSACTION) return;
    this.#labelParts.push(id);
    this.#charactersInPart = 0;
  }

  #explained<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      throw explainSqliteError(this.#file, error);
    }
  }
}

const COPY_IMAGES = `
  INSERT INTO image (id, dataset_id, split, name, width, height, channels, path, media_type, orientation, size_bytes,
    modified_ms, review, label_count, label_facts, class_bits, more_class_bits,
    least_area, greatest_area, least_aspect, greatest_aspect, area_bits, aspect_bits,
    area_levels, aspect_levels)
  SELECT id + @idsBefore, @datasetId, split, name, width, height, channels, path, media_type, orientation, size_bytes,
    modified_ms, review, label_count, label_facts, ${classWordsOfParts.join()},
    least_area, greatest_area, least_aspect, greatest_aspect, ${boxWordOfParts('area')}, ${boxWordOfParts('aspect')},
    area_levels, aspect_levels
  FROM staged.image WHERE id > @after AND id <= @last ORDER BY id`;
const COPY_LABELS = `
  INSERT INTO annotation (image_id, kind, category_id, source, x1, y1, x2, y2, flags, attributes, geometry)
  SELECT image + @idsBefore, kind, category + @firstCategory, 'import', x1, y1, x2, y2, flags, attributes, geometry
  FROM staged.label WHERE id > @after AND id <= @last ORDER BY id`;

export class StagedImageRepository {
  #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds a file's images and then their labels to a data set, after those that it has, in one transaction a turn; yields
   * how many images each of them stored. What is added becomes durable when the data set is published. Throws `internal`
   * for a class that is not there.
   */
  *copy(
    { file, images, labelParts }: StagedFile,
    datasetId: DatasetId,
    categoryIds: readonly CategoryId[],
  ): Generator<number, void> {
    const idsBefore = this.#reserveIds(images);
    const [firstCategory = 0] = categoryIds;
    const areConsecutive = categoryIds.every((id, place) => id === firstCategory + place);
    invariant(areConsecutive, 'the classes of a data set that is imported have no consecutive ids', { datasetId });
    for (let after = 0; after < images; after += IMAGES_PER_TRANSACTION) {
      const last = Math.min(images, after + IMAGES_PER_TRANSACTION);
      this.#run(file, (database) =>
        database.prepare(COPY_IMAGES).run({ datasetId, idsBefore, ...classTurn(firstCategory), after, last }),
      );
      yield last - after;
    }
    let after = 0;
    for (const last of labelParts) {
      this.#run(file, (database) => {
        const highest = database.prepare('SELECT max(category) FROM staged.label WHERE id > ? AND id <= ?').pluck();
        invariant(Number(highest.get(after, last)) < categoryIds.length, 'a label has no category', { datasetId });
        database.prepare(COPY_LABELS).run({ idsBefore, firstCategory, after, last });
      });
      after = last;
      yield 0;
    }
  }

  /** Ids that no image has and none will be given; the number before the first of them. */
  #reserveIds(count: number): number {
    return writeRelaxed(this.#database, () => {
      this.#database.exec(`
        INSERT INTO sqlite_sequence (name, seq)
        SELECT 'image', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'image')`);
      const reserve = this.#database.prepare(
        `UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'image' RETURNING seq`,
      );
      return Number(reserve.pluck().get(count)) - count;
    });
  }

  /** One transaction with the file at hand. */
  #run(file: string, write: (database: Database) => void): void {
    this.#database.prepare('ATTACH ? AS staged').run(file);
    try {
      writeRelaxed(this.#database, () => write(this.#database));
    } finally {
      this.#database.exec('DETACH staged');
    }
  }
}
