/**
 * CVAT for images, version 1.1: one XML file with every image's labels. A mask's run lengths go row by row inside its own
 * box and begin with the background's; a skeleton is a set of keypoints, each a point of its own label. Reads one element
 * at a time and knows no files. Source: https://docs.cvat.ai/docs/manual/advanced/formats/format-cvat/
 */
import { decodeRle, encodeRle, type Rle } from '../contract/geometry/rle.ts';
import { rasterisePolygon } from '../contract/geometry/polygon.ts';
import { rleBounds } from '../contract/geometry/rle.ts';
import type { AnnotationFlag, Attributes, Shape } from '../contract/model/annotation.ts';
import { isPlausible, type ImageSize, type LabelProblem } from './labels.ts';
import { childOf, textOf, xmlText, type XmlElement } from './xml-tree.ts';

/** How CVAT means an attribute's text. */
export type CvatInput = 'checkbox' | 'number' | 'text';

export interface CvatLabel {
  name: string;
  inputs: Map<string, CvatInput>;
}

/** A label as it stands in the file: its class by name. `place` says how it lies in an image of a known size. */
export interface CvatObject {
  line: number;
  name: string;
  place: (image: ImageSize) => Shape | string;
  flags: AnnotationFlag[];
  attributes: [name: string, text: string][];
}

export interface CvatImage {
  line: number;
  fileName: string;
  /** The part of the data set that the file says, "train" for example. */
  subset: string | null;
  /** What the file says of the image, which may be wrong. */
  size: ImageSize | null;
  objects: CvatObject[];
  problems: LabelProblem[];
}

/** Which elements of the file to read: a class of the task, the job or the project, and an image. */
export function isCvatElement(path: readonly string[], name: string): boolean {
  return path[0] === 'annotations' && ((name === 'image' && path.length === 1) || isCvatLabel(path, name));
}

function isCvatLabel(path: readonly string[], name: string): boolean {
  return name === 'label' && path.at(-1) === 'labels' && path[1] === 'meta' && path.length <= 5;
}

/** Null where the element names no class, or one that is part of a skeleton. */
export function readCvatLabel(element: XmlElement): CvatLabel | null {
  const name = textOf(element, 'name');
  if (name === null || textOf(element, 'parent') !== null) return null;
  const inputs = new Map<string, CvatInput>();
  for (const attribute of childOf(element, 'attributes')?.children ?? []) {
    const [own, type] = [textOf(attribute, 'name'), textOf(attribute, 'input_type')];
    if (own !== null) inputs.set(own, type === 'checkbox' || type === 'number' ? type : 'text');
  }
  return { name, inputs };
}

export function readCvatImage(element: XmlElement): CvatImage | null {
  const { attributes, line } = element;
  const [widthPx, heightPx] = [Number(attributes['width']), Number(attributes['height'])];
  const fileName = attributes['name'];
  if (fileName === undefined || fileName === '') return null;
  const image: CvatImage = {
    line,
    fileName,
    subset: attributes['subset'] ?? null,
    size: widthPx > 0 && heightPx > 0 ? { widthPx, heightPx } : null,
    objects: [],
    problems: [],
  };
  for (const child of element.children) {
    const object = readObject(child);
    if (typeof object === 'string') image.problems.push({ line: child.line, reason: object });
    else image.objects.push(object);
  }
  return image;
}

function readObject(element: XmlElement): CvatObject | string {
  const name = element.attributes['label']?.trim();
  if (name === undefined || name === '') return `A <${element.name}> has no label.`;
  const place = readShape(element);
  if (typeof place === 'string') return `A <${element.name}> of “${name}”: ${place}`;
  const attributes = element.children
    .filter((child) => child.name === 'attribute' && child.attributes['name'] !== undefined)
    .map((child): [string, string] => [child.attributes['name'] ?? '', child.text]);
  const flags: AnnotationFlag[] = element.attributes['occluded'] === '1' ? ['occluded'] : [];
  return { line: element.line, name, place: typeof place === 'function' ? place : () => place, flags, attributes };
}

type Placed = Shape | ((image: ImageSize) => Shape | string);

function readShape(element: XmlElement): Placed | string {
  switch (element.name) {
    case 'tag':
      return { kind: 'classification' };
    case 'box':
      return readBox(element);
    case 'polygon': {
      const outer = readPoints(element.attributes['points']);
      if (outer === null || outer.length < 6) return 'it has fewer than three points.';
      return { kind: 'polygon', parts: [{ outer, holes: [] }] };
    }
    case 'mask':
      return readMask(element);
    case 'points': {
      const points = readPoints(element.attributes['points']);
      if (points === null) return 'its points cannot be read.';
      return keypointsOf(points.filter((_, at) => at % 2 === 0).map((x, at) => [x, points[2 * at + 1] ?? 0, 2]));
    }
    case 'skeleton':
      return readSkeleton(element);
    default:
      return `a ${element.name} covers no area that could be read; it is left out.`;
  }
}

function numbersOf(element: XmlElement, ...names: readonly string[]): number[] | null {
  const values = names.map((name) => Number(element.attributes[name] ?? NaN));
  return isPlausible(...values) ? values : null;
}

function readBox(element: XmlElement): Shape | string {
  const [x1, y1, x2, y2] = numbersOf(element, 'xtl', 'ytl', 'xbr', 'ybr') ?? [];
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined) {
    return 'it is not four plausible numbers.';
  }
  if (!(x2 > x1 && y2 > y1)) return 'it has no area.';
  const angleDegrees = Number(element.attributes['rotation'] ?? 0);
  if (!Number.isFinite(angleDegrees)) return 'its rotation is no number.';
  if (angleDegrees === 0) return { kind: 'bbox', bboxXyxy: [x1, y1, x2, y2] };
  const [widthPx, heightPx] = [x2 - x1, y2 - y1];
  return { kind: 'rotated-box', cx: (x1 + x2) / 2, cy: (y1 + y2) / 2, widthPx, heightPx, angleDegrees };
}

/** "x,y;x,y" as a flat list. */
function readPoints(text: string | undefined): number[] | null {
  const values = (text ?? '').split(';').flatMap((pair) => {
    const [x, y, ...more] = pair.split(',').map(Number);
    return x === undefined || y === undefined || more.length > 0 ? [NaN] : [x, y];
  });
  return isPlausible(...values) ? values : null;
}

function readMask(element: XmlElement): Placed | string {
  const [left, top, width, height] = numbersOf(element, 'left', 'top', 'width', 'height') ?? [];
  const counts = (element.attributes['rle'] ?? '').split(',').map(Number);
  const isBox = left !== undefined && top !== undefined && width !== undefined && height !== undefined;
  if (!isBox || ![left, top, width, height].every((value) => Number.isInteger(value) && value >= 0)) {
    return 'its place is not four whole numbers.';
  }
  if (!counts.every((count) => Number.isInteger(count) && count >= 0)) return 'its run lengths cannot be read.';
  if (counts.reduce((sum, count) => sum + count, 0) !== width * height) {
    return `its run lengths do not cover ${width} × ${height} pixels.`;
  }
  return ({ widthPx, heightPx }) => {
    if (left + width > widthPx || top + height > heightPx) return 'a mask reaches out of its image; it is left out.';
    const pixels = new Uint8Array(widthPx * heightPx);
    let at = 0;
    counts.forEach((count, index) => {
      for (let pixel = at; index % 2 === 1 && pixel < at + count; pixel++) {
        pixels[(top + Math.floor(pixel / width)) * widthPx + left + (pixel % width)] = 1;
      }
      at += count;
    });
    const rle = encodeRle(pixels, { widthPx, heightPx });
    return { kind: 'mask', rle: { widthPx, heightPx, counts: [...rle.counts] } };
  };
}

function readSkeleton(element: XmlElement): Shape | string {
  const points = element.children
    .filter(({ name }) => name === 'points')
    .toSorted((a, b) =>
      (a.attributes['label'] ?? '').localeCompare(b.attributes['label'] ?? '', 'en', { numeric: true }),
    )
    .map(({ attributes }): [number, number, 0 | 1 | 2] => {
      const [x = NaN, y = NaN] = readPoints(attributes['points']) ?? [];
      return [x, y, attributes['outside'] === '1' ? 0 : attributes['occluded'] === '1' ? 1 : 2];
    });
  return keypointsOf(points);
}

function keypointsOf(points: readonly (readonly [number, number, 0 | 1 | 2])[]): Shape | string {
  if (points.length === 0 || !isPlausible(...points.flatMap(([x, y]) => [x, y]))) return 'its points cannot be read.';
  return { kind: 'keypoints', points: points.map(([x, y, visibility]) => ({ x, y, visibility })), bboxXyxy: null };
}

/** The texts as what the class says they are. */
export function typedAttributes(
  texts: readonly (readonly [string, string])[],
  label: CvatLabel | undefined,
): Attributes {
  return Object.fromEntries(
    texts.map(([name, text]) => {
      const input = label?.inputs.get(name);
      if (input === 'checkbox') return [name, text === 'true'];
      const number = Number(text);
      return [name, input === 'number' && text.trim() !== '' && Number.isFinite(number) ? number : text];
    }),
  );
}

export interface CvatExportLabel {
  name: string;
  shape: Shape;
  flags: readonly AnnotationFlag[];
  attributes: Attributes;
}

/** What the labels of a class hold, so that what reads them knows their attributes' types. */
export function cvatMeta(labels: readonly CvatLabel[]): string {
  const lines = labels.flatMap(({ name, inputs }) => [
    '        <label>',
    `          <name>${xmlText(name)}</name>`,
    '          <attributes>',
    ...[...inputs].map(
      ([attribute, type]) =>
        `            <attribute><name>${xmlText(attribute)}</name><mutable>False</mutable><input_type>${type}</input_type><default_value></default_value><values></values></attribute>`,
    ),
    '          </attributes>',
    '        </label>',
  ]);
  return [
    '  <version>1.1</version>',
    '  <meta>',
    '    <task>',
    '      <labels>',
    ...lines,
    '      </labels>',
    '    </task>',
    '  </meta>',
    '',
  ].join('\n');
}

export function cvatImage(
  labels: readonly CvatExportLabel[],
  { id, fileName, subset, widthPx, heightPx }: { id: number; fileName: string; subset: string } & ImageSize,
): string {
  const facts = { id, name: fileName, subset, width: widthPx, height: heightPx };
  const lines = labels.flatMap((label) => {
    const shape = shapeLines(label.shape, { widthPx, heightPx });
    if (shape === null) return [];
    const own = { label: label.name, source: 'manual', occluded: label.flags.includes('occluded') ? 1 : 0 };
    const attributes = Object.entries(label.attributes).map(
      ([name, value]) => `      <attribute name="${xmlText(name)}">${xmlText(String(value))}</attribute>`,
    );
    const { element, values, children } = shape;
    return [`    <${element}${listed({ ...own, ...values })}>`, ...children, ...attributes, `    </${element}>`];
  });
  return [`  <image${listed(facts)}>`, ...lines, '  </image>', ''].join('\n');
}

function listed(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${xmlText(String(value))}"`)
    .join('');
}

interface ShapeLines {
  element: string;
  values: Record<string, string | number>;
  children: string[];
}

function shapeLines(shape: Shape, image: ImageSize): ShapeLines | null {
  const line = (element: string, values: ShapeLines['values'], children: string[] = []): ShapeLines => ({
    ...{ element, values, children },
  });
  switch (shape.kind) {
    case 'classification':
      return line('tag', {});
    case 'bbox': {
      const [xtl, ytl, xbr, ybr] = shape.bboxXyxy;
      return line('box', { xtl, ytl, xbr, ybr });
    }
    case 'rotated-box': {
      const { cx, cy, widthPx, heightPx, angleDegrees } = shape;
      const [right, down] = [widthPx / 2, heightPx / 2];
      const corners = { xtl: cx - right, ytl: cy - down, xbr: cx + right, ybr: cy + down };
      return line('box', { ...corners, rotation: ((angleDegrees % 360) + 360) % 360 });
    }
    case 'polygon': {
      const [first, ...others] = shape.parts;
      if (first === undefined) return null;
      if (others.length > 0 || first.holes.length > 0) return maskLines(rasterisePolygon(shape.parts, image));
      return line('polygon', { points: pointText(first.outer) });
    }
    case 'mask':
      return maskLines(shape.rle);
    case 'keypoints': {
      const points = shape.points.map(({ x, y, visibility }, index) => {
        const values = { label: index + 1, outside: visibility === 0 ? 1 : 0, occluded: visibility === 1 ? 1 : 0 };
        return `      <points${listed({ ...values, points: `${x},${y}` })}></points>`;
      });
      return line('skeleton', {}, points);
    }
  }
}

function pointText(ring: readonly number[]): string {
  return Array.from({ length: ring.length / 2 }, (_, at) => `${ring[2 * at]},${ring[2 * at + 1]}`).join(';');
}

/** Null for a mask without a pixel. */
function maskLines(rle: Rle): ShapeLines | null {
  const bounds = rleBounds(rle);
  if (bounds === null) return null;
  const [left, top, right, bottom] = bounds;
  const pixels = decodeRle(rle);
  const counts: number[] = [];
  let [value, length] = [0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const own = pixels[y * rle.widthPx + x] ?? 0;
      if (own !== value) {
        counts.push(length);
        [value, length] = [own, 0];
      }
      length++;
    }
  }
  counts.push(length);
  const values = { rle: counts.join(', '), left, top, width: right - left, height: bottom - top };
  return { element: 'mask', values, children: [] };
}
