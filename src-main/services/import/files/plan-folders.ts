/** Plans folders that hold images only: a folder a class, or just images without labels. */
import { folderOf, isClassFolder, isImageName, splitOfName, splitOfPath } from '../../../formats/image-files.ts';
import type { SourceEntry } from '../../../formats/source-entry.ts';
import type { ImportSource } from '../source.ts';
import { listedClasses } from './class-list.ts';
import { NameList, type FilePlan } from './plan.ts';

/** Null where the images are not all in folders that can be classes, of which there are at least two. */
export async function planImageFolders({ folder, entries }: ImportSource): Promise<FilePlan | null> {
  if (folder === null) return null;
  const images = entries.filter(({ path }) => isImageName(path));
  const names = new NameList();
  for (const { path } of images) {
    const name = classOf(path);
    if (name === null || !isClassFolder(name)) return null;
    names.placeOf(name);
  }
  if (names.names.length < 2) return null;
  const { categories, placeOf } = names.sorted(await listedClasses(folder, entries));
  return {
    format: 'image-folders',
    categories,
    problems: [],
    images: images.map((entry) => {
      const category = placeOf(classOf(entry.path) ?? '');
      const label = { category, shape: { kind: 'classification' as const }, flags: [], attributes: {} };
      const labels = () => ({ labels: [label], problems: [] });
      return { entry, split: splitOfPath(entry.path) ?? 'train', labelFile: entry.path, labels };
    }),
  };
}

/** The outermost folder that names no split. */
function classOf(path: string): string | null {
  return (
    folderOf(path)
      .split('/')
      .find((segment) => segment !== '' && splitOfName(segment) === null) ?? null
  );
}

export function planImages({ folder, entries }: ImportSource): FilePlan | null {
  if (folder === null) return null;
  const images = entries.filter(({ path }) => isImageName(path));
  const planned = (entry: SourceEntry) => ({
    entry,
    split: splitOfPath(entry.path) ?? ('train' as const),
    labelFile: entry.path,
    labels: null,
  });
  return images.length === 0 ? null : { format: 'images', categories: [], problems: [], images: images.map(planned) };
}
