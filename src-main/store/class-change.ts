/** What a gesture did to a data set's classes, as it is kept: the rows that differ and the label schema, before and after. */
import type { LabelSchema } from '../contract/model/annotation-edit.ts';
import type { CategoryId, DatasetId } from '../contract/model/ids.ts';

export interface CategoryRow {
  categoryId: CategoryId;
  ordinal: number;
  name: string;
  colour: number | null;
  /** The number that the source gives the class. */
  sourceId: number | null;
}

export interface ClassChange {
  datasetId: DatasetId;
  /** `before` null: added, `after` null: removed. */
  categories: { before: CategoryRow | null; after: CategoryRow | null }[];
  schema: { before: LabelSchema; after: LabelSchema } | null;
  /** The class that the labels of those that went have since; absent where they went with them. */
  mergedInto?: CategoryId;
}

/** Null where nothing differs. */
export function classChangeBetween(
  datasetId: DatasetId,
  before: { categories: readonly CategoryRow[]; schema: LabelSchema },
  after: { categories: readonly CategoryRow[]; schema: LabelSchema },
): ClassChange | null {
  const was = new Map(before.categories.map((row) => [row.categoryId, row]));
  const is = new Map(after.categories.map((row) => [row.categoryId, row]));
  const categories = [...new Set([...was.keys(), ...is.keys()])]
    .map((categoryId) => ({ before: was.get(categoryId) ?? null, after: is.get(categoryId) ?? null }))
    .filter((row) => JSON.stringify(row.before) !== JSON.stringify(row.after));
  const isSame = JSON.stringify(before.schema) === JSON.stringify(after.schema);
  if (categories.length === 0 && isSame) return null;
  return { datasetId, categories, schema: isSame ? null : { before: before.schema, after: after.schema } };
}

/** What takes the change back. */
export function inverseClassChange({ datasetId, categories, schema }: ClassChange): ClassChange {
  return {
    datasetId,
    categories: categories.map(({ before, after }) => ({ before: after, after: before })),
    schema: schema && { before: schema.after, after: schema.before },
  };
}
