/** Plans a data set from COCO JSON files, each read as a stream, and the images that they name. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { FoveaError, toErrorData } from '../../../contract/errors.ts';
import type { Split } from '../../../contract/model/dataset.ts';
import { isPanoptic, parseCocoCategory, parseCocoImage, parseCocoLabel } from '../../../formats/coco.ts';
import { ImageIndex, isImageName, splitOfName, splitOfPath } from '../../../formats/image-files.ts';
import { readJsonElements, type JsonElement } from '../../../formats/json-elements.ts';
import {
  uniqueNames,
  type ImageSize,
  type ParsedCategory,
  type ParsedLabel,
  type ParsedLabels,
} from '../../../formats/labels.ts';
import type { ParsedSkeleton } from '../../../formats/skeleton.ts';
import { baseName, type Failure, type SourceEntry } from '../../../formats/source-entry.ts';
import type { FileHeads } from '../read-head.ts';
import type { ImportSource } from '../source.ts';
import { FoundLabels, type FoundLabel } from './found-labels.ts';
import type { FilePlan, PlannedImage, TellStep } from './plan.ts';

const HEAD_BYTES = 256 * 1024;

type Report = (line: number, reason: string) => void;

interface CocoFile {
  path: string;
  categories: Map<number, string>;
  skeletons: Map<number, ParsedSkeleton>;
  images: { id: number; fileName: string; line: number }[];
  labels: FoundLabels;
  /** Annotations whose masks are in PNG files of their own, as panoptic COCO has them. */
  panoptic: number;
}

/** Null where no JSON file looks like COCO. */
export async function planCoco(
  source: ImportSource,
  _labelSource: string | null,
  tell: TellStep,
  heads: FileHeads,
): Promise<FilePlan | null> {
  const { folder } = source;
  if (folder === null) return null;
  const problems: Failure[] = [];
  const files = await cocoFiles(source, heads, problems);
  if (files.length === 0) return null;
  const read: CocoFile[] = [];
  for (const { path } of files) {
    const file = await readFile(folder, path, problems, tell);
    // Its images would come without the labels that it has.
    if (file.panoptic === 0 || !file.labels.isEmpty) read.push(file);
  }
  const { categories, placeOf } = joinCategories(read, problems);
  const index = new ImageIndex(source.entries.filter(({ path }) => isImageName(path)));
  const taken = new Set<string>();
  const images = read.flatMap((file) => planImages(file, index, taken, placeOf, problems));
  return { format: 'coco', categories, images, problems };
}

/** Those that were chosen or found, without files that say the same of the same images in another way. */
async function cocoFiles(source: ImportSource, heads: FileHeads, problems: Failure[]): Promise<SourceEntry[]> {
  const isChosen = source.chosen?.toLowerCase().endsWith('.json') ?? false;
  const candidates = source.entries.filter(({ path }) => (isChosen ? path === source.chosen : path.endsWith('.json')));
  const found: SourceEntry[] = [];
  // A folder of one JSON file an image is no COCO; its first files show that.
  for (const entry of candidates.toSorted((a, b) => b.sizeBytes - a.sizeBytes).slice(0, 40)) {
    if (looksLikeCoco(await heads.text(entry.path, HEAD_BYTES))) found.push(entry);
  }
  const instances = found.filter(({ path }) => /^instances/i.test(baseName(path)));
  const kept = instances.length > 0 && !isChosen ? instances : found;
  for (const { path } of found) {
    if (kept.some((entry) => entry.path === path)) continue;
    problems.push({
      source: path,
      reason: 'It describes the same images in another way. To import it, choose this file.',
    });
  }
  return kept.toSorted((a, b) => a.path.localeCompare(b.path, 'en'));
}

const looksLikeCoco = (head: string): boolean =>
  /"(images|annotations|categories)"\s*:\s*\[/.test(head) && !/"shapes"\s*:\s*\[/.test(head);

async function readFile(folder: string, path: string, problems: Failure[], tell: TellStep): Promise<CocoFile> {
  const file: CocoFile = {
    path,
    categories: new Map(),
    skeletons: new Map(),
    images: [],
    labels: new FoundLabels(),
    panoptic: 0,
  };
  const chunks = createReadStream(join(folder, path), { highWaterMark: 1 << 20 });
  const report: Report = (line, reason) => void problems.push({ source: path, line, reason });
  try {
    for await (const elements of readJsonElements(path, chunks, ['images', 'annotations', 'categories'])) {
      for (const element of elements) takeElement(file, element, report);
      tell(`Reading ${path}`);
    }
  } catch (error) {
    if (error instanceof FoveaError && error.code === 'cancelled') throw error;
    problems.push({ source: path, reason: toErrorData(error).message });
  }
  if (file.panoptic > 0) {
    const what = `${file.panoptic} annotations are panoptic, with their masks in PNG files; these are not read`;
    problems.push({ source: path, reason: `${what}. Choose a file of instances, or masks of classes.` });
  }
  return file;
}

function takeElement(file: CocoFile, { key, line, value }: JsonElement, report: Report): void {
  if (key === 'categories') {
    const category = parseCocoCategory(value);
    if (typeof category === 'string') report(line, category);
    else {
      file.categories.set(category.id, category.name);
      if (category.skeleton) file.skeletons.set(category.id, category.skeleton);
    }
  } else if (key === 'images') {
    const image = parseCocoImage(value);
    if (typeof image === 'string') report(line, image);
    else file.images.push({ ...image, line });
  } else {
    if (isPanoptic(value)) return void file.panoptic++;
    const label = parseCocoLabel(value);
    if (typeof label === 'string') return report(line, label);
    const { imageId, categoryId, shape, flags, attributes, note } = label;
    if (note !== null) report(line, note);
    file.labels.add(imageId, { categoryId, shape, flags, attributes, line });
  }
}

/** All files' classes in the order of their ids, which stay with them. */
function joinCategories(
  files: readonly CocoFile[],
  problems: Failure[],
): { categories: ParsedCategory[]; placeOf: (id: number) => number | undefined } {
  const byId = new Map<number, string>();
  for (const { path, categories } of files) {
    for (const [id, name] of categories) {
      const known = byId.get(id);
      if (known !== undefined && known !== name) {
        problems.push({
          source: path,
          reason: `Class ${id} is “${known}” in one file and “${name}” here; it is taken for “${known}”.`,
        });
      }
      byId.set(id, known ?? name);
    }
  }
  const ids = [...byId.keys()].sort((a, b) => a - b);
  const names = uniqueNames(
    ids.map((id) => byId.get(id) ?? ''),
    (reason) => problems.push({ source: files[0]?.path ?? '', reason }),
  );
  const places = new Map(ids.map((id, place) => [id, place]));
  const skeletons = new Map(files.flatMap((file) => [...file.skeletons]));
  return {
    categories: ids.map((id, place) => {
      const skeleton = skeletons.get(id);
      return { name: names[place] ?? '', sourceId: id, ...(skeleton && { skeleton }) };
    }),
    placeOf: (id) => places.get(id),
  };
}

function planImages(
  file: CocoFile,
  index: ImageIndex,
  taken: Set<string>,
  placeOf: (id: number) => number | undefined,
  problems: Failure[],
): PlannedImage[] {
  const { path } = file;
  const fileSplit = splitOfFile(path);
  const known = new Set<number>();
  const images = file.images.flatMap(({ id, fileName, line }): PlannedImage[] => {
    known.add(id);
    const entry = index.find(fileName, path);
    if (entry === null) {
      problems.push({
        source: path,
        line,
        reason: `The image “${fileName}” is not in the folder that was chosen; it is left out.`,
      });
      return [];
    }
    if (taken.has(entry.path)) {
      problems.push({
        source: path,
        line,
        reason: `The image “${entry.path}” is there a second time; it is left out.`,
      });
      return [];
    }
    taken.add(entry.path);
    const labels = (size: ImageSize): ParsedLabels => placeLabels(file.labels.of(id), placeOf, size);
    return [{ entry, split: fileSplit ?? splitOfPath(entry.path) ?? 'train', labelFile: path, labels }];
  });
  for (const id of file.labels.imageIds()) {
    if (!known.has(id))
      problems.push({
        source: path,
        reason: `${file.labels.of(id).length} annotations belong to an image ${id} that is not listed.`,
      });
  }
  return images;
}

/** “instances_val2017.json” speaks of a split, and so does a folder that it is in. */
function splitOfFile(path: string): Split | null {
  const words = baseName(path)
    .replace(/\.json$/i, '')
    .split(/[^a-z0-9]+/i);
  return words.map(splitOfName).find(Boolean) ?? splitOfPath(path);
}

function placeLabels(
  found: readonly FoundLabel[],
  placeOf: (id: number) => number | undefined,
  { widthPx, heightPx }: ImageSize,
): ParsedLabels {
  const parsed: ParsedLabels = { labels: [], problems: [] };
  for (const { line, categoryId, shape, flags, attributes } of found) {
    const category = placeOf(categoryId);
    if (category === undefined) {
      parsed.problems.push({ line, reason: `There is no category ${categoryId}.` });
    } else if (shape.kind === 'mask' && (shape.rle.widthPx !== widthPx || shape.rle.heightPx !== heightPx)) {
      const size = `${shape.rle.widthPx} × ${shape.rle.heightPx}`;
      parsed.problems.push({
        line,
        reason: `A mask is ${size} px, the image ${widthPx} × ${heightPx} px; it is left out.`,
      });
    } else {
      parsed.labels.push({ category, shape, flags, attributes } satisfies ParsedLabel);
    }
  }
  return parsed;
}
