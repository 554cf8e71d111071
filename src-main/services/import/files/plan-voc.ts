/** Plans a Pascal VOC data set: XML files, the images of the same name, and the lists of the splits. */
import { toErrorData } from '../../../contract/errors.ts';
import type { Split } from '../../../contract/model/dataset.ts';
import {
  ImageIndex,
  isImageName,
  maskFolderOf,
  splitOfName,
  splitOfPath,
  stemOf,
  withoutEnding,
} from '../../../formats/image-files.ts';
import type { ImageSize, ParsedLabels } from '../../../formats/labels.ts';
import { baseName, type Failure, type SourceEntry } from '../../../formats/source-entry.ts';
import { countsFromZero, parseVoc, placeVocObjects, type VocFile } from '../../../formats/voc.ts';
import type { ImportSource } from '../source.ts';
import { listedClasses } from './class-list.ts';
import { NameList, type FilePlan, type PlannedImage } from './plan.ts';
import { readText, readTexts } from './read-text.ts';

/** Null where no XML file looks like VOC. */
export async function planVoc({ folder, entries }: ImportSource): Promise<FilePlan | null> {
  const xmls = entries.filter(({ path }) => path.toLowerCase().endsWith('.xml'));
  if (folder === null || xmls.length === 0) return null;
  const problems: Failure[] = [];
  const files = new Map<string, VocFile>();
  const names = new NameList();
  await readTexts(folder, xmls, ({ path }, text, error) => {
    try {
      if (text === null) throw error;
      const parsed = parseVoc(path, text);
      if (parsed === null) return;
      files.set(path, parsed);
      for (const { name } of parsed.objects) names.placeOf(name);
      problems.push(...parsed.problems.map((problem) => ({ source: path, ...problem })));
    } catch (reason) {
      problems.push({ source: path, reason: toErrorData(reason).message });
    }
  });
  if (files.size === 0) return null;
  const { categories, placeOf } = names.sorted(await listedClasses(folder, entries));
  const origin = [...files.values()].some(countsFromZero) ? 0 : 1;
  if (origin === 0) {
    const reason = 'VOC counts pixels from 1, but some boxes here begin at 0: all are taken as counted from 0.';
    problems.push({ source: '', reason });
  }
  const listed = await readSplitLists(folder, entries);
  // Lists name images without an ending; those of one name are told apart by the folders that they are in.
  const splitOf = (image: string): Split => {
    const path = withoutEnding(image.replace(/^JPEGImages\//, ''));
    return listed.get(path) ?? listed.get(stemOf(image)) ?? splitOfPath(image) ?? 'train';
  };
  const pictures = entries.filter(({ path }) => isImageName(path) && maskFolderOf(path) === null);
  const index = new ImageIndex(pictures);
  const taken = new Set<string>();
  const images: PlannedImage[] = [];
  for (const [path, file] of files) {
    const entry =
      index.findStem(stemOf(path), path) ?? (file.fileName === null ? null : index.find(file.fileName, path));
    if (entry === null || taken.has(entry.path)) {
      const what = entry === null ? 'There is no image for this file' : 'Another file describes its image already';
      problems.push({ source: path, reason: `${what}; it is left out.` });
      continue;
    }
    taken.add(entry.path);
    images.push({
      entry,
      split: splitOf(entry.path),
      labelFile: path,
      labels: (size) => place(file, placeOf, origin, size),
    });
  }
  for (const entry of pictures) {
    if (taken.has(entry.path)) continue;
    images.push({ entry, split: splitOf(entry.path), labelFile: entry.path, labels: null });
  }
  return { format: 'voc', categories, images, problems };
}

function place(file: VocFile, placeOf: (name: string) => number, origin: 0 | 1, size: ImageSize): ParsedLabels {
  const parsed = placeVocObjects(file.objects, placeOf, origin);
  const said = file.size;
  if (said !== null && (said.widthPx !== size.widthPx || said.heightPx !== size.heightPx)) {
    const isTurned = said.widthPx === size.heightPx && said.heightPx === size.widthPx;
    const why = isTurned ? ' Its boxes may have been drawn without the EXIF orientation.' : '';
    parsed.problems.push({
      reason: `The file says ${said.widthPx} × ${said.heightPx} px, the image is ${size.widthPx} × ${size.heightPx} px.${why}`,
    });
  }
  return parsed;
}

/** ImageSets/Main/train.txt and so on: names without endings, one a line. */
async function readSplitLists(folder: string, entries: readonly SourceEntry[]): Promise<Map<string, Split>> {
  const splitOf = new Map<string, Split>();
  const lists = entries.filter(({ path }) => /(^|\/)ImageSets\//i.test(path) && path.endsWith('.txt'));
  for (const entry of lists) {
    const split = splitOfName(stemOf(entry.path));
    if (split === null || baseName(entry.path).includes('trainval')) continue;
    for (const line of (await readText(folder, entry)).split(/\r?\n/)) {
      // Lists of one class have a number behind the name.
      const stem = line.trim().replace(/\s+(-1|0|1)$/, '');
      if (stem !== '' && !splitOf.has(stem)) splitOf.set(stem, split);
    }
  }
  return splitOf;
}
