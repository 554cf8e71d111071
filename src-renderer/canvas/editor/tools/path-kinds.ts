/** What becomes of a line that was drawn: a polygon, a hole, a cut, or an area that is added or taken away. */
import { polygonArea } from '../../../../src-main/contract/geometry/polygon.ts';
import type { Shape } from '../../../../src-main/contract/model/annotation.ts';
import type { AnnotationId } from '../../../../src-main/contract/model/ids.ts';
import { combineShapes, toMask } from '../conversions.ts';
import { shapeContains } from '../hit-test.ts';
import { commitErased, commitPainted } from '../painting.ts';
import { withPointsOnEdges } from '../shared-borders.ts';
import { splitPolygon } from '../split-polygon.ts';
import { imagePoint } from '../../viewport.ts';
import type { EditOperation, Label } from '../types.ts';
import { PathTool } from './path-tool.ts';
import { editableSelection, reshaped, type ToolContext } from './tool.ts';

function areaOf(points: readonly number[]): Extract<Shape, { kind: 'polygon' }> {
  return { kind: 'polygon', parts: [{ outer: [...points], holes: [] }] };
}

function hasClass(context: ToolContext): boolean {
  if (context.settings.categoryId !== null) return true;
  context.notice('Choose a class first: the label needs one.');
  return false;
}

export function polygonTool(context: ToolContext): PathTool {
  return new PathTool(context, {
    id: 'polygon',
    least: 3,
    closes: true,
    followsBorders: true,
    endsFreehand: false,
    mayBegin: hasClass,
    complete(_, points, followed) {
      const label = context.newLabel(areaOf(points));
      if (label === null) return;
      const operations: EditOperation[] = [{ kind: 'add', after: label }, ...joined(context, points, followed)];
      if (context.commit('draw polygon', operations)) {
        context.select([label.annotationId]);
      }
    },
  });
}

/** Neighbours get the points that lie on their edges, so that both have the border in common from now on. */
function joined(
  { document }: ToolContext,
  points: readonly number[],
  followed: ReadonlySet<AnnotationId>,
): EditOperation[] {
  return [...followed].flatMap((annotationId) => {
    const neighbour = document.get(annotationId);
    if (neighbour?.shape.kind !== 'polygon') return [];
    const shape = withPointsOnEdges(neighbour.shape, points);
    return shape === null ? [] : [reshaped(neighbour, shape)];
  });
}

export function cutHoleTool(context: ToolContext): PathTool {
  return new PathTool(context, {
    id: 'cut-hole',
    least: 3,
    closes: true,
    followsBorders: false,
    endsFreehand: true,
    complete: (_, points) => cut(context, 'cut hole', targets(context, points, isArea), points),
  });
}

export function splitTool(context: ToolContext): PathTool {
  return new PathTool(context, {
    id: 'split',
    least: 2,
    closes: false,
    followsBorders: false,
    endsFreehand: true,
    complete: (_, points) => split(context, points),
  });
}

/** A mask takes pixels, a polygon takes the outline; without either selected the area becomes a new mask. */
export function lassoTool(context: ToolContext, id: 'lasso-add' | 'lasso-subtract'): PathTool {
  const selected = (): Label | null => {
    if (context.settings.newObject && id === 'lasso-add') return null;
    const chosen = editableSelection(context).filter(isArea);
    return chosen.length === 1 ? (chosen[0] ?? null) : null;
  };
  return new PathTool(context, {
    id,
    least: 3,
    closes: true,
    followsBorders: false,
    endsFreehand: true,
    mayBegin: () => id === 'lasso-subtract' || selected() !== null || hasClass(context),
    complete(_, points) {
      if (id === 'lasso-subtract') return cut(context, 'lasso away', targets(context, points, isArea), points);
      const target = selected();
      const { image } = context.document;
      if (target?.shape.kind === 'polygon') {
        const shape = combineShapes('union', target.shape, [areaOf(points)], image);
        if (shape !== null) context.commit('lasso', [reshaped(target, shape)]);
        return;
      }
      const area = toMask(areaOf(points), image);
      if (area === null) return context.notice('The lasso holds no pixel.');
      const shape = target === null ? area : combineShapes('union', target.shape, [area], image);
      if (shape?.kind === 'mask') commitPainted(context, 'lasso', target, shape.rle);
    },
  });
}

function isArea({ shape }: Label): boolean {
  return shape.kind === 'polygon' || shape.kind === 'mask';
}

/** The selected labels; without any, the one that the line's first point is in. */
function targets(context: ToolContext, points: readonly number[], wanted: (label: Label) => boolean): Label[] {
  const chosen = editableSelection(context).filter(wanted);
  if (chosen.length > 0) return chosen;
  const { document } = context;
  const first = imagePoint(points[0] ?? 0, points[1] ?? 0);
  const under = document
    .query([first.x, first.y, first.x, first.y])
    .filter((label) => document.isEditable(label.annotationId) && wanted(label) && shapeContains(label.shape, first));
  return under.slice(-1);
}

function cut(context: ToolContext, name: string, from: readonly Label[], points: readonly number[]): void {
  if (from.length === 0) return context.notice('There is no polygon or mask to cut from. Select one.');
  const { image } = context.document;
  const [only] = from;
  if (from.length === 1 && only?.shape.kind === 'mask') {
    const rest = combineShapes('subtract', only.shape, [areaOf(points)], image);
    const counts = [image.widthPx * image.heightPx];
    return commitErased(context, name, only, rest?.kind === 'mask' ? rest.rle : { ...image, counts });
  }
  const operations = from.flatMap((label): EditOperation[] => {
    const rest = combineShapes('subtract', label.shape, [areaOf(points)], image);
    if (rest === null) return [{ kind: 'remove', before: label }];
    // A polygon that was not met comes back with the same area, but may begin at another point.
    const isSame = rest.kind === 'polygon' && label.shape.kind === 'polygon' && sameArea(rest, label.shape);
    return isSame ? [] : [reshaped(label, rest)];
  });
  if (!context.commit(name, operations)) context.notice('The line does not meet the label.');
}

type Polygon = Extract<Shape, { kind: 'polygon' }>;

function sameArea(a: Polygon, b: Polygon): boolean {
  return Math.abs(polygonArea(a.parts) - polygonArea(b.parts)) < 0.001;
}

function split(context: ToolContext, points: readonly number[]): void {
  const { document } = context;
  const isPolygon = ({ shape }: Label): boolean => shape.kind === 'polygon';
  const chosen = editableSelection(context).filter(isPolygon);
  const candidates =
    chosen.length > 0
      ? chosen
      : document.ordered.filter((label) => isPolygon(label) && document.isEditable(label.annotationId));
  const operations = candidates.flatMap((label): EditOperation[] => {
    if (label.shape.kind !== 'polygon') return [];
    const halves = splitPolygon(label.shape.parts, points);
    if (halves === null) return [];
    const [kept, cutOff] = halves;
    const other = context.newLabel({ kind: 'polygon', parts: cutOff }, label);
    if (other === null) return [];
    return [reshaped(label, { kind: 'polygon', parts: kept }), { kind: 'add', after: other }];
  });
  if (!context.commit('split', operations)) context.notice('The line does not cross a polygon from side to side.');
}
