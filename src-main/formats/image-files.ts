/** Which files are images by their name, where names point to, and which split a path speaks of. No content is read. */
import type { Split } from '../contract/model/dataset.ts';
import { baseName, type SourceEntry } from './source-entry.ts';

const IMAGE = /\.(jpe?g|jpe|png|webp|tiff?|bmp|gif|avif)$/i;

export function isImageName(path: string): boolean {
  return IMAGE.test(path) && !baseName(path).startsWith('.');
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Equal for names that one file system or another takes for the same: “É.png” in either spelling of the accent, “é.PNG”. */
export function sameNameAs(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Without folder and ending. */
export function stemOf(path: string): string {
  return baseName(path).replace(/\.[^.]*$/, '');
}

export function withoutEnding(path: string): string {
  return path.replace(/\.[^./]*$/, '');
}

/** The path with “.” and “..” worked out; null where it leads out of the folder, or is absolute. */
export function resolveInside(...pieces: readonly string[]): string | null {
  const segments: string[] = [];
  for (const piece of pieces) {
    if (/^([\\/]|[a-z]:)/i.test(piece)) return null;
    for (const segment of piece.split(/[\\/]/)) {
      if (segment === '' || segment === '.') continue;
      if (segment !== '..') segments.push(segment);
      else if (segments.pop() === undefined) return null;
    }
  }
  return segments.join('/');
}

const SPLIT_NAMES: readonly (readonly [RegExp, Split])[] = [
  [/^(train|training)(20\d\d)?$/i, 'train'],
  [/^(val|valid|validation)(20\d\d)?$/i, 'val'],
  [/^(test|testing)(20\d\d)?$/i, 'test'],
];

/** The split that a single name speaks of, or null. */
export function splitOfName(name: string): Split | null {
  return SPLIT_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** The split that one of the folders of a path speaks of, the innermost first; null where none does. */
export function splitOfPath(path: string): Split | null {
  return folderOf(path).split('/').reverse().map(splitOfName).find(Boolean) ?? null;
}

/** Folders of these names hold images or masks, but are no classes. */
const NO_CLASSES = /^(images?|imgs?|jpegimages|masks?\d*|labels?|annotations?|groundtruth|gt)$/i;

/** Whether a folder of this name can stand for a class. */
export function isClassFolder(name: string): boolean {
  return splitOfName(name) === null && !NO_CLASSES.test(name);
}

/** The best is the folder that is most surely one of masks. */
const MASK_FOLDERS = [
  /mask/i,
  /^segmentationclass|^semantic/i,
  /^(label|labels|gt|groundtruth|ground_truth|annotations?|annot|segmentation.*|seg)$/i,
];

/**
 * The folder of a path that holds masks by its name, and how sure that is (0 the most); null where there is none. Images
 * in such a folder are no photographs.
 */
export function maskFolderOf(path: string): { folder: string; rank: number } | null {
  const segments = folderOf(path).split('/');
  for (const [rank, pattern] of MASK_FOLDERS.entries()) {
    const at = segments.findLastIndex((segment) => pattern.test(segment));
    if (at >= 0) return { folder: segments.slice(0, at + 1).join('/'), rank };
  }
  return null;
}

/** Finds images by what label files call them: a path from anywhere, a bare name, or a name without its ending. */
export class ImageIndex {
  readonly #images: readonly SourceEntry[];
  readonly #byPath: ReadonlyMap<string, SourceEntry>;
  /** Each is made where it is asked for: of a large data set it takes tens of megabytes. */
  #byName: ReadonlyMap<string, SourceEntry[]> | null = null;
  #byStem: ReadonlyMap<string, SourceEntry[]> | null = null;

  constructor(images: readonly SourceEntry[]) {
    this.#images = images;
    this.#byPath = new Map(images.map((image) => [image.path, image]));
  }

  /** `hint` decides between images of one name: the one whose folders share most names with it is taken. */
  find(name: string, hint: string): SourceEntry | null {
    const inside = resolveInside(name);
    const exact = inside === null ? undefined : this.#byPath.get(inside);
    if (exact) return exact;
    const base = sameNameAs(baseName(name.replaceAll('\\', '/')));
    const wanted = `${hint}/${folderOf(name.replaceAll('\\', '/'))}`;
    this.#byName ??= Map.groupBy(this.#images, (image) => sameNameAs(baseName(image.path)));
    return closest(this.#byName.get(base) ?? [], wanted);
  }

  findStem(stem: string, hint: string): SourceEntry | null {
    this.#byStem ??= Map.groupBy(this.#images, (image) => stemOf(image.path).normalize('NFC'));
    return closest(this.#byStem.get(stem.normalize('NFC')) ?? [], hint);
  }
}

function closest(entries: readonly SourceEntry[], hint: string): SourceEntry | null {
  const words = new Set(hint.toLowerCase().split(/[^a-z0-9]+/));
  const score = ({ path }: SourceEntry): number =>
    folderOf(path)
      .toLowerCase()
      .split('/')
      .filter((segment) => words.has(segment)).length;
  let best: SourceEntry | null = null;
  let bestScore = -1;
  for (const entry of entries) {
    const own = score(entry);
    if (own > bestScore) [best, bestScore] = [entry, own];
  }
  return best;
}
