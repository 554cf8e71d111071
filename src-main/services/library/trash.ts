/** Puts images into the trash, brings things back, and empties it: all in short transactions. */
import type { DatasetId, ImageId, TrashEntryId } from '../../contract/model/ids.ts';
import type { TrashItem, TrashKey } from '../../contract/model/library.ts';
import { discardDataset } from '../datasets/discard-dataset.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { OpenProject } from '../open-projects.ts';

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

/** Throws `not-found` for what is not in the trash any more. */
export async function restore({ store }: OpenProject, item: TrashKey): Promise<void> {
  if (item.kind === 'dataset') store.trash.restoreDataset(item.datasetId);
  else await inSteps(() => store.trash.restoreSome(item.entryId, IMAGES_AT_ONCE));
}

/** For good. Null: everything that is in the trash now. */
export async function emptyTrash(opened: OpenProject, item: TrashKey | null): Promise<void> {
  const items = item === null ? opened.store.trash.list() : [item];
  for (const one of items) {
    if (one.kind === 'images') await forget(opened, one.entryId);
    else {
      opened.store.datasets.markDeleting(one.datasetId);
      await discardDataset(opened, one.datasetId);
    }
  }
}

async function forget({ store }: OpenProject, entryId: TrashEntryId): Promise<void> {
  await inSteps(() => store.trash.forgetSome(entryId, IMAGES_AT_ONCE));
}

async function inSteps(step: () => boolean): Promise<void> {
  while (step()) await yieldToEventLoop();
}
