/** What painting means for labels: which mask is painted, and what happens to the masks that it is painted over. */
import { mergeRle, rleArea } from '../../../src-main/contract/geometry/rle.ts';
import { subtractRle, type MaskShape } from './mask-spans.ts';
import { boundsOf, boxesMeet } from './shape-bounds.ts';
import { editableSelection, reshaped, type ToolContext } from './tools/tool.ts';
import type { EditOperation, Label } from './types.ts';

type Rle = MaskShape['rle'];

/** The one selected mask; null where the next stroke makes a new label. */
export function paintTarget(context: ToolContext): Label | null {
  if (context.settings.newObject) return null;
  const chosen = editableSelection(context).filter(({ shape }) => shape.kind === 'mask');
  return chosen.length === 1 ? (chosen[0] ?? null) : null;
}

/** Saves pixels that were added to the target, or a new label of them, as one gesture. */
export function commitPainted(context: ToolContext, name: string, target: Label | null, painted: Rle): void {
  const before = target?.shape.kind === 'mask' ? target.shape.rle : null;
  const others = masksUnder(context, target, painted);
  const { overlap } = context.settings;
  let rle = painted;
  const changes: EditOperation[] = [];
  for (const other of others) {
    const keeps = overlap === 'keep-underneath' || !context.document.isEditable(other.annotationId);
    if (overlap === 'allow' || other.shape.kind !== 'mask') continue;
    if (keeps) rle = subtractRle(rle, other.shape.rle);
  }
  // Pixels that the target shared with others before stay as they were.
  if (before !== null && rle !== painted) rle = unite(rle, before);
  if (overlap === 'remove-underneath') {
    for (const other of others) {
      if (other.shape.kind === 'mask' && context.document.isEditable(other.annotationId)) {
        changes.push(...withoutPixels(other, other.shape.rle, rle));
      }
    }
  }
  if (rleArea(rle) === 0) return context.notice('Nothing was painted: other labels keep these pixels.');
  const shape: MaskShape = { kind: 'mask', rle };
  const added = target === null ? context.newLabel(shape) : null;
  if (target === null && added === null) return;
  const own: EditOperation[] =
    target === null ? (added === null ? [] : [{ kind: 'add', after: added }]) : [reshaped(target, shape)];
  if (context.commit(name, [...changes, ...own]) && added !== null) context.select([added.annotationId]);
}

/** Saves pixels that were taken from the target; the label goes with its last pixel. */
export function commitErased(context: ToolContext, name: string, target: Label, rle: Rle): void {
  const operation: EditOperation =
    rleArea(rle) === 0 ? { kind: 'remove', before: target } : reshaped(target, { kind: 'mask', rle });
  context.commit(name, [operation]);
}

export function unite(a: Rle, b: Rle): Rle {
  const { widthPx, heightPx, counts } = mergeRle(a, [b], 'union');
  return { widthPx, heightPx, counts: [...counts] };
}

function masksUnder(context: ToolContext, target: Label | null, painted: Rle): Label[] {
  if (context.settings.overlap === 'allow') return [];
  const bounds = boundsOf({ kind: 'mask', rle: painted });
  if (bounds === null) return [];
  return context.document
    .query(bounds)
    .filter(({ annotationId, shape }) => annotationId !== target?.annotationId && shape.kind === 'mask')
    .filter(({ shape }) => boxesMeet(boundsOf(shape) ?? [0, 0, 0, 0], bounds));
}

function withoutPixels(label: Label, from: Rle, pixels: Rle): EditOperation[] {
  const rle = subtractRle(from, pixels);
  const area = rleArea(rle);
  if (area === rleArea(from)) return [];
  return area === 0 ? [{ kind: 'remove', before: label }] : [reshaped(label, { kind: 'mask', rle })];
}
