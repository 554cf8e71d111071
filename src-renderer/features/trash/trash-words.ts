/** What is in the trash, and what becomes of it, in words. */
import type { DeletedLabelsItem, TrashItem } from '../../../src-main/contract/model/library.ts';
import { isOfLabels, type TrashLine } from '../../state/trash-list.svelte.ts';
import { formatCount, plural } from '../../ui/format-number.ts';

/** What the line is called: “street.jpg”, “pets”, “cat, dog”. */
export function titleOf(item: TrashLine): string {
  return isOfLabels(item) && item.deletedClasses.length > 0 ? item.deletedClasses.join(', ') : item.title;
}

export function wordsOf(item: TrashLine): string {
  return isOfLabels(item) ? labelWords(item) : thingWords(item);
}

function thingWords(item: TrashItem): string {
  switch (item.kind) {
    case 'dataset':
      return `Data set, ${plural(item.imageCount, 'image')}`;
    case 'images':
      return `${plural(item.imageCount, 'image')} of this data set`;
    case 'run':
      return `Run, ${plural(item.epochsDone, 'epoch')}`;
    case 'sweep':
      return `Sweep, ${plural(item.runCount, 'run')}`;
  }
}

function labelWords({ kind, deletedClasses, labelCount, imageCount, datasetName, ...item }: DeletedLabelsItem): string {
  const labels = plural(labelCount, 'label');
  if (deletedClasses.length > 0) {
    const what = deletedClasses.length === 1 ? 'Class' : 'Classes';
    return `${what} of “${datasetName}” with ${labels} on ${plural(imageCount, 'image')}`;
  }
  const where = kind === 'image-labels' ? ` of an image of “${datasetName}”` : ` on ${plural(imageCount, 'image')}`;
  return `${labels}${where}: ${classWords(item)}`;
}

/** "2 car, 1 person and 4 more classes"; just the name where all are of one. */
function classWords({ classes, classCount }: Pick<DeletedLabelsItem, 'classes' | 'classCount'>): string {
  const [only] = classes;
  if (classCount === 1 && only !== undefined) return only.name;
  const named = classes.map(({ name, count }) => `${formatCount(count)} ${name}`).join(', ');
  const more = classCount - classes.length;
  return more > 0 ? `${named} and ${plural(more, 'more class', 'more classes')}` : named;
}

/** What is said once it is back. */
export function backWords(item: TrashLine): string {
  if (!isOfLabels(item)) return `“${item.title}” is back: ${lowerFirst(thingWords(item))}.`;
  const { labelCount, imageCount, kind, title, deletedClasses } = item;
  const labels = `${plural(labelCount, 'label')} ${labelCount === 1 ? 'is' : 'are'} back`;
  const where = kind === 'image-labels' ? ` on “${title}”` : ` on ${plural(imageCount, 'image')}`;
  return `${labels}${where}${deletedClasses.length > 0 ? `, and with them “${deletedClasses.join('”, “')}”` : ''}.`;
}

/** Null: everything. */
export function questionOf(item: TrashLine | null): string {
  if (item === null) return 'Empty the trash?';
  if (!isOfLabels(item)) return `Delete “${item.title}” for good?`;
  return `Delete ${plural(item.labelCount, 'label')} of “${titleOf(item)}” for good?`;
}

export function consequenceOf(item: TrashLine | null): string {
  switch (item?.kind) {
    case undefined:
      return 'Everything in the trash goes for good, with its files in this project; deleted labels leave undo and the history of their images too. Files outside of the project are not touched.';
    case 'dataset':
    case 'images':
      return 'Images, their labels and their copies in this project go for good. Files outside of the project are not touched.';
    case 'run':
    case 'sweep':
      return 'Curves, predictions, checkpoints and logs go for good. Runs that began from them keep the weights they began with.';
    case 'labels':
    case 'image-labels':
      return 'They leave the history too: neither undo nor an earlier state of their images brings them back. Other labels are not touched.';
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
