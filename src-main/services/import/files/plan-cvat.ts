/** Plans CVAT for images: XML files that each speak of many images, read as streams, and the images that they name. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { toErrorData } from '../../../contract/errors.ts';
import {
  isCvatElement,
  readCvatImage,
  readCvatLabel,
  typedAttributes,
  type CvatImage,
  type CvatLabel,
} from '../../../formats/cvat.ts';
import { ImageIndex, isImageName, splitOfName, splitOfPath } from '../../../formats/image-files.ts';
import type { ImageSize, ParsedLabels } from '../../../formats/labels.ts';
import type { Failure, SourceEntry } from '../../../formats/source-entry.ts';
import { readXmlElements } from '../../../formats/xml-tree.ts';
import type { FileHeads } from '../read-head.ts';
import type { ImportSource } from '../source.ts';
import { NameList, type FilePlan, type PlannedImage, type TellStep } from './plan.ts';

const HEAD_BYTES = 64 * 1024;

interface Classes {
  labels: Map<string, CvatLabel>;
  placeOf: (name: string) => number;
}

/** Null where no XML file looks like CVAT's. */
export async function planCvat(
  source: ImportSource,
  _labelSource: string | null,
  _tell: TellStep,
  heads: FileHeads,
): Promise<FilePlan | null> {
  const { folder, entries, chosen } = source;
  if (folder === null) return null;
  const isChosen = chosen?.toLowerCase().endsWith('.xml') ?? false;
  const xmls = entries.filter(({ path }) => (isChosen ? path === chosen : path.toLowerCase().endsWith('.xml')));
  const problems: Failure[] = [];
  const labels = new Map<string, CvatLabel>();
  const names = new NameList();
  const found: { path: string; image: CvatImage }[] = [];
  let isCvat = false;
  for (const { path } of await cvatFiles(heads, xmls)) {
    isCvat = true;
    await readFile(folder, path, (image, label) => {
      if (label !== null) {
        names.placeOf(label.name);
        labels.set(label.name, {
          name: label.name,
          inputs: new Map([...(labels.get(label.name)?.inputs ?? []), ...label.inputs]),
        });
      }
      if (image !== null) found.push({ path, image });
    }).catch((error: unknown) => problems.push({ source: path, reason: toErrorData(error).message }));
  }
  if (!isCvat) return null;
  // The file's list of classes gives the order; classes that it lacks come after, as they are met.
  for (const { image } of found) for (const { name } of image.objects) names.placeOf(name);
  const classes: Classes = { labels, placeOf: (name) => names.placeOf(name) };
  const categories = names.names.map((name) => ({ name, sourceId: null }));
  return { format: 'cvat', categories, problems, images: planImages(entries, found, classes, problems) };
}

/** A folder of one XML file an image is no CVAT; its largest files show that. */
async function cvatFiles(heads: FileHeads, xmls: readonly SourceEntry[]): Promise<SourceEntry[]> {
  const found: SourceEntry[] = [];
  for (const entry of xmls.toSorted((a, b) => b.sizeBytes - a.sizeBytes).slice(0, 40)) {
    if (/<annotations[\s>]/.test(await heads.text(entry.path, HEAD_BYTES))) found.push(entry);
  }
  return found.toSorted((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

async function readFile(
  folder: string,
  path: string,
  take: (image: CvatImage | null, label: CvatLabel | null) => void,
): Promise<void> {
  const chunks = createReadStream(join(folder, path), { highWaterMark: 1 << 20 });
  await readXmlElements(path, chunks, isCvatElement, (element) => {
    if (element.name === 'label') take(null, readCvatLabel(element));
    else take(readCvatImage(element), null);
  });
}

function planImages(
  entries: readonly SourceEntry[],
  found: readonly { path: string; image: CvatImage }[],
  classes: Classes,
  problems: Failure[],
): PlannedImage[] {
  const pictures = entries.filter(({ path }) => isImageName(path));
  const index = new ImageIndex(pictures);
  const taken = new Set<string>();
  const planned = found.flatMap(({ path, image }): PlannedImage[] => {
    const { fileName, subset, line } = image;
    problems.push(...image.problems.map((problem) => ({ source: path, ...problem })));
    const entry = index.find(fileName, `${path}/${subset ?? ''}`);
    if (entry === null || taken.has(entry.path)) {
      const what = entry === null ? 'is not in the folder that was chosen' : 'is there a second time';
      problems.push({ source: path, line, reason: `The image “${fileName}” ${what}; it is left out.` });
      return [];
    }
    taken.add(entry.path);
    const split = (subset === null ? null : splitOfName(subset)) ?? splitOfPath(entry.path) ?? 'train';
    return [{ entry, split, labelFile: path, labels: (size) => placeLabels(image, classes, size) }];
  });
  const unlabelled = pictures
    .filter(({ path }) => !taken.has(path))
    .map((entry): PlannedImage => {
      return { entry, split: splitOfPath(entry.path) ?? 'train', labelFile: entry.path, labels: null };
    });
  return [...planned, ...unlabelled];
}

function placeLabels(image: CvatImage, { labels, placeOf }: Classes, size: ImageSize): ParsedLabels {
  const placed: ParsedLabels = { labels: [], problems: [] };
  const said = image.size;
  if (said !== null && (said.widthPx !== size.widthPx || said.heightPx !== size.heightPx)) {
    const isTurned = said.widthPx === size.heightPx && said.heightPx === size.widthPx;
    const why = isTurned ? ' Its labels may have been drawn without the EXIF orientation.' : '';
    const sizes = `${said.widthPx} × ${said.heightPx} px, the image is ${size.widthPx} × ${size.heightPx} px`;
    placed.problems.push({ line: image.line, reason: `The file says ${sizes}.${why}` });
  }
  for (const { line, name, place, flags, attributes } of image.objects) {
    const shape = place(size);
    if (typeof shape === 'string') placed.problems.push({ line, reason: `“${name}”: ${shape}` });
    else {
      placed.labels.push({
        category: placeOf(name),
        shape,
        flags,
        attributes: typedAttributes(attributes, labels.get(name)),
      });
    }
  }
  return placed;
}
