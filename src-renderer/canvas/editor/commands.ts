/** What is done to the selection in one go: by a menu, a key or a panel. Each makes the operations of one gesture. */
import type { Shape } from '../../../src-main/contract/model/annotation.ts';
import { combineShapes, toBox, toMask, toPolygon } from './conversions.ts';
import type { BooleanOperation } from './polygon-booleans.ts';
import { boundsOf, boundsOfAll, boxesMeet } from './shape-bounds.ts';
import { moveInside, moveShape, turnShape } from './shape-edits.ts';
import { editableSelection, reshaped, type ToolContext } from './tools/tool.ts';
import type { EditOperation, Label } from './types.ts';

/** How far a duplicate lies from its original, image px. */
const DUPLICATE_OFFSET_PX = 10;
/** How far the outline of a simplified polygon may be off. */
const SMOOTHING_PX = 1;

interface Command {
  /** What undo calls it. */
  readonly name: string;
  /** Labels that have to be selected. */
  readonly least: number;
  /** Empty where nothing is to be done; a notice then says why. */
  readonly operations: (context: ToolContext, labels: readonly Label[]) => EditOperation[];
}

function converted(to: (shape: Shape, context: ToolContext) => Shape | null, what: string): Command['operations'] {
  return (context, labels) => {
    const operations = labels.flatMap((label) => {
      const shape = to(label.shape, context);
      return shape === null || shape === label.shape ? [] : [reshaped(label, shape)];
    });
    if (operations.length === 0) context.notice(`Nothing here can become ${what}.`);
    return operations;
  };
}

/** The label that was selected first is changed by the others; `union` takes them in. */
function combined(operation: BooleanOperation): Command['operations'] {
  return (context, labels) => {
    const firstId = [...context.selection].find((id) => labels.some(({ annotationId }) => annotationId === id));
    const first = labels.find(({ annotationId }) => annotationId === firstId);
    const others = labels.filter((label) => label !== first && isArea(label));
    if (first === undefined || !isArea(first) || others.length === 0) {
      context.notice('This needs two or more boxes, polygons or masks.');
      return [];
    }
    const shape = combineShapes(
      operation,
      first.shape,
      others.map((label) => label.shape),
      context.document.image,
    );
    if (shape === null) {
      context.notice('Nothing would be left of the label.');
      return [];
    }
    const gone = operation === 'union' ? others : [];
    return [
      reshaped(first, shape),
      ...gone.map((before): EditOperation => ({ kind: 'remove', before, replaced: true })),
    ];
  };
}

const isArea = ({ shape }: Label): boolean => shape.kind !== 'classification' && shape.kind !== 'keypoints';

export const commands = {
  delete: {
    name: 'delete',
    least: 1,
    operations: (_, labels) => labels.map((before) => ({ kind: 'remove', before })),
  },
  duplicate: {
    name: 'duplicate',
    least: 1,
    operations: (context, labels) => copies(context, labels),
  },
  front: { name: 'bring to front', least: 1, operations: (context, labels) => outermost(context, labels, 'front') },
  back: { name: 'send to back', least: 1, operations: (context, labels) => outermost(context, labels, 'back') },
  forward: { name: 'bring forward', least: 1, operations: (context, labels) => oneStep(context, labels, 1) },
  backward: { name: 'send backward', least: 1, operations: (context, labels) => oneStep(context, labels, -1) },
  'to-mask': {
    name: 'convert to mask',
    least: 1,
    operations: converted((shape, { document }) => toMask(shape, document.image), 'a mask'),
  },
  'to-polygon': {
    name: 'convert to polygon',
    least: 1,
    operations: converted((shape) => toPolygon(shape), 'a polygon'),
  },
  'to-smooth-polygon': {
    name: 'convert to smooth polygon',
    least: 1,
    operations: converted((shape) => toPolygon(shape, SMOOTHING_PX), 'a polygon'),
  },
  'to-box': { name: 'convert to box', least: 1, operations: converted(toBox, 'a box') },
  'to-turned-box': {
    name: 'convert to turned box',
    least: 1,
    operations: converted((shape) => {
      const box = shape.kind === 'rotated-box' ? shape : toBox(shape);
      return box === null ? null : turnShape(box, { x: 0, y: 0 }, 0);
    }, 'a turned box'),
  },
  union: { name: 'unite', least: 2, operations: combined('union') },
  subtract: { name: 'subtract', least: 2, operations: combined('subtract') },
  intersect: { name: 'intersect', least: 2, operations: combined('intersect') },
  separate: { name: 'separate parts', least: 1, operations: separated },
  'fill-holes': { name: 'fill holes', least: 1, operations: converted(withoutHoles, 'a shape without holes') },
} satisfies Record<string, Command>;
export type CommandId = keyof typeof commands;

/** The operations of a command on what is selected, or null where it cannot be done now; a notice says why. */
export function commandOperations(context: ToolContext, id: CommandId): EditOperation[] | null {
  const command: Command = commands[id];
  const labels = editableSelection(context);
  if (labels.length < command.least) {
    context.notice(command.least === 1 ? 'Select a label first.' : 'Select two labels or more first.');
    return null;
  }
  return command.operations(context, labels);
}

/** New labels like these, moved a little where they would lie exactly on top. */
export function copies(
  context: ToolContext,
  labels: readonly Label[],
  offsetPx = DUPLICATE_OFFSET_PX,
): EditOperation[] {
  const bounds = boundsOfAll(labels.map(({ shape }) => shape));
  const [dx, dy] = bounds === null ? [0, 0] : moveInside(bounds, offsetPx, offsetPx, context.document.image);
  return labels.flatMap((label) => {
    const copy = context.newLabel(moveShape(label.shape, dx, dy), label);
    return copy === null ? [] : [{ kind: 'add', after: { ...copy, note: label.note } }];
  });
}

function outermost({ document }: ToolContext, labels: readonly Label[], side: 'front' | 'back'): EditOperation[] {
  const first = document.outermostZ(side);
  return labels.map((before, at) => {
    const z = side === 'front' ? first + at : first - (labels.length - 1 - at);
    return { kind: 'update', before, after: { ...before, z } };
  });
}

/** Past the next label that it touches. Labels that share a z are told apart first. */
function oneStep({ document }: ToolContext, labels: readonly Label[], direction: 1 | -1): EditOperation[] {
  const order = [...document.ordered];
  const moving = new Set(labels);
  for (const label of direction === 1 ? [...labels].reverse() : labels) {
    const from = order.indexOf(label);
    const bounds = boundsOf(label.shape);
    let to = from + direction;
    while (to >= 0 && to < order.length && !meets(order[to], bounds)) to += direction;
    const other = order[to];
    if (other === undefined || moving.has(other)) continue;
    order.splice(from, 1);
    order.splice(to, 0, label);
  }
  return inOrder(order);
}

function meets(label: Label | undefined, bounds: ReturnType<typeof boundsOf>): boolean {
  const own = label === undefined ? null : boundsOf(label.shape);
  return own !== null && bounds !== null && boxesMeet(own, bounds);
}

/** The fewest changes of z, from below upwards, that make this the drawing order. */
function inOrder(order: readonly Label[]): EditOperation[] {
  const operations: EditOperation[] = [];
  let below: { z: number; annotationId: number } | null = null;
  for (const before of order) {
    const fits: boolean =
      below === null || before.z > below.z || (before.z === below.z && before.annotationId > below.annotationId);
    const z: number = fits || below === null ? before.z : below.z + 1;
    if (!fits) operations.push({ kind: 'update', before, after: { ...before, z } });
    below = { z, annotationId: before.annotationId };
  }
  return operations;
}

/** Every part a label of its own; the first keeps the label. */
function separated(context: ToolContext, labels: readonly Label[]): EditOperation[] {
  const operations = labels.flatMap((label): EditOperation[] => {
    const parts = label.shape.kind === 'mask' || label.shape.kind === 'polygon' ? toPolygon(label.shape)?.parts : null;
    if (!parts || parts.length < 2) return [];
    const shapes = parts.flatMap((part) => {
      const alone: Shape = { kind: 'polygon', parts: [part] };
      return label.shape.kind === 'mask' ? (toMask(alone, context.document.image) ?? []) : alone;
    });
    return shapes.flatMap((shape, at): EditOperation[] => {
      if (at === 0) return [reshaped(label, shape)];
      const other = context.newLabel(shape, label);
      return other === null ? [] : [{ kind: 'add', after: other }];
    });
  });
  if (operations.length === 0) context.notice('The label is in one piece.');
  return operations;
}

function withoutHoles(shape: Shape, { document }: ToolContext): Shape | null {
  if (shape.kind !== 'polygon' && shape.kind !== 'mask') return null;
  const parts = toPolygon(shape)?.parts ?? [];
  if (parts.every(({ holes }) => holes.length === 0)) return null;
  const filled: Shape = { kind: 'polygon', parts: parts.map(({ outer }) => ({ outer, holes: [] })) };
  return shape.kind === 'mask' ? toMask(filled, document.image) : filled;
}
