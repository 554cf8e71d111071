/**
 * Pascal VOC: one XML file an image with its objects' boxes. Knows no files. NOTE (differs from many readers): VOC counts
 * pixels from 1 and its xmax and ymax are inclusive, so x1 = xmin − 1 and x2 = xmax. Many tools write the format counting
 * from 0 instead; where a data set holds a 0, its boxes are taken as they stand. Source: the VOC2012 development kit.
 */
import { clipBbox } from '../contract/geometry/box.ts';
import { shapeBounds, type AnnotationFlag, type Attributes, type Shape } from '../contract/model/annotation.ts';
import { isPlausible, type ImageSize, type LabelProblem, type ParsedLabels } from './labels.ts';
import { childOf, parseXml, textOf, xmlText, type XmlElement } from './xml-tree.ts';

export interface VocObject {
  line: number;
  name: string;
  /** xmin, ymin, xmax, ymax as they stand. */
  corners: [number, number, number, number];
  flags: AnnotationFlag[];
  attributes: Attributes;
}

export interface VocFile {
  fileName: string | null;
  /** What the file says of the image, which may be wrong. */
  size: ImageSize | null;
  objects: VocObject[];
  problems: LabelProblem[];
}

/** Null where the XML is something else. Throws FoveaError `bad-input` with the line where it is no XML. */
export function parseVoc(file: string, text: string): VocFile | null {
  const root = parseXml(file, text);
  if (root.name !== 'annotation') return null;
  const parsed: VocFile = { fileName: textOf(root, 'filename'), size: readSize(root), objects: [], problems: [] };
  for (const element of root.children.filter(({ name }) => name === 'object')) {
    const object = readObject(element);
    if (typeof object === 'string') parsed.problems.push({ line: element.line, reason: object });
    else parsed.objects.push(object);
  }
  return parsed;
}

function readSize(root: XmlElement): ImageSize | null {
  const size = childOf(root, 'size');
  const widthPx = Number(size && textOf(size, 'width'));
  const heightPx = Number(size && textOf(size, 'height'));
  return widthPx > 0 && heightPx > 0 ? { widthPx, heightPx } : null;
}

function readObject(element: XmlElement): VocObject | string {
  const name = textOf(element, 'name');
  const box = childOf(element, 'bndbox');
  if (name === null) return 'An object has no name.';
  if (!box) return `The object “${name}” has no bndbox.`;
  const [xmin = NaN, ymin = NaN, xmax = NaN, ymax = NaN] = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) =>
    Number(textOf(box, side) ?? NaN),
  );
  if (!isPlausible(xmin, ymin, xmax, ymax)) return `The box of “${name}” is not four plausible numbers.`;
  // Counted from 1, a box of less than a pixel ends before it begins.
  if (xmax <= xmin - 1 || ymax <= ymin - 1) return `The box of “${name}” is turned inside out.`;
  const flags = (['occluded', 'truncated', 'difficult'] as const).filter((flag) => textOf(element, flag) === '1');
  const pose = textOf(element, 'pose');
  const attributes: Attributes = pose === null || pose.toLowerCase() === 'unspecified' ? {} : { pose };
  return { line: element.line, name, corners: [xmin, ymin, xmax, ymax], flags, attributes };
}

/** Whether a box can only have been counted from 0. */
export function countsFromZero({ objects }: VocFile): boolean {
  return objects.some(({ corners }) => corners[0] < 1 || corners[1] < 1);
}

/** `origin`: what the data set's boxes count from. `placeOf` knows every name. */
export function placeVocObjects(
  objects: readonly VocObject[],
  placeOf: (name: string) => number,
  origin: 0 | 1,
): ParsedLabels {
  const parsed: ParsedLabels = { labels: [], problems: [] };
  for (const { line, name, corners, flags, attributes } of objects) {
    const [xmin, ymin, xmax, ymax] = corners;
    const [x1, y1] = [xmin - origin, ymin - origin];
    if (!(xmax > x1 && ymax > y1)) parsed.problems.push({ line, reason: `The box of “${name}” has no area.` });
    else {
      const shape = { kind: 'bbox' as const, bboxXyxy: [x1, y1, xmax, ymax] as [number, number, number, number] };
      parsed.labels.push({ category: placeOf(name), shape, flags, attributes });
    }
  }
  return parsed;
}

export interface VocExportImage extends ImageSize {
  fileName: string;
  channels: number;
  labels: readonly { name: string; shape: Shape; flags: readonly AnnotationFlag[]; attributes: Attributes }[];
}

/** The XML of one image, counted from 1. Shapes become the part of their box that lies in the image. */
export function serialiseVoc({ fileName, widthPx, heightPx, channels, labels }: VocExportImage): string {
  const objects = labels.flatMap(({ name, shape, flags, attributes }) => {
    const bounds = shape.kind === 'classification' ? null : shapeBounds(shape);
    const [x1, y1, x2, y2] = bounds === null ? [0, 0, 0, 0] : clipBbox(bounds, { widthPx, heightPx });
    if (!(x2 > x1 && y2 > y1)) return [];
    const flag = (which: AnnotationFlag): number => (flags.includes(which) ? 1 : 0);
    return [
      '  <object>',
      `    <name>${xmlText(name)}</name>`,
      `    <pose>${xmlText(String(attributes['pose'] ?? 'Unspecified'))}</pose>`,
      `    <truncated>${flag('truncated')}</truncated>`,
      `    <occluded>${flag('occluded')}</occluded>`,
      `    <difficult>${flag('difficult')}</difficult>`,
      `    <bndbox><xmin>${x1 + 1}</xmin><ymin>${y1 + 1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox>`,
      '  </object>',
    ];
  });
  return [
    '<annotation>',
    `  <filename>${xmlText(fileName)}</filename>`,
    `  <size><width>${widthPx}</width><height>${heightPx}</height><depth>${channels}</depth></size>`,
    '  <segmented>0</segmented>',
    ...objects,
    '</annotation>',
    '',
  ].join('\n');
}
