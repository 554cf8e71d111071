/**
 * Filtered views of a data set's images. A view's ids are collected once and kept, so that any page of it and its length
 * are at hand however far the person scrolls; a change of the data set must be told with `forget`.
 */
import { splits, type Facets, type ImageFilter, type ImageSummary } from '../../contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId } from '../../contract/model/ids.ts';
import type { OpenProject } from '../open-projects.ts';
import { idSlices } from './id-slices.ts';

const KEPT_LISTS = 12;

interface KeptList {
  prefix: string;
  ids: Promise<readonly ImageId[]>;
}

export class ImageLists {
  /** In the order of last use. */
  #kept = new Map<string, KeptList>();

  /** Images of the view in the order of the data set. Throws `not-found` for an unknown data set. */
  async page(
    opened: OpenProject,
    datasetId: DatasetId,
    filter: ImageFilter,
    offset: number,
    limit: number,
  ): Promise<{ total: number; items: ImageSummary[] }> {
    opened.store.datasets.requireReady(datasetId);
    const ids = await this.#ids(opened, datasetId, filter);
    return { total: ids.length, items: opened.store.images.summaries(ids.slice(offset, offset + limit)) };
  }

  /** Throws `not-found` for an unknown data set. */
  async facets(opened: OpenProject, datasetId: DatasetId, filter: ImageFilter): Promise<Facets> {
    const { datasets, images } = opened.store;
    datasets.requireReady(datasetId);
    const bySplit = new Map<string, number>();
    const byCategory = new Map<CategoryId, { count: number; objects: number }>();
    for await (const range of idSlices(opened.store, datasetId)) {
      const slice = images.facetsInRange(datasetId, filter, range);
      for (const { split, count } of slice.bySplit) bySplit.set(split, (bySplit.get(split) ?? 0) + count);
      for (const { categoryId, count, objects } of slice.byCategory) {
        const known = byCategory.get(categoryId) ?? { count: 0, objects: 0 };
        byCategory.set(categoryId, { count: known.count + count, objects: known.objects + objects });
      }
    }
    return {
      total: (await this.#ids(opened, datasetId, filter)).length,
      bySplit: splits.map((split) => ({ split, count: bySplit.get(split) ?? 0 })),
      byCategory: datasets
        .categories(datasetId)
        .map(({ categoryId }) => ({ categoryId, ...(byCategory.get(categoryId) ?? { count: 0, objects: 0 }) })),
    };
  }

  /** The data set's images changed, or it is gone. */
  forget({ project }: OpenProject, datasetId: DatasetId): void {
    const prefix = keyPrefix(project.projectId, datasetId);
    for (const [key, list] of this.#kept) if (list.prefix === prefix) this.#kept.delete(key);
  }

  #ids(opened: OpenProject, datasetId: DatasetId, filter: ImageFilter): Promise<readonly ImageId[]> {
    const prefix = keyPrefix(opened.project.projectId, datasetId);
    const key = `${prefix} ${[...filter.splits].sort().join()} ${[...filter.categoryIds].sort((a, b) => a - b).join()}`;
    const list = this.#kept.get(key) ?? { prefix, ids: collectIds(opened, datasetId, filter) };
    this.#kept.delete(key);
    this.#kept.set(key, list);
    list.ids.catch(() => this.#kept.delete(key));
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > KEPT_LISTS && !oldest.done) this.#kept.delete(oldest.value);
    return list.ids;
  }
}

async function collectIds({ store }: OpenProject, datasetId: DatasetId, filter: ImageFilter): Promise<ImageId[]> {
  const ids: ImageId[] = [];
  for await (const range of idSlices(store, datasetId)) {
    for (const id of store.images.idsInRange(datasetId, filter, range)) ids.push(id);
  }
  return ids;
}

function keyPrefix(projectId: string, datasetId: DatasetId): string {
  return `${projectId} ${datasetId}`;
}
