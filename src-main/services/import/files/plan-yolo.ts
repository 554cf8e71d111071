/** Plans a YOLO data set: from its data.yaml, or from folders of images and labels alone. */
import { toErrorData } from '../../../contract/errors.ts';
import { splits, type Split } from '../../../contract/model/dataset.ts';
import { folderOf, isImageName, resolveInside, splitOfPath, withoutEnding } from '../../../formats/image-files.ts';
import type { ParsedCategory } from '../../../formats/labels.ts';
import { baseName, type Failure, type SourceEntry } from '../../../formats/source-entry.ts';
import { parseYoloConfig, parseYoloRows, placeYoloRows, type YoloConfig, type YoloRow } from '../../../formats/yolo.ts';
import { throughLinks, type FolderLinks } from '../folder-links.ts';
import type { ImportSource } from '../source.ts';
import type { FilePlan, PlannedImage } from './plan.ts';
import { readText, readTexts } from './read-text.ts';

interface Listing {
  folder: string;
  images: SourceEntry[];
  texts: TextFiles;
  links: FolderLinks;
}

/** By path; one that is spelt with other characters for the same letters (é as one, or as two) is found too. */
class TextFiles {
  readonly #byPath: ReadonlyMap<string, SourceEntry>;
  readonly #byForm: ReadonlyMap<string, SourceEntry>;

  constructor(entries: readonly SourceEntry[]) {
    this.#byPath = new Map(entries.map((entry) => [entry.path, entry]));
    this.#byForm = new Map(entries.map((entry) => [entry.path.normalize('NFC'), entry]));
  }

  get(path: string): SourceEntry | undefined {
    return this.#byPath.get(path) ?? this.#byForm.get(path.normalize('NFC'));
  }

  all(): SourceEntry[] {
    return [...this.#byPath.values()];
  }
}

interface FoundImage {
  entry: SourceEntry;
  /** Its path as data.yaml means it, which may lead through a link. */
  seenAs: string;
}

interface FoundImages {
  config: YoloConfig | null;
  images: (FoundImage & { split: Split })[];
  /** The files that could be meant, where there are several, and the one that was taken. */
  labelSources?: { all: string[]; taken: string };
}

/** Null where nothing looks like YOLO. `labelSource`: which data.yaml is meant, where several lead to images. */
export async function planYolo(source: ImportSource, labelSource: string | null = null): Promise<FilePlan | null> {
  if (source.folder === null) return null;
  const listing: Listing = {
    folder: source.folder,
    images: source.entries.filter(({ path }) => isImageName(path)),
    texts: new TextFiles(source.entries.filter(({ path }) => path.endsWith('.txt'))),
    links: source.links,
  };
  const problems: Failure[] = [];
  const found = (await findByConfig(source, listing, labelSource, problems)) ?? findByFolders(listing);
  if (found === null) return null;
  const keypoints = found.config?.keypoints ?? null;
  const { rows, kept } = await readRows(listing, found.images, keypoints, problems);
  const objects = [...rows.values()].flat();
  const allFour = objects.length > 0 && objects.every(({ values }) => values.length === 8);
  const rotated = found.config?.rotated ?? allFour;
  const categories = found.config?.categories ?? (await categoriesWithoutConfig(listing, rows));
  const places = new Map(categories.map(({ sourceId }, place) => [sourceId ?? place, place]));
  const reading = { placeOf: (number: number) => places.get(number), keypoints, rotated };
  const images = found.images.map(({ entry, split, seenAs }): PlannedImage => {
    const labelFile = labelPath(seenAs, listing.texts);
    const own = labelFile === null ? undefined : rows.get(labelFile);
    return {
      entry,
      split,
      labelFile: labelFile ?? entry.path,
      labels: own === undefined ? null : (size) => placeYoloRows(own, reading, size),
    };
  });
  problems.push(...labelsWithoutImage(listing, kept));
  const { labelSources } = found;
  return { format: 'yolo', categories, images, problems, ...(labelSources && { labelSources }) };
}

async function findByConfig(
  source: ImportSource,
  listing: Listing,
  labelSource: string | null,
  problems: Failure[],
): Promise<FoundImages | null> {
  const isConfig = ({ path }: SourceEntry): boolean => /\.ya?ml$/i.test(path) && path.split('/').length <= 3;
  const depth = ({ path }: SourceEntry): number => path.split('/').length;
  const configs = source.entries
    .filter((entry) => (source.chosen?.match(/\.ya?ml$/i) ? entry.path === source.chosen : isConfig(entry)))
    .sort((a, b) => depth(a) - depth(b) || a.path.localeCompare(b.path, 'en', { numeric: true }));
  const found: { path: string; config: YoloConfig; images: FoundImages['images']; problems: Failure[] }[] = [];
  for (const entry of configs.slice(0, 20)) {
    const { path } = entry;
    try {
      const config = parseYoloConfig(path, await readText(listing.folder, entry));
      if (config === null) continue;
      const own: Failure[] = [];
      const images = await imagesOfConfig(path, config, listing, own);
      if (images.length === 0) problems.push(...own);
      else found.push({ path, config, images, problems: own });
    } catch (error) {
      problems.push({ source: path, reason: toErrorData(error).message });
    }
  }
  const taken = found.find(({ path }) => path === labelSource) ?? found[0];
  if (taken === undefined) return null;
  const { path, config, images } = taken;
  problems.push(...taken.problems, ...config.problems.map((problem) => ({ source: path, ...problem })));
  const labelSources = { all: found.map((one) => one.path), taken: path };
  return { config, images, ...(found.length > 1 ? { labelSources } : {}) };
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
      const twice = found.filter(({ entry }) => taken.has(entry.path)).length;
      if (twice > 0) {
        problems.push({
          source,
          reason: `${twice} images of ${split} are in an earlier split already; they stay there.`,
        });
      }
      for (const one of found) if (!taken.has(one.entry.path)) images.push({ ...one, split });
      for (const { entry } of found) taken.add(entry.path);
    }
  }
  return images;
}

/** The images that a place of data.yaml means. Only files of the chosen folder are ever looked at. */
async function imagesAt(file: string, path: string | null, place: string, listing: Listing): Promise<FoundImage[]> {
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
    const found = list ? await listedImages(list, listing) : imagesBelow(candidate, listing);
    if (found.length > 0) return found;
  }
  return [];
}

function imagesBelow(candidate: string, { images, links }: Listing): FoundImage[] {
  const real = throughLinks(candidate, links);
  const prefix = real === '' ? '' : `${real}/`;
  const below = images.filter((entry) => entry.path.startsWith(prefix));
  return below.map((entry) => ({ entry, seenAs: `${candidate}${entry.path.slice(real.length)}` }));
}

/** A text file with the path of an image on each line. */
async function listedImages(list: SourceEntry, listing: Listing): Promise<FoundImage[]> {
  const byPath = new Map(listing.images.map((entry) => [entry.path.normalize('NFC'), entry]));
  const lines = (await readText(listing.folder, list)).split(/\r?\n/).map((line) => line.trim());
  return lines.flatMap((line) => {
    const candidates = [resolveInside(folderOf(list.path), line), resolveInside(line)];
    const found = candidates
      .map((path) => (path === null ? undefined : byPath.get(path.normalize('NFC'))))
      .find(Boolean);
    return line === '' || found === undefined ? [] : [{ entry: found, seenAs: found.path }];
  });
}

/** Without data.yaml: folders named “labels” hold text files with the names of images. */
function findByFolders({ images, texts }: Listing): FoundImages | null {
  const hasLabels = texts.all().some(({ path }) => folderOf(path).split('/').includes('labels'));
  const labelled = images.filter(({ path }) => labelPath(path, texts) !== null);
  const beside = labelled.length > 0 && labelled.length * 2 >= images.length;
  if (labelled.length === 0 || !(hasLabels || beside)) return null;
  return {
    config: null,
    images: images.map((entry) => ({ entry, seenAs: entry.path, split: splitOfPath(entry.path) ?? 'train' })),
  };
}

/** Where the labels of an image are: in “labels” where the image is in “images”, or beside it. */
function labelPath(image: string, texts: TextFiles): string | null {
  const segments = image.split('/');
  const folder = segments.lastIndexOf('images');
  const swapped = folder < 0 ? null : segments.with(folder, 'labels').join('/');
  const candidates = [swapped, image].map((path) =>
    path === null ? undefined : texts.get(`${withoutEnding(path)}.txt`),
  );
  return candidates.find((entry) => entry !== undefined)?.path ?? null;
}

async function readRows(
  listing: Listing,
  images: FoundImages['images'],
  keypoints: YoloConfig['keypoints'],
  problems: Failure[],
): Promise<{ rows: Map<string, YoloRow[]>; kept: Set<string> }> {
  const paths = images.map(({ seenAs }) => labelPath(seenAs, listing.texts)).filter((path) => path !== null);
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
  const file = texts.all().find(({ path }) => /^(classes|obj\.names)\.txt$/i.test(baseName(path)));
  const named = file ? (await readText(folder, file)).split(/\r?\n/).filter((line) => line.trim() !== '') : [];
  // A number out of all proportion is a mistake in one line, which is reported when the line is placed.
  const count = Math.max(named.length, Math.min(highest + 1, 1000));
  const names = Array.from({ length: count }, (_, index) => named[index]?.trim() ?? String(index));
  const unique = names.map((name, index) => (names.indexOf(name) === index ? name : `${name} (${index})`));
  return unique.map((name) => ({ name, sourceId: null }));
}

function labelsWithoutImage({ texts }: Listing, kept: ReadonlySet<string>): Failure[] {
  const folders = new Set([...kept].map(folderOf));
  return texts
    .all()
    .filter(
      ({ path }) =>
        folders.has(folderOf(path)) && !kept.has(path) && !/^(classes|train|val|test)\.txt$/i.test(baseName(path)),
    )
    .map(({ path }) => ({ source: path, reason: 'There is no image for this label file; it is left out.' }));
}
