/** Divides a data set anew: reads what a plan needs slice by slice, and writes the changes in short transactions. */
import type { Split } from '../../contract/model/dataset.ts';
import type { DatasetId, ImageId, SplitChangeId } from '../../contract/model/ids.ts';
import type { SplitChange, SplitPlan, SplitPreview } from '../../contract/model/splits.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { OpenProject } from '../open-projects.ts';
import { assignSplits, type SplitImage } from './assign.ts';

const READ_AT_ONCE = 1000;
const WRITTEN_AT_ONCE = 250;

interface Move {
  imageId: ImageId;
  split: Split;
}

const titles: Record<SplitPlan['kind'], string> = {
  random: 'Split at random',
  stratified: 'Split by class',
  folders: 'Split by folder',
  sorted: 'Split in the order of names',
  set: 'Set the split',
};

async function planned(
  { store }: OpenProject,
  imageIds: readonly ImageId[],
  plan: SplitPlan,
): Promise<{ preview: SplitPreview; moves: Move[] }> {
  const images: SplitImage[] = [];
  for (let at = 0; at < imageIds.length; at += READ_AT_ONCE) {
    const some = imageIds.slice(at, at + READ_AT_ONCE);
    const classes = plan.kind === 'stratified' ? store.splits.classesOf(some) : null;
    for (const row of store.splits.images(some)) images.push({ ...row, categoryIds: classes?.get(row.imageId) ?? [] });
    await yieldToEventLoop();
  }
  const assigned = assignSplits(images, plan);
  await yieldToEventLoop();
  const counts = { train: 0, val: 0, test: 0 };
  for (const split of assigned) counts[split]++;
  const moves = images.flatMap(({ imageId, split }, index) => {
    const wanted = assigned[index];
    return wanted === undefined || wanted === split ? [] : [{ imageId, split: wanted }];
  });
  return { preview: { counts, moved: moves.length }, moves };
}

export async function previewSplits(
  opened: OpenProject,
  imageIds: readonly ImageId[],
  plan: SplitPlan,
): Promise<SplitPreview> {
  return (await planned(opened, imageIds, plan)).preview;
}

/** Null where nothing changes. Whatever goes wrong half-way, every image has the split that it had. */
export async function changeSplits(
  opened: OpenProject,
  datasetId: DatasetId,
  imageIds: readonly ImageId[],
  plan: SplitPlan,
): Promise<SplitChange | null> {
  const { moves } = await planned(opened, imageIds, plan);
  if (moves.length === 0) return null;
  const { splits } = opened.store;
  const changeId = splits.begin(datasetId, titles[plan.kind], new Date().toISOString());
  try {
    for (let at = 0; at < moves.length; at += WRITTEN_AT_ONCE) {
      splits.move(changeId, moves.slice(at, at + WRITTEN_AT_ONCE));
      await yieldToEventLoop();
    }
    return splits.complete(changeId);
  } catch (error) {
    await takeBack(opened, changeId);
    throw error;
  }
}

export async function takeBack({ store }: OpenProject, changeId: SplitChangeId): Promise<void> {
  while (store.splits.takeBackSome(changeId, WRITTEN_AT_ONCE)) await yieldToEventLoop();
}

/** Takes back what a crash left half-way. */
export async function sweepSplitChanges(opened: OpenProject): Promise<void> {
  for (const changeId of opened.store.splits.leftovers()) await takeBack(opened, changeId);
}
