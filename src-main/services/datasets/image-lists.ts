/**
 * Filtered views of a data set's images. A view's ids are collected once and kept, so that any page of it and its length
 * are at hand however far the person scrolls; a change of the data set must be told with `forget`.
 */
import { reviewStates, type ReviewState } from '../../contract/model/annotation.ts';
import {
  splits,
  type Facets,
  type ImageFilter,
  type ImageOrder,
  type ImageSummary,
} from '../../contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId, ProjectId } from '../../contract/model/ids.ts';
import type { Project } from '../../contract/model/project.ts';
import { restrictsNothing, type IdRange, type SortKey } from '../../store/image-repository.ts';
import type { ProjectStore } from '../../store/project-store.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { OpenProject } from '../open-projects.ts';
import { idSlices } from './id-slices.ts';

const KEPT_LISTS = 12;

/** Which images, and in which order. */
export interface ImageView {
  filter: ImageFilter;
  order: ImageOrder;
}

export const asAdded: ImageOrder = { by: 'added', descending: false };

interface KeptList {
  prefix: string;
  ids: Promise<readonly ImageId[]>;
}

/** What must be in the database before a view can be asked for: what the runs found that it names. */
export interface ViewSource {
  /** True where what was known of the view is out of date. */
  prepare(opened: OpenProject, view: ImageView): Promise<boolean>;
}

export class ImageLists {
  /** In the order of last use. */
  #kept = new Map<string, KeptList>();
  readonly #findings: ViewSource;

  constructor(findings: ViewSource) {
    this.#findings = findings;
  }

  /** Images of the view. Throws `not-found` for an unknown data set, `bad-input` for a query that is wrong. */
  async page(
    opened: OpenProject,
    datasetId: DatasetId,
    { filter, order }: ImageView,
    offset: number,
    limit: number,
  ): Promise<{ total: number; items: ImageSummary[] }> {
    opened.store.datasets.requireReady(datasetId);
    const ids = await this.ids(opened, datasetId, { filter, order });
    return { total: ids.length, items: opened.store.images.summaries(ids.slice(offset, offset + limit)) };
  }

  /** Throws `not-found` for an unknown data set. */
  async facets(opened: OpenProject, datasetId: DatasetId, filter: ImageFilter): Promise<Facets> {
    const { datasets, images } = opened.store;
    datasets.requireReady(datasetId);
    const bySplit = new Map<string, number>();
    const byReview = new Map<ReviewState, number>();
    const byCategory = new Map<CategoryId, { count: number; objects: number }>();
    const byTag = new Map<string, number>();
    await this.#prepare(opened, { filter, order: asAdded });
    for await (const range of idSlices(opened.store, datasetId)) {
      const slice = images.facetsInRange(datasetId, filter, range);
      for (const { split, count } of slice.bySplit) bySplit.set(split, (bySplit.get(split) ?? 0) + count);
      for (const { review, count } of slice.byReview) byReview.set(review, (byReview.get(review) ?? 0) + count);
      for (const { categoryId, count, objects } of slice.byCategory) {
        const known = byCategory.get(categoryId) ?? { count: 0, objects: 0 };
        byCategory.set(categoryId, { count: known.count + count, objects: known.objects + objects });
      }
      for (const { tag, count } of opened.store.tags.inRange(datasetId, range)) {
        byTag.set(tag, (byTag.get(tag) ?? 0) + count);
      }
    }
    if (restrictsNothing({ ...filter, categoryIds: [] })) {
      for (const { categoryId } of datasets.categories(datasetId)) {
        byCategory.set(categoryId, images.categoryCount(categoryId));
        await yieldToEventLoop();
      }
    }
    return {
      total: (await this.ids(opened, datasetId, { filter, order: asAdded })).length,
      bySplit: splits.map((split) => ({ split, count: bySplit.get(split) ?? 0 })),
      byReview: reviewStates.map((review) => ({ review, count: byReview.get(review) ?? 0 })),
      byCategory: datasets
        .categories(datasetId)
        .map(({ categoryId }) => ({ categoryId, ...(byCategory.get(categoryId) ?? { count: 0, objects: 0 }) })),
      byTag: [...byTag].map(([tag, count]) => ({ tag, count })).sort((a, b) => a.tag.localeCompare(b.tag)),
    };
  }

  /** The data set's images changed, or it is gone. */
  forget({ projectId }: Pick<Project, 'projectId'>, datasetId: DatasetId): void {
    const prefix = keyPrefix(projectId, datasetId);
    for (const [key, list] of this.#kept) if (list.prefix === prefix) this.#kept.delete(key);
  }

  /** Labels or states of review changed somewhere in the project. */
  forgetProject(projectId: ProjectId): void {
    for (const [key, list] of this.#kept) if (list.prefix.startsWith(`${projectId} `)) this.#kept.delete(key);
  }

  /** Ids of all images of the view. Throws like `page`. */
  async ids(opened: OpenProject, datasetId: DatasetId, view: ImageView): Promise<readonly ImageId[]> {
    await this.#prepare(opened, view);
    const prefix = keyPrefix(opened.project.projectId, datasetId);
    const { filter, order } = view;
    const key = JSON.stringify([
      prefix,
      [...filter.splits].sort(),
      [...filter.categoryIds].sort((a, b) => a - b),
      filter.query?.trim() ?? '',
      order,
    ]);
    const list = this.#kept.get(key) ?? { prefix, ids: collectIds(opened, datasetId, view) };
    this.#kept.delete(key);
    this.#kept.set(key, list);
    list.ids.catch(() => this.#kept.delete(key));
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > KEPT_LISTS && !oldest.done) this.#kept.delete(oldest.value);
    return list.ids;
  }

  /** What a question about the filter in another process finds in the database. */
  async prepare(opened: OpenProject, filter: ImageFilter): Promise<void> {
    await this.#prepare(opened, { filter, order: asAdded });
  }

  async #prepare(opened: OpenProject, view: ImageView): Promise<void> {
    if (await this.#findings.prepare(opened, view)) this.forgetProject(opened.project.projectId);
  }
}

async function collectIds({ store }: OpenProject, datasetId: DatasetId, view: ImageView): Promise<ImageId[]> {
  const { filter, order } = view;
  const { images } = store;
  if (filter.query) await workOutFacts(store, datasetId);
  const inOrder = async (): Promise<ImageId[]> => {
    if (order.by === 'added') return concatenated(await inSlices(store, datasetId, images.readIds(datasetId, filter)));
    const sorted = await mergeSorted(await inSlices(store, datasetId, images.readKeys(datasetId, filter, order)));
    return sorted.map(({ imageId }) => imageId);
  };
  const ids = await inOrder();
  return order.descending ? ids.reverse() : ids;
}

async function inSlices<T>(store: ProjectStore, datasetId: DatasetId, read: (range: IdRange) => T[]): Promise<T[][]> {
  const slices: T[][] = [];
  for await (const range of idSlices(store, datasetId)) slices.push(read(range));
  return slices;
}

/** Several times quicker than `flat`. */
function concatenated<T>(lists: readonly T[][]): T[] {
  return ([] as T[]).concat(...lists);
}

/** What a query asks of labels that have changed, so that it need not look at them; others get their turn meanwhile. */
async function workOutFacts({ labelFacts }: ProjectStore, datasetId: DatasetId): Promise<void> {
  while (labelFacts.workOutSome(datasetId)) await yieldToEventLoop();
}

/** Lists that are sorted by themselves as one; others get their turn between two of them. */
async function mergeSorted(lists: readonly SortKey[][]): Promise<SortKey[]> {
  let left = lists;
  while (left.length > 1) {
    const merged: SortKey[][] = [];
    for (let at = 0; at < left.length; at += 2) {
      merged.push(mergeTwo(left[at] ?? [], left[at + 1] ?? []));
      await yieldToEventLoop();
    }
    left = merged;
  }
  return left[0] ?? [];
}

function mergeTwo(a: readonly SortKey[], b: readonly SortKey[]): SortKey[] {
  const merged: SortKey[] = [];
  let [atA, atB] = [0, 0];
  for (;;) {
    const [one, other] = [a[atA], b[atB]];
    if (one === undefined && other === undefined) return merged;
    // Of equal ones that of the earlier list, whose ids are the smaller ones.
    const takesOne = other === undefined || (one !== undefined && one.key <= other.key);
    merged.push((takesOne ? one : other) as SortKey);
    if (takesOne) atA++;
    else atB++;
  }
}

function keyPrefix(projectId: string, datasetId: DatasetId): string {
  return `${projectId} ${datasetId}`;
}
