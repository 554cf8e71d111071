/** What an export goes through: the data set's images with their labels and files, a slice at a time. */
import { FoveaError } from '../../contract/errors.ts';
import type { Annotation, ReviewState } from '../../contract/model/annotation.ts';
import type { Category, Split } from '../../contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId } from '../../contract/model/ids.ts';
import { baseName } from '../../formats/source-entry.ts';
import { idSlices } from '../datasets/id-slices.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import { filePath } from '../image-pixels.ts';
import type { OpenProject } from '../open-projects.ts';

const IMAGES_PER_READ = 25;

export interface ExportedImage {
  imageId: ImageId;
  split: Split;
  /** The image's file now. */
  file: string;
  /** Its name in the export, which no other image of the split has. */
  name: string;
  widthPx: number;
  heightPx: number;
  review: ReviewState;
  /** Each with the place of its class in the data set's list. */
  labels: (Annotation & { category: number })[];
}

/** In the order of the data set. Throws FoveaError `unsupported` for a data set in packs. */
export async function* exportedImages(
  { store, folder }: OpenProject,
  datasetId: DatasetId,
  categories: readonly Category[],
): AsyncGenerator<ExportedImage, void> {
  const ordinals = new Map<CategoryId, number>(categories.map(({ categoryId, ordinal }) => [categoryId, ordinal]));
  const names = new NameKeeper();
  for await (const range of idSlices(store, datasetId)) {
    const ids = store.images.idsInRange(datasetId, { splits: [], categoryIds: [] }, range);
    for (let at = 0; at < ids.length; at += IMAGES_PER_READ) {
      const some = ids.slice(at, at + IMAGES_PER_READ);
      const labels = store.annotations.ofImages(some);
      for (const { imageId, split, name, widthPx, heightPx, review } of store.images.summaries(some)) {
        const source = store.images.pixelSource(imageId);
        if (source.kind === 'pack') throw packsNotYet();
        yield {
          ...{ imageId, split, widthPx, heightPx, review },
          file: filePath(folder, source.file),
          name: names.take(split, baseName(name)),
          labels: (labels.get(imageId) ?? []).map((label) => ({
            ...label,
            category: ordinals.get(label.categoryId) ?? 0,
          })),
        };
      }
      await yieldToEventLoop();
    }
  }
}

/** Gives each image of a split a name of its own: label files are told apart by the name without its ending. */
class NameKeeper {
  #taken = new Set<string>();

  take(split: Split, name: string): string {
    const [, stem = name, ending = ''] = /^(.*?)(\.[^.]*)?$/s.exec(name) ?? [];
    let free = stem;
    for (let number = 2; this.#taken.has(`${split}/${free.toLowerCase()}`); number++) free = `${stem}-${number}`;
    this.#taken.add(`${split}/${free.toLowerCase()}`);
    return `${free}${ending}`;
  }
}

function packsNotYet(): FoveaError {
  const message = 'This version exports data sets whose images are files; this one is kept in packs (CIFAR-10, IDX).';
  return new FoveaError('unsupported', message);
}
