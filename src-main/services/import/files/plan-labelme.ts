/** Plans a folder of labelme files: one JSON beside each image. */
import { toErrorData } from '../../../contract/errors.ts';
import { folderOf, ImageIndex, isImageName, splitOfPath, withoutEnding } from '../../../formats/image-files.ts';
import { parseLabelme, type LabelmeObject } from '../../../formats/labelme.ts';
import type { Failure, SourceEntry } from '../../../formats/source-entry.ts';
import type { ImportSource } from '../source.ts';
import { NameList, type FilePlan, type PlannedImage } from './plan.ts';
import { readText, readTexts } from './read-text.ts';

/** Null where no JSON file looks like labelme. */
export async function planLabelme({ folder, entries }: ImportSource): Promise<FilePlan | null> {
  const jsons = entries.filter(({ path }) => path.toLowerCase().endsWith('.json'));
  if (folder === null || !(await isLabelme(folder, jsons))) return null;
  const problems: Failure[] = [];
  const names = new NameList();
  const pictures = entries.filter(({ path }) => isImageName(path));
  const index = new ImageIndex(pictures);
  const besides = new Map(pictures.map((entry) => [withoutEnding(entry.path), entry]));
  const objectsOf = new Map<string, { labelFile: string; objects: LabelmeObject[] }>();
  await readTexts(folder, jsons, ({ path }, text, error) => {
    try {
      if (text === null) throw error;
      const parsed = parseLabelme(path, text);
      if (parsed === null) return;
      problems.push(...parsed.problems.map((problem) => ({ source: path, ...problem })));
      for (const { name } of parsed.objects) names.placeOf(name);
      const entry =
        besides.get(withoutEnding(path)) ??
        (parsed.imagePath === null ? null : index.find(`${folderOf(path)}/${parsed.imagePath}`, path));
      if (entry === null) problems.push({ source: path, reason: 'There is no image for this file; it is left out.' });
      else objectsOf.set(entry.path, { labelFile: path, objects: parsed.objects });
    } catch (reason) {
      problems.push({ source: path, reason: toErrorData(reason).message });
    }
  });
  const { categories, placeOf } = names.sorted();
  const images = pictures.map((entry): PlannedImage => {
    const own = objectsOf.get(entry.path);
    const split = splitOfPath(entry.path) ?? 'train';
    if (own === undefined) return { entry, split, labelFile: entry.path, labels: null };
    const labels = own.objects.map(({ name, shape, attributes }) => ({
      category: placeOf(name),
      shape,
      flags: [],
      attributes,
    }));
    return { entry, split, labelFile: own.labelFile, labels: () => ({ labels, problems: [] }) };
  });
  return { format: 'labelme', categories, images, problems };
}

async function isLabelme(folder: string, jsons: readonly SourceEntry[]): Promise<boolean> {
  for (const entry of jsons.slice(0, 10)) {
    const parsed = await readText(folder, entry)
      .then((text) => parseLabelme(entry.path, text))
      .catch(() => null);
    if (parsed !== null) return true;
  }
  return false;
}
