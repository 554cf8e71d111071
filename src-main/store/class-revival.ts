/**
 * Classes for labels that come back after their class went: the class that it was merged into, the one that has its name by
 * now, or itself, as it was, at the end of the list. What the labels were asked comes back with it.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { LabelSchema } from '../contract/model/annotation-edit.ts';
import type { CategoryId, DatasetId } from '../contract/model/ids.ts';
import type { CategoryRepository } from './category-repository.ts';
import type { CategoryRow, ClassChange } from './class-change.ts';

export interface RevivedClasses {
  /** For each class that is gone the one that its labels get; a class of which nothing is known is not in it. */
  into: ReadonlyMap<CategoryId, CategoryId>;
  /** What has to be done to the classes first; null where nothing has. */
  classes: ClassChange | null;
}

type Recorded = Omit<ClassChange, 'datasetId'>;
interface Gone {
  row: CategoryRow;
  mergedInto: CategoryId | undefined;
  schema: LabelSchema | null;
}

export class ClassRevival {
  readonly #categories: CategoryRepository;
  readonly #changes: Statement<[DatasetId], string>;
  readonly #schema: Statement<[DatasetId], string | null>;

  constructor(database: Database, categories: CategoryRepository) {
    this.#categories = categories;
    this.#changes = database
      .prepare<[DatasetId], string>('SELECT changes FROM class_change WHERE dataset_id = ? ORDER BY gesture_id DESC')
      .pluck();
    this.#schema = database
      .prepare<[DatasetId], string | null>('SELECT label_schema FROM dataset WHERE id = ?')
      .pluck();
  }

  /** `wanted`: classes that labels have which are to come back; those that are there are passed over. */
  plan(datasetId: DatasetId, wanted: Iterable<CategoryId>): RevivedClasses {
    const rows = this.#categories.rows(datasetId);
    const isThere = new Set(rows.map(({ categoryId }) => categoryId));
    const missing = [...new Set(wanted)].filter((categoryId) => !isThere.has(categoryId)).sort((a, b) => a - b);
    const into = new Map<CategoryId, CategoryId>();
    if (missing.length === 0) return { into, classes: null };
    const gone = this.#gone(datasetId);
    const byName = new Map(rows.map(({ name, categoryId }) => [name, categoryId]));
    const back = new Map<CategoryId, Gone>();
    for (const categoryId of missing) {
      const last = lastOf(categoryId, gone, isThere);
      if (typeof last === 'number') into.set(categoryId, last);
      if (last === null || typeof last === 'number') continue;
      const namesake = byName.get(last.row.name);
      into.set(categoryId, namesake ?? last.row.categoryId);
      if (namesake !== undefined) continue;
      byName.set(last.row.name, last.row.categoryId);
      back.set(last.row.categoryId, last);
    }
    const added = [...back.values()];
    if (added.length === 0) return { into, classes: null };
    const before = readSchema(this.#schema.get(datasetId));
    const after = added.reduce(withOwn, before);
    const isSame = JSON.stringify(after) === JSON.stringify(before);
    const categories = added.map(({ row }, index) => {
      const colour = row.colour ?? row.ordinal;
      return { before: null, after: { ...row, colour, ordinal: rows.length + index } };
    });
    return { into, classes: { datasetId, categories, schema: isSame ? null : { before, after } } };
  }

  /** What classes that went are called, by id. */
  names(datasetId: DatasetId): Map<CategoryId, string> {
    return new Map([...this.#gone(datasetId)].map(([categoryId, { row }]) => [categoryId, row.name]));
  }

  /** Every class that ever went, as it was last. */
  #gone(datasetId: DatasetId): Map<CategoryId, Gone> {
    const gone = new Map<CategoryId, Gone>();
    for (const text of this.#changes.iterate(datasetId)) {
      const { categories, schema, mergedInto } = JSON.parse(text) as Recorded;
      for (const { before, after } of categories) {
        if (before === null || after !== null || gone.has(before.categoryId)) continue;
        gone.set(before.categoryId, { row: before, mergedInto, schema: schema?.before ?? null });
      }
    }
    return gone;
  }
}

/** A class that is there, or the last that went on the way from one merged class to the next. Null where nothing is known. */
function lastOf(
  categoryId: CategoryId,
  gone: ReadonlyMap<CategoryId, Gone>,
  isThere: ReadonlySet<CategoryId>,
): CategoryId | Gone | null {
  const seen = new Set<CategoryId>();
  for (let id = categoryId; ;) {
    if (isThere.has(id)) return id;
    const found = gone.get(id);
    if (found === undefined || seen.has(id)) return null;
    if (found.mergedInto === undefined) return found;
    seen.add(id);
    id = found.mergedInto;
  }
}

/** With the skeleton of the class, and the class among those of which its attributes are asked. */
function withOwn(schema: LabelSchema, { row: { categoryId }, schema: was }: Gone): LabelSchema {
  const skeleton = was?.skeletons.find((own) => own.categoryId === categoryId);
  const hasOwn = schema.skeletons.some((own) => own.categoryId === categoryId);
  const asked = was?.attributes.filter((attribute) => attribute.categoryIds.includes(categoryId)) ?? [];
  const attributes = schema.attributes.map((attribute) => {
    const isAsked = asked.some(({ name, kind }) => name === attribute.name && kind === attribute.kind);
    const { categoryIds } = attribute;
    if (!isAsked || categoryIds.length === 0 || categoryIds.includes(categoryId)) return attribute;
    return { ...attribute, categoryIds: [...categoryIds, categoryId] };
  });
  const lost = asked.filter(({ name }) => !schema.attributes.some((attribute) => attribute.name === name));
  return {
    skeletons: skeleton === undefined || hasOwn ? schema.skeletons : [...schema.skeletons, skeleton],
    attributes: [...attributes, ...lost.map((attribute) => ({ ...attribute, categoryIds: [categoryId] }))],
  };
}

function readSchema(text: string | null | undefined): LabelSchema {
  return text == null ? { skeletons: [], attributes: [] } : (JSON.parse(text) as LabelSchema);
}
