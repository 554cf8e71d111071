/** What an export goes through: the data set's images with their labels and files, some at a time. */
import { invariant } from '../../contract/errors.ts';
import type { Annotation, ReviewState } from '../../contract/model/annotation.ts';
import type { ExportImages } from '../../contract/model/dataset-export.ts';
import type { Category, ImageFilter, Split } from '../../contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId } from '../../contract/model/ids.ts';
import { sameNameAs } from '../../formats/image-files.ts';
import { baseName } from '../../formats/source-entry.ts';
import type { PixelSource } from '../../store/image-repository.ts';
import { filePath, openPicture } from '../image-pixels.ts';
import type { LibraryReader } from '../library/library-reader.ts';

const IMAGES_PER_READ = 100;

/** `sizeBytes`: as it was imported. */
export type FileSource = { kind: 'file'; path: string; sizeBytes: number };

export interface ExportedImage {
  imageId: ImageId;
  split: Split;
  /** The image's file as it is now, or what makes one. */
  source: FileSource | { kind: 'pack'; png: () => Promise<Uint8Array> };
  /** Its name in the export; that of a copy no other image has. */
  name: string;
  /** Where it lies in its data set's folder, with forward slashes; what it is called where it is in a pack. */
  ownPath: string;
  widthPx: number;
  heightPx: number;
  channels: number;
  review: ReviewState;
  /** Each with the place of its class in the data set's list. */
  labels: (Annotation & { category: number })[];
}

export interface ExportScope {
  datasetId: DatasetId;
  filter: ImageFilter;
  labelledOnly: boolean;
  images: ExportImages;
}

/** In the order of the data set; with `labelledOnly` some of them are left out later. */
export function exportedIds({ store }: LibraryReader, { datasetId, filter }: ExportScope): ImageId[] {
  const whole = store.images.idRange(datasetId);
  return whole === null ? [] : store.images.idsInRange(datasetId, filter, whole);
}

/** In the order of the data set. */
export async function* exportedImages(
  library: LibraryReader,
  scope: ExportScope,
  categories: readonly Category[],
): AsyncGenerator<ExportedImage, void> {
  const { store, folder } = library;
  const ordinals = new Map<CategoryId, number>(categories.map(({ categoryId, ordinal }) => [categoryId, ordinal]));
  const names = new NameKeeper();
  const ids = exportedIds(library, scope);
  for (let at = 0; at < ids.length; at += IMAGES_PER_READ) {
    const some = ids.slice(at, at + IMAGES_PER_READ);
    const labels = store.annotations.ofImages(some);
    const rows = store.images.summaries(some);
    const sources = store.images.pixelSources(rows.map(({ imageId }) => imageId));
    for (const [index, { imageId, split, name, widthPx, heightPx, channels, review }] of rows.entries()) {
      const own = (labels.get(imageId) ?? []).map((label) => ({
        ...label,
        category: ordinals.get(label.categoryId) ?? 0,
      }));
      if (scope.labelledOnly && own.length === 0 && review === 'to-do') continue;
      const pixels = sources[index];
      invariant(pixels, 'an image has no source', { imageId });
      const ownPath = pixels.kind === 'pack' ? `${name}.png` : pixels.file.path; // test_batch.bin #42
      const base = baseName(ownPath);
      yield {
        ...{ imageId, split, widthPx, heightPx, channels, review },
        source: sourceOf(folder, pixels),
        ownPath,
        name: scope.images === 'none' ? base : names.take(base.replace(/[\\\r\n]/g, '-')),
        labels: own,
      };
    }
  }
}

function sourceOf(folder: string, source: PixelSource): ExportedImage['source'] {
  if (source.kind === 'file')
    return { kind: 'file', path: filePath(folder, source.file), sizeBytes: source.file.sizeBytes };
  return { kind: 'pack', png: async () => (await openPicture(folder, source)).png().toBuffer() };
}

/** Gives each image a name of its own: label files are told apart by the name without its ending, and some formats have one folder. */
class NameKeeper {
  #taken = new Set<string>();

  take(name: string): string {
    const [, stem = name, ending = ''] = /^(.*?)(\.[^.]*)?$/s.exec(name) ?? [];
    let free = stem;
    for (let number = 2; this.#taken.has(sameNameAs(free)); number++) free = `${stem}-${number}`;
    this.#taken.add(sameNameAs(free));
    return `${free}${ending}`;
  }
}
