/**
 * COCO JSON: images, annotations and categories joined by id. Boxes are [x, y, width, height]; outlines are lists of
 * flat rings (parts, united; COCO knows no holes), or run lengths, compressed or not. Ids may have gaps. Reads one
 * element at a time and knows no files. Source: https://cocodataset.org/#format-data
 */
import { xywhToXyxy, xyxyToXywh } from '../contract/geometry/box.ts';
import { bboxArea } from '../contract/geometry/box.ts';
import { polygonArea, rasterisePolygon } from '../contract/geometry/polygon.ts';
import { compressRle, decompressRle, rleArea, rleProblem, type Rle } from '../contract/geometry/rle.ts';
import { shapeBounds, type AnnotationFlag, type Attributes, type Shape } from '../contract/model/annotation.ts';
import { isPlausible, type ImageSize } from './labels.ts';
import { parseSkeleton, type ParsedSkeleton } from './skeleton.ts';

export interface CocoImage {
  id: number;
  fileName: string;
}

export interface CocoCategory {
  id: number;
  name: string;
  skeleton: ParsedSkeleton | null;
}

/** A label as it stands in the file; `categoryId` is the file's. */
export interface CocoLabel {
  imageId: number;
  categoryId: number;
  shape: Shape;
  flags: AnnotationFlag[];
  attributes: Attributes;
  /** What was left out of the label, if anything. */
  note: string | null;
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

/** A reason where the element is none. */
export function parseCocoImage(value: unknown): CocoImage | string {
  if (!isFields(value) || !isId(value['id'])) return 'An image has no id.';
  const { id, file_name: fileName } = value;
  return typeof fileName === 'string' && fileName !== ''
    ? { id: id as number, fileName }
    : `Image ${String(id)} has no file_name.`;
}

export function parseCocoCategory(value: unknown): CocoCategory | string {
  if (!isFields(value) || !isId(value['id'])) return 'A category has no id.';
  const { id, name, keypoints, skeleton } = value;
  const points = Array.isArray(keypoints) ? (keypoints as unknown[]) : [];
  // COCO counts them from 1.
  const edges = (Array.isArray(skeleton) ? (skeleton as unknown[]) : []).map((edge) =>
    Array.isArray(edge) ? edge.map((place: unknown) => Number(place) - 1) : edge,
  );
  return {
    id: id as number,
    name: typeof name === 'string' ? name : '',
    skeleton: points.length === 0 ? null : parseSkeleton(points, edges),
  };
}

export interface CocoCategoryRow {
  id: number;
  name: string;
  supercategory: string;
  /** Names of an object's points, and pairs of them, counted from 1. */
  keypoints?: string[];
  skeleton?: [number, number][];
}

/** As it stands in the file. */
export function cocoCategory(id: number, name: string, skeleton: ParsedSkeleton | null): CocoCategoryRow {
  const row = { id, name, supercategory: '' };
  if (skeleton === null) return row;
  return {
    ...row,
    keypoints: [...skeleton.points],
    skeleton: skeleton.edges.map(([a, b]): [number, number] => [a + 1, b + 1]),
  };
}

/** Whether an annotation speaks of the segments of a whole image, whose mask is in a file of its own. */
export function isPanoptic(value: unknown): boolean {
  return isFields(value) && Array.isArray(value['segments_info']);
}

export function parseCocoLabel(value: unknown): CocoLabel | string {
  if (!isFields(value)) return 'An annotation is no object.';
  const { image_id: imageId, category_id: categoryId } = value;
  const which = `Annotation ${isId(value['id']) ? value['id'] : 'without an id'}`;
  if (!isId(imageId) || !isId(categoryId)) return `${which} has no image_id or no category_id.`;
  const read = readShape(value);
  if (typeof read === 'string') return `${which}: ${read}`;
  const flags: AnnotationFlag[] = value['iscrowd'] === 1 || value['iscrowd'] === true ? ['crowd'] : [];
  return { imageId, categoryId, ...read, flags, attributes: readAttributes(value['attributes']) };
}

function readShape(value: Fields): { shape: Shape; note: string | null } | string {
  const bbox = readBbox(value['bbox']);
  if (typeof bbox === 'string') return bbox;
  const segmentation = readSegmentation(value['segmentation']);
  if (typeof segmentation === 'string') return segmentation;
  const points = readKeypoints(value['keypoints'], value['num_keypoints']);
  if (typeof points === 'string') return points;
  if (points !== null) {
    const note = segmentation === null ? null : 'It has keypoints and an outline; the keypoints and the box are kept.';
    return { shape: { kind: 'keypoints', points, bboxXyxy: bbox === null ? null : [...xywhToXyxy(bbox)] }, note };
  }
  if (segmentation !== null) return segmentation;
  if (bbox === null) return 'it has neither a box nor an outline.';
  if (!(bbox[2] > 0 && bbox[3] > 0)) return 'its box has no area.';
  return { shape: { kind: 'bbox', bboxXyxy: [...xywhToXyxy(bbox)] }, note: null };
}

function numbers(value: unknown): number[] | null {
  return Array.isArray(value) && value.every((item) => typeof item === 'number') ? (value as number[]) : null;
}

function readBbox(value: unknown): [number, number, number, number] | string | null {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return null;
  const given = numbers(value);
  if (given?.length !== 4 || !isPlausible(...given)) return 'its bbox is not four plausible numbers.';
  return given as [number, number, number, number];
}

function readSegmentation(value: unknown): { shape: Shape; note: string | null } | string | null {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return null;
  if (isFields(value)) return readMask(value);
  if (!Array.isArray(value)) return 'its segmentation is neither a list of rings nor run lengths.';
  const rings = value.map(numbers);
  const whole = rings.filter(
    (ring): ring is number[] => ring !== null && ring.length >= 6 && ring.length % 2 === 0 && isPlausible(...ring),
  );
  if (whole.length === 0) return 'its outline has no ring of three plausible points.';
  const lost = rings.length - whole.length;
  return {
    shape: { kind: 'polygon', parts: whole.map((outer) => ({ outer, holes: [] })) },
    note: lost === 0 ? null : `${lost} of the ${rings.length} parts of its outline are no rings; they are left out.`,
  };
}

function readMask({ counts, size }: Fields): { shape: Shape; note: null } | string {
  const [heightPx = 0, widthPx = 0] = numbers(size) ?? [];
  const isSize = Number.isInteger(widthPx) && Number.isInteger(heightPx) && widthPx > 0 && heightPx > 0;
  if (!isSize || widthPx * heightPx > 4e9) return 'its mask has no plausible size.';
  const runs = typeof counts === 'string' ? decompressRle(counts) : numbers(counts);
  if (runs === null) return 'its run lengths cannot be read.';
  const rle: Rle = { widthPx, heightPx, counts: runs };
  const problem = rleProblem(rle);
  return problem === null
    ? { shape: { kind: 'mask', rle: { widthPx, heightPx, counts: runs } }, note: null }
    : `its mask is damaged: ${problem}.`;
}

type Keypoints = Extract<Shape, { kind: 'keypoints' }>['points'];

function readKeypoints(value: unknown, labelled: unknown): Keypoints | string | null {
  const given = numbers(value);
  if (given === null || given.length === 0 || labelled === 0) return null;
  if (given.length % 3 !== 0 || !isPlausible(...given)) return 'its keypoints are not triples of plausible numbers.';
  const points: Keypoints = [];
  for (let at = 0; at < given.length; at += 3) {
    const visibility = given[at + 2];
    if (visibility !== 0 && visibility !== 1 && visibility !== 2) return `a keypoint has the visibility ${visibility}.`;
    points.push({ x: given[at] ?? 0, y: given[at + 1] ?? 0, visibility });
  }
  return points.some(({ visibility }) => visibility > 0) ? points : null;
}

function readAttributes(value: unknown): Attributes {
  if (!isFields(value)) return {};
  const simple = Object.entries(value).filter(
    (entry): entry is [string, string | number | boolean] =>
      typeof entry[1] === 'string' || typeof entry[1] === 'boolean' || Number.isFinite(entry[1]),
  );
  return Object.fromEntries(simple);
}

export interface CocoExportLabel {
  shape: Shape;
  flags: readonly AnnotationFlag[];
  attributes: Attributes;
}

/** The fields of one annotation; null for what COCO has no place for. `ids` are the file's. */
export function cocoAnnotation(
  { shape, flags, attributes }: CocoExportLabel,
  ids: { id: number; imageId: number; categoryId: number },
  image: ImageSize,
): Record<string, unknown> | null {
  const bounds = shapeBounds(shape);
  if (bounds === null) return null;
  return {
    id: ids.id,
    image_id: ids.imageId,
    category_id: ids.categoryId,
    bbox: xyxyToXywh(bounds),
    iscrowd: flags.includes('crowd') ? 1 : 0,
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
    ...outline(shape, image, bboxArea(bounds)),
  };
}

function outline(shape: Shape, image: ImageSize, boxArea: number): Record<string, unknown> {
  switch (shape.kind) {
    case 'polygon': {
      // COCO's rings cannot be holes, so a polygon with holes goes as a mask.
      if (shape.parts.some(({ holes }) => holes.length > 0)) return maskFields(rasterisePolygon(shape.parts, image));
      return { segmentation: shape.parts.map(({ outer }) => outer), area: polygonArea(shape.parts) };
    }
    case 'mask':
      return maskFields(shape.rle);
    case 'keypoints':
      return {
        keypoints: shape.points.flatMap(({ x, y, visibility }) => [x, y, visibility]),
        num_keypoints: shape.points.filter(({ visibility }) => visibility > 0).length,
        area: boxArea,
      };
    case 'bbox':
    case 'rotated-box':
    case 'classification':
      return { segmentation: [], area: boxArea };
  }
}

function maskFields(rle: Rle): Record<string, unknown> {
  return { segmentation: { size: [rle.heightPx, rle.widthPx], counts: compressRle(rle.counts) }, area: rleArea(rle) };
}
