/** Cuts the ids of a data set into ranges that are quick to ask about. */
import type { DatasetId } from '../../contract/model/ids.ts';
import type { IdRange } from '../../store/image-repository.ts';
import type { ProjectStore } from '../../store/project-store.ts';
import { yieldToEventLoop } from '../event-loop.ts';

const IDS_PER_SLICE = 2500;

/** Ranges that cover the data set, ascending; others get their turn between two of them. */
export async function* idSlices(store: ProjectStore, datasetId: DatasetId): AsyncGenerator<IdRange, void> {
  const whole = store.images.idRange(datasetId);
  if (!whole) return;
  for (let after = whole.after; after < whole.last; after += IDS_PER_SLICE) {
    if (after > whole.after) await yieldToEventLoop();
    yield { after, last: Math.min(after + IDS_PER_SLICE, whole.last) };
  }
}
