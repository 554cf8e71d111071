/**
 * Plans a folder of images beside a folder of mask images: which mask belongs to which image, and what its values mean.
 * Each class of an image becomes one run-length mask. Value 0, black, and classes named like a background stand for
 * pixels without a class.
 */
import { join } from 'node:path';
import { toErrorData } from '../../../contract/errors.ts';
import { ImageIndex, isImageName, maskFolderOf, splitOfPath, stemOf } from '../../../formats/image-files.ts';
import { uniqueNames, type ImageSize, type LabelProblem, type ParsedCategory } from '../../../formats/labels.ts';
import { collectValues, masksByValue, MOST_VALUES, orientMask, type MaskPixels } from '../../../formats/mask-pixels.ts';
import { isBackgroundName, isTableName, parseMaskTable, type MaskTable } from '../../../formats/mask-table.ts';
import { baseName, type Failure, type SourceEntry } from '../../../formats/source-entry.ts';
import type { ImportSource } from '../source.ts';
import { decodeMask } from './decode-mask.ts';
import type { FilePlan, PlacedLabels, PlannedImage } from './plan.ts';
import { readText } from './read-text.ts';

/** Without loss; JPEG masks have values that nobody drew. */
const MASK_FILE = /\.(png|bmp|tiff?|gif|webp)$/i;
const SUFFIX = /[-_. ](mask|masks|seg|segmentation|label|labels|labelids|labeltrainids|gt|annotation|color|colour|l)$/i;

interface MaskFolder {
  path: string;
  rank: number;
  /** Mask by path of its image. */
  pairs: Map<string, SourceEntry>;
  alone: SourceEntry[];
}

/** Null where no folder holds masks of images. */
export async function planMasks(source: ImportSource, labelSource: string | null): Promise<FilePlan | null> {
  const { folder, entries } = source;
  if (folder === null) return null;
  const all = entries.filter(({ path }) => isImageName(path));
  const pictures = all.filter(({ path }) => maskFolderOf(path) === null);
  const folders = findMaskFolders(all, pictures);
  const taken = folders.find(({ path }) => path === labelSource) ?? folders[0];
  if (taken === undefined) return null;
  const problems: Failure[] = [];
  for (const { path } of taken.alone) {
    problems.push({ source: path, reason: 'There is no image for this mask; it is left out.' });
  }
  const table = await readTable(folder, entries, taken.path, problems);
  const classes = table === null ? await classesOfValues(folder, taken, problems) : classesOfTable(table, problems);
  return {
    format: 'masks',
    categories: classes.categories,
    problems,
    images: pictures.map((entry): PlannedImage => {
      const mask = taken.pairs.get(entry.path);
      const split = splitOfPath(entry.path) ?? (mask && splitOfPath(mask.path)) ?? 'train';
      if (mask === undefined) return { entry, split, labelFile: entry.path, labels: null };
      return { entry, split, labelFile: mask.path, labels: (size) => readMask(join(folder, mask.path), classes, size) };
    }),
    ...(folders.length > 1 ? { labelSources: { all: folders.map(({ path }) => path), taken: taken.path } } : {}),
  };
}

/** Those in which masks have images, the likeliest first. */
function findMaskFolders(all: readonly SourceEntry[], pictures: readonly SourceEntry[]): MaskFolder[] {
  const index = new ImageIndex(pictures);
  const folders = new Map<string, MaskFolder>();
  for (const entry of all) {
    const place = maskFolderOf(entry.path);
    if (place === null || !MASK_FILE.test(entry.path)) continue;
    const own: MaskFolder = folders.get(place.folder) ?? {
      path: place.folder,
      rank: place.rank,
      pairs: new Map(),
      alone: [],
    };
    folders.set(place.folder, own);
    const stem = stemOf(entry.path);
    const image = index.findStem(stem, entry.path) ?? index.findStem(stem.replace(SUFFIX, ''), entry.path);
    if (image === null || own.pairs.has(image.path)) own.alone.push(entry);
    else own.pairs.set(image.path, entry);
  }
  return [...folders.values()]
    .filter(({ pairs, alone }) => pairs.size > 0 && pairs.size >= alone.length)
    .sort((a, b) => a.rank - b.rank || a.path.localeCompare(b.path, 'en', { numeric: true }));
}

/** The nearest file that holds one: beside or above the mask folder. */
async function readTable(
  folder: string,
  entries: readonly SourceEntry[],
  maskFolder: string,
  problems: Failure[],
): Promise<MaskTable | null> {
  const near = (path: string): number => {
    const own = path.split('/').slice(0, -1);
    const wanted = maskFolder.split('/');
    return own.every((segment, at) => segment === wanted[at]) ? own.length : -1;
  };
  const candidates = entries
    .filter(({ path }) => isTableName(baseName(path)) && near(path) >= 0)
    .sort((a, b) => near(b.path) - near(a.path) || a.path.localeCompare(b.path, 'en'));
  for (const entry of candidates) {
    try {
      const table = parseMaskTable(entry.path, await readText(folder, entry), baseName(maskFolder));
      if (table !== null) return table;
    } catch (error) {
      problems.push({ source: entry.path, reason: toErrorData(error).message });
    }
  }
  return null;
}

/** The place of a mask's value in the list of classes; null for pixels without a class, undefined for an unknown value. */
type PlaceOf = (value: number) => number | null | undefined;

interface MaskClasses {
  categories: ParsedCategory[];
  /** `values`: the distinct ones of the mask. */
  placesIn: (mask: MaskPixels, values: ReadonlySet<number>) => PlaceOf;
}

/** The value that marks pixels which shall not count, in masks whose classes do not use it. */
const VOID_VALUE = 255;

function colourOf({ kind, palette }: MaskPixels, value: number): number {
  if (kind === 'colour') return value;
  return kind === 'palette' ? (palette?.[value] ?? 0) : value * 0x010101;
}

function classesOfTable({ classes, hasValues }: MaskTable, problems: Failure[]): MaskClasses {
  const kept = classes.filter(({ name }) => !isBackgroundName(name));
  const names = uniqueNames(
    kept.map(({ name }) => name),
    (reason) => problems.push({ source: '', reason }),
  );
  const places = new Map<MaskTable['classes'][number], number>(kept.map((one, at) => [one, at]));
  const byValue = new Map(classes.map((one) => [one.value, places.get(one) ?? null]));
  const byColour = new Map(
    classes.flatMap((one) => (one.colour === null ? [] : [[one.colour, places.get(one) ?? null] as const])),
  );
  for (const unused of [0, VOID_VALUE]) if (!byValue.has(unused)) byValue.set(unused, null);
  return {
    categories: kept.map(({ value }, at) => ({ name: names[at] ?? '', sourceId: value })),
    placesIn: (mask, values) => {
      // A table of colours without values says nothing of a palette's order, but may well of its colours.
      const isNamed = (value: number): boolean => byColour.has(colourOf(mask, value));
      const areNamed =
        [...values].every(isNamed) ||
        (mask.kind === 'palette' && [...values].some((value) => value > 0 && isNamed(value)));
      const isOfColours = mask.kind === 'colour' || (!hasValues && areNamed);
      return (value) => (isOfColours ? byColour.get(colourOf(mask, value)) : byValue.get(value));
    },
  };
}

/** Without a table every value but 0 is a class; looks at every mask. */
async function classesOfValues(folder: string, { path, pairs }: MaskFolder, problems: Failure[]): Promise<MaskClasses> {
  const [values, colours] = [new Set<number>(), new Set<number>()];
  let isColour = false;
  for (const { path: file } of pairs.values()) {
    const mask = await decodeMask(join(folder, file)).catch(() => null); // Reported when the image is read.
    const own = new Set<number>();
    if (mask === null) continue;
    isColour ||= mask.kind === 'colour';
    const isWhole = collectValues(mask.values, own);
    for (const value of own) {
      values.add(value);
      colours.add(colourOf(mask, value));
    }
    if (isWhole && (isColour ? colours : values).size <= MOST_VALUES) continue;
    const reason = `The masks have more than ${MOST_VALUES} values. Put a table of classes beside them (classes.json).`;
    problems.push({ source: path, reason });
    return { categories: [], placesIn: () => () => undefined };
  }
  const found = [...(isColour ? colours : values)].filter((value) => value !== 0).sort((a, b) => a - b);
  const isBinary = !isColour && found.length === 1;
  // Beside small numbers only; among high ones it is one class of many.
  if (!isColour && found.at(-1) === VOID_VALUE && found.length > 1 && (found.at(-2) ?? 0) < 100) {
    found.pop();
    problems.push({ source: path, reason: 'The value 255 is taken for pixels that have no class.' });
  }
  const nameOf = (value: number): string => (isBinary ? 'foreground' : isColour ? hexColour(value) : `class ${value}`);
  const places = new Map<number, number | null>(found.map((value, place) => [value, place]));
  for (const unused of [0, VOID_VALUE]) if (!places.has(unused)) places.set(unused, null);
  return {
    categories: found.map((value) => ({ name: nameOf(value), sourceId: isColour ? null : value })),
    placesIn: (mask) => (value) => places.get(isColour ? colourOf(mask, value) : value),
  };
}

function hexColour(colour: number): string {
  return `#${colour.toString(16).padStart(6, '0')}`;
}

async function readMask(
  file: string,
  classes: MaskClasses,
  size: ImageSize & { orientation: number },
): Promise<PlacedLabels> {
  const problems: LabelProblem[] = [];
  const drawn = await decodeMask(file).catch((error: unknown) => toErrorData(error).message);
  if (typeof drawn === 'string') return { labels: null, problems: [{ reason: drawn }] };
  const mask = fitted(drawn, size, problems);
  if (mask === null) return { labels: null, problems };
  // Each value's place is looked up once; 0 stands for no class, so that places count from 1 here.
  const distinct = new Set(mask.values);
  const placeOf = classes.placesIn(mask, distinct);
  const unknown = [...distinct].filter((value) => placeOf(value) === undefined);
  const numbers = new Map([...distinct].map((value) => [value, (placeOf(value) ?? -1) + 1]));
  if (unknown.length > 0) {
    const what = unknown.slice(0, 3).map((value) => (mask.kind === 'colour' ? hexColour(value) : String(value)));
    const more = unknown.length > what.length ? ` and ${unknown.length - what.length} more` : '';
    problems.push({ reason: `${what.join(', ')}${more} stand in no table of classes; these pixels get no class.` });
  }
  const byNumber = masksByValue({ ...mask, values: mask.values.map((value) => numbers.get(value) ?? 0) });
  byNumber.delete(0);
  const labels = [...byNumber]
    .sort(([a], [b]) => a - b)
    .map(([number, { widthPx, heightPx, counts }]) => ({
      category: number - 1,
      shape: { kind: 'mask' as const, rle: { widthPx, heightPx, counts: [...counts] } },
      flags: [],
      attributes: {},
    }));
  return { labels, problems };
}

/** The mask as the upright image needs it; null, with a problem, where the sizes do not fit. */
function fitted(
  mask: MaskPixels,
  { widthPx, heightPx, orientation }: ImageSize & { orientation: number },
  problems: LabelProblem[],
): MaskPixels | null {
  if (mask.widthPx === widthPx && mask.heightPx === heightPx) return mask;
  if (orientation >= 5 && mask.widthPx === heightPx && mask.heightPx === widthPx) {
    problems.push({ reason: 'The mask was drawn without the EXIF orientation of its image; it is turned with it.' });
    return orientMask(mask, orientation);
  }
  const sizes = `The mask is ${mask.widthPx} × ${mask.heightPx} px, the image ${widthPx} × ${heightPx} px`;
  problems.push({ reason: `${sizes}; the mask is left out.` });
  return null;
}
