/** What an edit of classes makes of the data set's list, of what is asked of its labels, and of the labels themselves. */
import { FoveaError } from '../../contract/errors.ts';
import type { LabelSchema, Skeleton } from '../../contract/model/annotation-edit.ts';
import type { ClassEdit } from '../../contract/model/class-edit.ts';
import type { CategoryId, DatasetId } from '../../contract/model/ids.ts';
import type { BulkChange } from '../../store/bulk-edit-repository.ts';
import { classChangeBetween, type CategoryRow, type ClassChange } from '../../store/class-change.ts';
import type { ProjectStore } from '../../store/project-store.ts';

interface Classes {
  categories: readonly CategoryRow[];
  schema: LabelSchema;
}

interface PlannedEdit {
  /** What undo calls it. */
  label: string;
  /** Null where the edit changes nothing. */
  classes: ClassChange | null;
  /** What becomes of the labels of classes that go; null where none goes. */
  labels: BulkChange | null;
}

/** Throws `not-found` for a class that is not there, `bad-input` for an edit that cannot be made. */
export function plannedClassEdit(store: ProjectStore, datasetId: DatasetId, edit: ClassEdit): PlannedEdit {
  const before: Classes = {
    categories: store.categories.rows(datasetId),
    schema: store.datasets.labelSchema(datasetId),
  };
  const nameOf = (categoryId: CategoryId): string => requireClass(before.categories, categoryId).name;
  const plan = (label: string, after: Classes, labels: BulkChange | null = null): PlannedEdit => ({
    ...{ label, labels },
    classes: classChangeBetween(datasetId, before, {
      ...after,
      categories: inPlaces(before.categories, after.categories),
    }),
  });
  switch (edit.kind) {
    case 'rename':
      return plan(`rename class “${nameOf(edit.categoryId)}”`, withRow(before, edit.categoryId, { name: edit.name }));
    case 'recolour':
      return plan(`colour of “${nameOf(edit.categoryId)}”`, withRow(before, edit.categoryId, { colour: edit.colour }));
    case 'move': {
      const row = requireClass(before.categories, edit.categoryId);
      const others = before.categories.filter((other) => other !== row);
      return plan(`move class “${row.name}”`, { ...before, categories: others.toSpliced(edit.place, 0, row) });
    }
    case 'remove': {
      const gone = [...new Set(edit.categoryIds)];
      const [name] = gone.map(nameOf);
      const label = gone.length === 1 ? `delete class “${name}”` : `delete ${gone.length} classes`;
      return plan(label, without(before, gone), { kind: 'classes', from: gone, into: null });
    }
    case 'merge': {
      const into = requireClass(before.categories, edit.into);
      const from = [...new Set(edit.from)].filter((categoryId) => categoryId !== into.categoryId);
      for (const categoryId of from) requireSamePoints(before, nameOf(categoryId), categoryId, into);
      const label = `merge classes into “${into.name}”`;
      const { categoryId } = into;
      const planned = plan(label, merged(before, from, categoryId), { kind: 'classes', from, into: categoryId });
      return { ...planned, classes: planned.classes && { ...planned.classes, mergedInto: categoryId } };
    }
    case 'schema':
      edit.schema.skeletons.forEach((skeleton) => requireWhole(skeleton, nameOf(skeleton.categoryId)));
      requireDistinct(edit.schema);
      for (const skeleton of edit.schema.skeletons)
        requireSamePlaces(store, before, skeleton, nameOf(skeleton.categoryId));
      return plan('change skeletons and attributes', { ...before, schema: edit.schema });
  }
}

function requireClass(categories: readonly CategoryRow[], categoryId: CategoryId): CategoryRow {
  const row = categories.find((category) => category.categoryId === categoryId);
  if (row !== undefined) return row;
  throw new FoveaError('not-found', `There is no class ${categoryId} in this data set.`, { categoryId });
}

function withRow({ categories, schema }: Classes, categoryId: CategoryId, change: Partial<CategoryRow>): Classes {
  const changed = categories.map((row) => (row.categoryId === categoryId ? { ...row, ...change } : row));
  return { categories: changed, schema };
}

/** Classes are numbered anew; one that gets another number keeps the colour that it was seen in. */
function inPlaces(before: readonly CategoryRow[], after: readonly CategoryRow[]): CategoryRow[] {
  const was = new Map(before.map(({ categoryId, ordinal }) => [categoryId, ordinal]));
  return after.map((row, ordinal) => {
    const old = was.get(row.categoryId);
    return old === ordinal ? row : { ...row, ordinal, colour: row.colour ?? old ?? null };
  });
}

/** An attribute that was asked of these classes only is asked of none, and goes. */
function without({ categories, schema }: Classes, gone: readonly CategoryId[]): Classes {
  return {
    categories: categories.filter(({ categoryId }) => !gone.includes(categoryId)),
    schema: {
      skeletons: schema.skeletons.filter(({ categoryId }) => !gone.includes(categoryId)),
      attributes: schema.attributes.flatMap((attribute) => {
        const categoryIds = attribute.categoryIds.filter((categoryId) => !gone.includes(categoryId));
        return attribute.categoryIds.length > 0 && categoryIds.length === 0 ? [] : [{ ...attribute, categoryIds }];
      }),
    },
  };
}

/** What was asked of labels of the classes that go is asked of the others from now on. */
function merged(before: Classes, from: readonly CategoryId[], into: CategoryId): Classes {
  const { skeletons, attributes } = before.schema;
  const own = skeletons.find(({ categoryId }) => categoryId === into);
  const taken = own ?? skeletons.find(({ categoryId }) => from.includes(categoryId));
  const rest = without(before, from);
  return {
    categories: rest.categories,
    schema: {
      skeletons: own || !taken ? rest.schema.skeletons : [...rest.schema.skeletons, { ...taken, categoryId: into }],
      attributes: attributes.map((attribute) => {
        const kept = attribute.categoryIds.filter((categoryId) => !from.includes(categoryId));
        const asked = kept.length < attribute.categoryIds.length && !kept.includes(into);
        return { ...attribute, categoryIds: asked ? [...kept, into] : kept };
      }),
    },
  };
}

/** Keypoints are told apart by their place, which two skeletons give different meanings. */
function requireSamePoints({ schema }: Classes, name: string, categoryId: CategoryId, into: CategoryRow): void {
  const pointsOf = (of: CategoryId) => schema.skeletons.find((skeleton) => skeleton.categoryId === of)?.points ?? null;
  const [one, other] = [pointsOf(categoryId), pointsOf(into.categoryId)];
  if (one === null || other === null || JSON.stringify(one) === JSON.stringify(other)) return;
  throw new FoveaError(
    'bad-input',
    `“${name}” and “${into.name}” have skeletons of different points, so their labels cannot be put together.`,
    { categoryId },
  );
}

function requireWhole({ categoryId, points, edges, flipPairs = [] }: Skeleton, name: string): void {
  if ([...edges, ...flipPairs].flat().some((place) => place >= points.length)) {
    throw new FoveaError('bad-input', `The skeleton of “${name}” joins points that it does not have.`, { categoryId });
  }
  if ([...edges, ...flipPairs].some(([a, b]) => a === b)) {
    throw new FoveaError('bad-input', `The skeleton of “${name}” joins a point with itself.`, { categoryId });
  }
  if (new Set(flipPairs.flat()).size < 2 * flipPairs.length) {
    throw new FoveaError('bad-input', `A point of “${name}” can change places with one other point only.`, {
      categoryId,
    });
  }
  if (new Set(points).size < points.length) {
    throw new FoveaError('bad-input', `Two points of “${name}” have the same name.`, { categoryId });
  }
}

/** A label knows its points by their place: points may get other names and more may follow, but none may be taken out. */
function requireSamePlaces(
  store: ProjectStore,
  { schema }: Classes,
  { categoryId, points }: Skeleton,
  name: string,
): void {
  const before = schema.skeletons.find((skeleton) => skeleton.categoryId === categoryId)?.points ?? [];
  const kept = before.filter((point) => points.includes(point));
  const hasMoved = kept.some((point) => points.indexOf(point) !== before.indexOf(point));
  if (points.length >= before.length && !hasMoved) return;
  const labels = store.categories.keypointCount(categoryId);
  if (labels === 0) return;
  throw new FoveaError(
    'bad-input',
    `${labels.toLocaleString('en')} labels of “${name}” have these points, so none can be taken out or moved. Points can be renamed and added at the end.`,
    { categoryId, labels },
  );
}

function requireDistinct({ skeletons, attributes }: LabelSchema): void {
  const names = attributes.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined)
    throw new FoveaError('bad-input', `There are two attributes named “${twice}”.`, { name: twice });
  const classes = skeletons.map(({ categoryId }) => categoryId);
  if (new Set(classes).size < classes.length) throw new FoveaError('bad-input', 'A class has two skeletons.');
  for (const { name, kind, options } of attributes) {
    if (kind === 'choice' && (options.length === 0 || new Set(options).size < options.length)) {
      throw new FoveaError('bad-input', `The attribute “${name}” needs options that differ.`, { name });
    }
  }
}
