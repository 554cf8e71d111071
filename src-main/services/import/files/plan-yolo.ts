/** Plans a YOLO data set: from its data.yaml, or from folders of images and labels alone. */
import { toErrorData } from '../../../contract/errors.ts';
import { splits, type Split } from '../../../contract/model/dataset.ts';
import { folderOf, isImageName, resolveInside, splitOfPath, withoutEnding } from '../../../formats/image-files.ts';
import type { ParsedCategory } from '../../../formats/labels.ts';
import { baseName, type Failure, type SourceEntry } from '../../../formats/source-entry.ts';
import { parseYoloConfig, parseYoloRows, placeYoloRows, type YoloConfig, type YoloRow } from '../../../formats/yolo.ts';
import type { ImportSource } from '../source.ts';
import type { FilePlan, PlannedImage } from './plan.ts';
import { readText, readTexts } from './read-text.ts';

interface Listing {
  folder: string;
  images: SourceEntry[];
  texts: Map<string, SourceEntry>;
}

interface FoundImages {
  config: YoloConfig | null;
  images: { entry: SourceEntry; split: Split }[];
}

/** Null where nothing looks like YOLO. */
export async function planYolo(source: ImportSource): Promise<FilePlan | null> {
  if (source.folder === null) return null;
  const listing: Listing = {
    folder: source.folder,
    images: source.entries.filter(({ path }) => isImageName(path)),
    texts: new Map(source.entries.filter(({ path }) => path.endsWith('.txt')).map((entry) => [entry.path, entry])),
  };
  const problems: Failure[] = [];
  const found = (await findByConfig(source, listing, problems)) ?? findByFolders(listing);
  if (found === null) return null;
  const keypoints = found.config?.keypoints ?? null;
  const { rows, kept } = await readRows(listing, found.images, keypoints, problems);
  const objects = [...rows.values()].flat();
  const allFour = objects.length > 0 && objects.every(({ values }) => values.length === 8);
  const rotated = found.config?.rotated ?? allFour;
  const categories = found.config?.categories ?? (await categoriesWithoutConfig(listing, rows));
  const places = new Map(categories.map(({ sourceId }, place) => [sourceId ?? place, place]));
  const reading = { placeOf: (number: number) => places.get(number), keypoints, rotated };
  const images = found.images.map(({ entry, split }): PlannedImage => {
    const labelFile = labelPath(entry.path, listing.texts);
    const own = labelFile === null ? undefined : rows.get(labelFile);
    return {
      entry,
      split,
      labelFile: labelFile ?? entry.path,
      labels: own === undefined ? null : (size) => placeYoloRows(own, reading, size),
    };
  });
  problems.push(...labelsWithoutImage(listing, kept));
  return { format: 'yolo', categories, images, problems };
}

async function findByConfig(source: ImportSource, listing: Listing, problems: Failure[]): Promise<FoundImages | null> {
  const isConfig = ({ path }: SourceEntry): boolean => /\.ya?ml$/i.test(path) && path.split('/').length <= 3;
  const configs = source.entries
    .filter((entry) => (source.chosen?.match(/\.ya?ml$/i) ? entry.path === source.chosen : isConfig(entry)))
    .sort((a, b) => a.path.split('/').length - b.path.split('/').length);
  for (const entry of configs.slice(0, 20)) {
    try {
      const config = parseYoloConfig(entry.path, await readText(listing.folder, entry));
      if (config === null) continue;
      const images = await imagesOfConfig(entry.path, config, listing, problems);
      if (images.length === 0) continue;
      problems.push(...config.problems.map((problem) => ({ source: entry.path, ...problem })));
      return { config, images };
    } catch (error) {
      problems.push({ source: entry.path, reason: toErrorData(error).message });
    }
  }
  return null;
}

async function imagesOfConfig(
  file: string,
  config: YoloConfig,
  listing: Listing,
  problems: Failure[],
): Promise<FoundImages['images']> {
  const images: FoundImages['images'] = [];
  const taken = new Set<string>();
  for (const split of splits) {
    for (const place of config.places[split]) {
      const found = await imagesAt(file, config.path, place, listing);
      const source = file;
      if (found.length === 0) {
        problems.push({ source, reason: `${split}: “${place}” leads to no image in the folder that was chosen.` });
      }
      const twice = found.filter(({ path }) => taken.has(path)).length;
      if (twice > 0) {
        problems.push({
          source,
          reason: `${twice} images of ${split} are in an earlier split already; they stay there.`,
        });
      }
      for (const entry of found) if (!taken.has(entry.path)) images.push({ entry, split });
      for (const { path } of found) taken.add(path);
    }
  }
  return images;
}

/** The images that a place of data.yaml means. Only files of the chosen folder are ever looked at. */
async function imagesAt(file: string, path: string | null, place: string, listing: Listing): Promise<SourceEntry[]> {
  const base = folderOf(file);
  // Relative to “path”, to data.yaml, or (as some exporters write it) one folder too high.
  const candidates = [
    resolveInside(base, path ?? '', place),
    resolveInside(base, place),
    resolveInside(base, place.replace(/^(\.\.\/)+/, '')),
  ];
  for (const candidate of new Set(candidates)) {
    if (candidate === null) continue;
    const list = listing.texts.get(candidate);
    const prefix = candidate === '' ? '' : `${candidate}/`;
    const found = list
      ? await listedImages(list, listing)
      : listing.images.filter((entry) => entry.path.startsWith(prefix));
    if (found.length > 0) return found;
  }
  return [];
}

/** A text file with the path of an image on each line. */
async function listedImages(list: SourceEntry, listing: Listing): Promise<SourceEntry[]> {
  const byPath = new Map(listing.images.map((entry) => [entry.path, entry]));
  const lines = (await readText(listing.folder, list)).split(/\r?\n/).map((line) => line.trim());
  return lines.flatMap((line) => {
    const candidates = [resolveInside(folderOf(list.path), line), resolveInside(line)];
    const found = candidates.map((path) => (path === null ? undefined : byPath.get(path))).find(Boolean);
    return line === '' || found === undefined ? [] : [found];
  });
}

/** Without data.yaml: folders named “labels” hold text files with the names of images. */
function findByFolders({ images, texts }: Listing): FoundImages | null {
  const hasLabels = [...texts.keys()].some((path) => folderOf(path).split('/').includes('labels'));
  const labelled = images.filter(({ path }) => labelPath(path, texts) !== null);
  const beside = labelled.length > 0 && labelled.length * 2 >= images.length;
  if (labelled.length === 0 || !(hasLabels || beside)) return null;
  return { config: null, images: images.map((entry) => ({ entry, split: splitOfPath(entry.path) ?? 'train' })) };
}

/** Where the labels of an image are: in “labels” where the image is in “images”, or beside it. */
function labelPath(image: string, texts: ReadonlyMap<string, SourceEntry>): string | null {
  const segments = image.split('/');
  const folder = segments.lastIndexOf('images');
  const swapped = folder < 0 ? null : segments.with(folder, 'labels').join('/');
  const candidates = [swapped, image].map((path) => (path === null ? null : `${withoutEnding(path)}.txt`));
  return candidates.find((path): path is string => path !== null && texts.has(path)) ?? null;
}

async function readRows(
  listing: Listing,
  images: FoundImages['images'],
  keypoints: YoloConfig['keypoints'],
  problems: Failure[],
): Promise<{ rows: Map<string, YoloRow[]>; kept: Set<string> }> {
  const paths = images.map(({ entry }) => labelPath(entry.path, listing.texts)).filter((path) => path !== null);
  const rows = new Map<string, YoloRow[]>();
  const entries = [...new Set(paths)].flatMap((path) => listing.texts.get(path) ?? []);
  await readTexts(listing.folder, entries, ({ path }, text, error) => {
    if (text === null) {
      problems.push({ source: path, reason: toErrorData(error).message });
      return;
    }
    const parsed = parseYoloRows(text, keypoints);
    rows.set(path, parsed.rows);
    problems.push(...parsed.problems.map((problem) => ({ source: path, ...problem })));
  });
  return { rows, kept: new Set(paths) };
}

async function categoriesWithoutConfig(
  { folder, texts }: Listing,
  rows: ReadonlyMap<string, readonly YoloRow[]>,
): Promise<ParsedCategory[]> {
  let highest = -1;
  for (const list of rows.values()) for (const { classNumber } of list) highest = Math.max(highest, classNumber);
  const file = [...texts.values()].find(({ path }) => /^(classes|obj\.names)\.txt$/i.test(baseName(path)));
  const named = file ? (await readText(folder, file)).split(/\r?\n/).filter((line) => line.trim() !== '') : [];
  // A number out of all proportion is a mistake in one line, which is reported when the line is placed.
  const count = Math.max(named.length, Math.min(highest + 1, 1000));
  const names = Array.from({ length: count }, (_, index) => named[index]?.trim() ?? String(index));
  const unique = names.map((name, index) => (names.indexOf(name) === index ? name : `${name} (${index})`));
  return unique.map((name) => ({ name, sourceId: null }));
}

function labelsWithoutImage({ texts }: Listing, kept: ReadonlySet<string>): Failure[] {
  const folders = new Set([...kept].map(folderOf));
  return [...texts.keys()]
    .filter(
      (path) =>
        folders.has(folderOf(path)) && !kept.has(path) && !/^(classes|train|val|test)\.txt$/i.test(baseName(path)),
    )
    .map((path) => ({ source: path, reason: 'There is no image for this label file; it is left out.' }));
}
