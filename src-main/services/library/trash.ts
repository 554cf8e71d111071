/** Puts images into the trash, brings things back, and empties it: all in short transactions. */
import { rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { DatasetId, ImageId, TrashEntryId } from '../../contract/model/ids.ts';
import { trashKeyOf, type DeletedLabelsKey, type TrashItem, type TrashKey } from '../../contract/model/library.ts';
import type { ProjectStore } from '../../store/project-store.ts';
import { copiedFilesFolder, datasetSize, discardDataset } from '../datasets/discard-dataset.ts';
import type { LabelTrash } from '../annotate/label-trash.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import { fileError } from '../file-errors.ts';
import { sizeBelow } from '../folder-size.ts';
import type { OpenProject } from '../open-projects.ts';
import { deleteRun } from '../runs/run-folders.ts';

const IMAGES_AT_ONCE = 25;

/** Null where none of the images is one of the data set's. */
export async function trashImages(
  opened: OpenProject,
  datasetId: DatasetId,
  imageIds: readonly ImageId[],
): Promise<TrashItem | null> {
  const { images, trash, datasets } = opened.store;
  const range = images.idRange(datasetId);
  const all = range === null ? [] : images.idsInRange(datasetId, { splits: [], categoryIds: [] }, range);
  const own = new Set(all);
  const chosen = [...new Set(imageIds)].filter((id) => own.has(id));
  if (chosen.length === 0) return null;
  const entryId = trash.beginEntry(datasetId, datasets.get(datasetId).name, new Date().toISOString());
  for (let at = 0; at < chosen.length; at += IMAGES_AT_ONCE) {
    trash.putImages(entryId, chosen.slice(at, at + IMAGES_AT_ONCE));
    await yieldToEventLoop();
  }
  return trash.list().find((item) => item.kind === 'images' && item.entryId === entryId) ?? null;
}

/** What can be done with each kind of thing in the trash. All throw `not-found` for what is not there any more. */
interface Kept<Key extends TrashKey> {
  /** May answer with what stays in the trash, and why. */
  restore(opened: OpenProject, key: Key): Promise<string | null | void> | void;
  /** For good. */
  forget(opened: OpenProject, key: Key): Promise<void>;
  sizeBytes(opened: OpenProject, key: Key): Promise<number>;
}
type KeptKinds = { [K in TrashKey['kind']]: Kept<Extract<TrashKey, { kind: K }>> };
type LabelKind = DeletedLabelsKey['kind'];

const kinds: Omit<KeptKinds, LabelKind> = {
  dataset: {
    restore: ({ store }, { datasetId }) => store.trash.restoreDataset(datasetId),
    async forget(opened, { datasetId }) {
      opened.store.trash.requireDataset(datasetId);
      opened.store.datasets.markDeleting(datasetId);
      await discardDataset(opened, datasetId);
    },
    sizeBytes: (opened, { datasetId }) => datasetSize(opened, datasetId),
  },
  images: {
    restore: ({ store }, { entryId }) => inSteps(() => store.trash.restoreSome(entryId, IMAGES_AT_ONCE)),
    async forget({ store, folder }, { entryId }) {
      for (let left = true; left;) {
        const copies = copiesOf(store, folder, entryId, IMAGES_AT_ONCE);
        left = store.trash.forgetSome(entryId, IMAGES_AT_ONCE);
        for (const file of copies) {
          await rm(file, { force: true }).catch((error: unknown) => {
            throw fileError(error, 'delete', file);
          });
        }
        await yieldToEventLoop();
      }
    },
    async sizeBytes({ store, folder }, { entryId }) {
      const sizes = copiesOf(store, folder, entryId).map(sizeBelow);
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    },
  },
  run: {
    restore({ store }, { runId }) {
      store.trash.requireRun(runId);
      store.runs.update(runId, { trashedAt: null });
    },
    async forget(opened, { runId }) {
      opened.store.trash.requireRun(runId);
      await deleteRun(opened, runId);
    },
    sizeBytes: ({ store, folder }, { runId }) => sizeBelow(join(folder, store.runs.folder(runId))),
  },
  sweep: {
    restore({ store }, { sweepId }) {
      store.trash.runsOfSweep(sweepId);
      store.sweeps.restore(sweepId);
    },
    async forget(opened, { sweepId }) {
      for (const runId of opened.store.trash.runsOfSweep(sweepId)) await deleteRun(opened, runId);
      opened.store.sweeps.delete(sweepId);
    },
    async sizeBytes({ store, folder }, { sweepId }) {
      const folders = store.trash.runsOfSweep(sweepId).map((runId) => join(folder, store.runs.folder(runId)));
      return (await Promise.all(folders.map(sizeBelow))).reduce((sum, size) => sum + size, 0);
    },
  },
};

type KeptLabels = Pick<LabelTrash, 'restore' | 'forget'>;

export class Trash {
  readonly #labels: KeptLabels;
  readonly #kinds: KeptKinds;

  constructor(labels: KeptLabels) {
    const keptLabels: Kept<DeletedLabelsKey> = {
      restore: (opened, key) => labels.restore(opened, key),
      forget: (opened, key) => labels.forget(opened, key),
      sizeBytes: async () => 0,
    };
    this.#labels = labels;
    this.#kinds = { ...kinds, labels: keptLabels, 'image-labels': keptLabels };
  }

  /** What stays in the trash of it, and why; null where nothing does. */
  async restore(opened: OpenProject, item: TrashKey): Promise<string | null> {
    return (await this.#kept(item).restore(opened, item)) ?? null;
  }

  /** What its files in the project take. */
  sizeBytes(opened: OpenProject, item: TrashKey): Promise<number> {
    return this.#kept(item).sizeBytes(opened, item);
  }

  /**
   * For good. Null: everything that is in the trash now; what cannot go stays, and the first reason is thrown once all others
   * are gone.
   */
  async empty(opened: OpenProject, item: TrashKey | null): Promise<void> {
    if (item !== null) return this.#kept(item).forget(opened, item);
    const failures: unknown[] = [];
    const note = (error: unknown): void => void failures.push(error);
    for (const one of opened.store.trash.list().map(trashKeyOf)) await this.#kept(one).forget(opened, one).catch(note);
    await this.#labels.forget(opened, null).catch(note);
    if (failures.length > 0) throw failures[0];
  }

  /** The one place where a key meets its kind's record. */
  #kept<K extends TrashKey['kind']>(key: Extract<TrashKey, { kind: K }>): Kept<Extract<TrashKey, { kind: K }>> {
    return this.#kinds[key.kind as K];
  }
}

/** Files that were copied into the project with images of the entry; those that lie elsewhere are not ours. */
function copiesOf(store: ProjectStore, folder: string, entryId: TrashEntryId, limit?: number): string[] {
  const { datasetId, root, paths } = store.trash.filesOfEntry(entryId, limit);
  const own = copiedFilesFolder(datasetId);
  if (root !== own) return [];
  return paths.map((path) => join(folder, own, path)).filter((file) => file.startsWith(join(folder, own) + sep));
}

async function inSteps(step: () => boolean): Promise<void> {
  while (step()) await yieldToEventLoop();
}
