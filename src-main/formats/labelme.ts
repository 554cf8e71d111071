/**
 * labelme: one JSON file an image with its shapes in pixels. Polygons, rectangles and masks are read (a circle as a
 * polygon); lines and points have no area and are reported. Shapes with one group_id are parts of one object. A mask is a
 * PNG in base64 whose first point says where its top left pixel lies; decoding it is the caller's. Knows no files.
 * Source: https://github.com/wkentaro/labelme (the files it writes).
 */
import * as v from 'valibot';
import { FoveaError } from '../contract/errors.ts';
import type { BboxXyxy } from '../contract/geometry/box.ts';
import { rotatedBoxCorners, shapeBounds, type Attributes, type Shape } from '../contract/model/annotation.ts';
import { isPlausible, type ImageSize, type LabelProblem } from './labels.ts';

export interface LabelmeObject {
  name: string;
  shape: Shape | LabelmeMask;
  attributes: Attributes;
}

/** Pixels that are not 0 are the object's; x and y: where the PNG's top left pixel lies in the image. */
export interface LabelmeMask {
  kind: 'png';
  base64: string;
  x: number;
  y: number;
}

export interface LabelmeFile {
  /** As it stands in the file; may lead anywhere. */
  imagePath: string | null;
  objects: LabelmeObject[];
  problems: LabelProblem[];
}

const fileSchema = v.object({ shapes: v.array(v.unknown()), imagePath: v.nullish(v.string()) });
const shapeSchema = v.object({
  label: v.string(),
  points: v.array(v.tuple([v.number(), v.number()])),
  shape_type: v.nullish(v.string(), 'polygon'),
  group_id: v.nullish(v.union([v.number(), v.string()])),
  flags: v.nullish(v.record(v.string(), v.unknown())),
  mask: v.nullish(v.string()),
});
type LabelmeShape = v.InferOutput<typeof shapeSchema>;

const CIRCLE_POINTS = 36;

/** Null where the JSON is something else. Throws FoveaError `bad-input` where it is no JSON. */
export function parseLabelme(file: string, text: string): LabelmeFile | null {
  const root = v.safeParse(fileSchema, readJson(file, text));
  if (!root.success) return null;
  const parsed: LabelmeFile = { imagePath: root.output.imagePath ?? null, objects: [], problems: [] };
  const groups = new Map<string, LabelmeObject>();
  root.output.shapes.forEach((value, index) => {
    const shape = v.safeParse(shapeSchema, value);
    const object = shape.success ? readShape(shape.output) : 'it has no label or no points.';
    if (typeof object === 'string') {
      parsed.problems.push({ reason: `Shape ${index + 1}: ${object}` });
      return;
    }
    const group = shape.success && shape.output.group_id != null ? `${shape.output.group_id}/${object.name}` : null;
    const first = group === null ? undefined : groups.get(group);
    if (first?.shape.kind === 'polygon' && object.shape.kind === 'polygon') {
      first.shape.parts.push(...object.shape.parts);
      return;
    }
    if (group !== null) groups.set(group, object);
    parsed.objects.push(object);
  });
  return parsed;
}

function readJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new FoveaError('bad-input', `${file}: this is no valid JSON (${message}).`, { file }, { cause: error });
  }
}

function readShape({ label, points, shape_type: type, flags, mask }: LabelmeShape): LabelmeObject | string {
  if (!isPlausible(...points.flat())) return 'a coordinate is not plausible.';
  const [x = 0, y = 0] = points[0] ?? [];
  const shape =
    type === 'mask' && mask ? { kind: 'png' as const, base64: mask, x, y } : shapeOf(type ?? 'polygon', points);
  if (typeof shape === 'string') return shape;
  const set = Object.entries(flags ?? {}).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean');
  return { name: label, shape, attributes: Object.fromEntries(set) };
}

function shapeOf(type: string, points: readonly (readonly [number, number])[]): Shape | string {
  const [first, second] = points;
  if (type === 'polygon') {
    if (points.length < 3) return 'a polygon has fewer than three points.';
    return { kind: 'polygon', parts: [{ outer: points.flat(), holes: [] }] };
  }
  if (type !== 'rectangle' && type !== 'circle') return `a ${type} covers no area that could be read; it is left out.`;
  if (!first || !second || points.length !== 2) return `a ${type} needs two points.`;
  if (type === 'circle') return circle(first, Math.hypot(second[0] - first[0], second[1] - first[1]));
  const [x1, x2] = [Math.min(first[0], second[0]), Math.max(first[0], second[0])];
  const [y1, y2] = [Math.min(first[1], second[1]), Math.max(first[1], second[1])];
  return x2 > x1 && y2 > y1 ? { kind: 'bbox', bboxXyxy: [x1, y1, x2, y2] } : 'the rectangle has no area.';
}

function circle([cx, cy]: readonly [number, number], radius: number): Shape | string {
  if (radius === 0) return 'the circle has no area.';
  const outer = Array.from({ length: CIRCLE_POINTS }, (_, index) => (index / CIRCLE_POINTS) * 2 * Math.PI).flatMap(
    (angle) => [cx + radius * Math.cos(angle), cy + radius * Math.sin(angle)],
  );
  return { kind: 'polygon', parts: [{ outer, holes: [] }] };
}

export interface LabelmeExportLabel {
  name: string;
  /** A mask's PNG covers its bounds and has 255 where the object is. */
  shape: Shape | { kind: 'png'; base64: string; bboxXyxy: BboxXyxy };
  attributes: Attributes;
}

/** The JSON of one image. Attributes that are true or false become flags; `imagePath` is relative to the JSON. */
export function serialiseLabelme(
  labels: readonly LabelmeExportLabel[],
  { imagePath, widthPx, heightPx }: { imagePath: string } & ImageSize,
): string {
  const shapes = labels.flatMap(({ name, shape, attributes }, index) => {
    const flags = Object.fromEntries(Object.entries(attributes).filter(([, value]) => typeof value === 'boolean'));
    const drawn = drawnShapes(shape);
    const groupId = drawn.length > 1 ? index + 1 : null;
    return drawn.map((own) => ({ label: name, group_id: groupId, description: '', flags, mask: null, ...own }));
  });
  const file = {
    version: '5.5.0',
    flags: {},
    shapes,
    imagePath,
    imageData: null,
    imageHeight: heightPx,
    imageWidth: widthPx,
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}

interface DrawnShape {
  shape_type: 'polygon' | 'rectangle' | 'mask';
  points: number[][];
  mask?: string;
}

function drawnShapes(shape: LabelmeExportLabel['shape']): DrawnShape[] {
  switch (shape.kind) {
    case 'classification':
      return [];
    case 'polygon':
      return shape.parts.map(({ outer }) => ({ shape_type: 'polygon', points: pairs(outer) }));
    case 'rotated-box':
      return [{ shape_type: 'polygon', points: pairs(rotatedBoxCorners(shape)) }];
    case 'png': {
      const [x1, y1, x2, y2] = shape.bboxXyxy;
      // The second point is the last pixel, not the one behind it.
      return [{ shape_type: 'mask', points: [[x1, y1], [x2 - 1, y2 - 1]], mask: shape.base64 }]; // prettier-ignore
    }
    case 'bbox':
    case 'keypoints':
    case 'mask': {
      const bounds = shapeBounds(shape);
      return bounds === null ? [] : [{ shape_type: 'rectangle', points: pairs(bounds) }];
    }
  }
}

function pairs(values: readonly number[]): number[][] {
  return Array.from({ length: values.length / 2 }, (_, at) => values.slice(2 * at, 2 * at + 2));
}
