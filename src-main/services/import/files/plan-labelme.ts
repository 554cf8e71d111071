/** Plans a folder of labelme files: one JSON beside each image. */
import { toErrorData } from '../../../contract/errors.ts';
import { encodeRle } from '../../../contract/geometry/rle.ts';
import type { Shape } from '../../../contract/model/annotation.ts';
import { folderOf, ImageIndex, isImageName, splitOfPath, withoutEnding } from '../../../formats/image-files.ts';
import { parseLabelme, type LabelmeMask, type LabelmeObject } from '../../../formats/labelme.ts';
import type { ImageSize, ParsedLabels } from '../../../formats/labels.ts';
import type { Failure, SourceEntry } from '../../../formats/source-entry.ts';
import type { ImportSource } from '../source.ts';
import { listedClasses } from './class-list.ts';
import { decodeMaskBytes } from './decode-mask.ts';
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
  const { categories, placeOf } = names.sorted(await listedClasses(folder, entries));
  const images = pictures.map((entry): PlannedImage => {
    const own = objectsOf.get(entry.path);
    const split = splitOfPath(entry.path) ?? 'train';
    if (own === undefined) return { entry, split, labelFile: entry.path, labels: null };
    return { entry, split, labelFile: own.labelFile, labels: (size) => placeObjects(own.objects, placeOf, size) };
  });
  return { format: 'labelme', categories, images, problems };
}

async function placeObjects(
  objects: readonly LabelmeObject[],
  placeOf: (name: string) => number,
  size: ImageSize,
): Promise<ParsedLabels> {
  const placed: ParsedLabels = { labels: [], problems: [] };
  for (const { name, shape: given, attributes } of objects) {
    const shape = given.kind === 'png' ? await placeMask(given, size) : given;
    if (typeof shape === 'string') placed.problems.push({ reason: `A mask of “${name}”: ${shape}` });
    else placed.labels.push({ category: placeOf(name), shape, flags: [], attributes });
  }
  return placed;
}

/** The reason where it cannot be placed. */
async function placeMask({ base64, x, y }: LabelmeMask, image: ImageSize): Promise<Shape | string> {
  const [left, top] = [Math.round(x), Math.round(y)];
  const part = await decodeMaskBytes(Buffer.from(base64, 'base64')).catch(
    (error: unknown) => toErrorData(error).message,
  );
  if (typeof part === 'string') return part;
  if (left < 0 || top < 0 || left + part.widthPx > image.widthPx || top + part.heightPx > image.heightPx) {
    return 'it reaches out of its image; it is left out.';
  }
  const pixels = new Uint8Array(image.widthPx * image.heightPx);
  part.values.forEach((value, at) => {
    const row = top + Math.floor(at / part.widthPx);
    if (value !== 0) pixels[row * image.widthPx + left + (at % part.widthPx)] = 1;
  });
  const { counts } = encodeRle(pixels, image);
  return { kind: 'mask', rle: { widthPx: image.widthPx, heightPx: image.heightPx, counts: [...counts] } };
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
