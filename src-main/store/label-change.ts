/**
 * What a gesture did to an image's labels, as it is kept: each label before and after. Of a label that stays only the fields
 * that differ are kept, so that a change of a class does not copy a mask. Pure, apart from the compression.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Annotation } from '../contract/model/annotation.ts';
import type { AnnotationId } from '../contract/model/ids.ts';

type Fields = Partial<Omit<Annotation, 'annotationId'>>;

export type RecordedChange =
  | { kind: 'add'; annotationId: AnnotationId; after: Annotation }
  /** `replaced`: what it was is in another label, so that it was not deleted in a person's eyes. */
  | { kind: 'remove'; annotationId: AnnotationId; before: Annotation; replaced?: true }
  | { kind: 'update'; annotationId: AnnotationId; before: Fields; after: Fields };

/** What a change of nothing but the class changes. */
export type ClassAndTime = Pick<Annotation, 'categoryId' | 'updatedAt'>;
export interface ClassMove {
  kind: 'update';
  annotationId: AnnotationId;
  before: ClassAndTime;
  after: ClassAndTime;
}

/** Null where anything else changed. */
export function asClassMoves(changes: readonly RecordedChange[]): readonly ClassMove[] | null {
  return changes.every(isClassMove) ? changes : null;
}

function isClassMove(change: RecordedChange): change is ClassMove {
  return change.kind === 'update' && Object.keys(change.after).sort().join() === 'categoryId,updatedAt';
}

/** What took one state of a label to the other; null: it is not there. Null where they are the same. */
export function changeBetween(before: Annotation | null, after: Annotation | null): RecordedChange | null {
  if (before === null) return after === null ? null : { kind: 'add', annotationId: after.annotationId, after };
  if (after === null) return { kind: 'remove', annotationId: before.annotationId, before };
  const [was, is]: [Fields, Fields] = [{}, {}];
  for (const key of Object.keys(after) as (keyof Fields)[]) {
    if (before[key] === after[key] || JSON.stringify(before[key]) === JSON.stringify(after[key])) continue;
    Object.assign(was, { [key]: before[key] });
    Object.assign(is, { [key]: after[key] });
  }
  if (Object.keys(is).length === 0) return null;
  return { kind: 'update', annotationId: after.annotationId, before: was, after: is };
}

export function isDeletion(change: RecordedChange): change is Extract<RecordedChange, { kind: 'remove' }> {
  return change.kind === 'remove' && change.replaced !== true;
}

/** The label after the change, or before it, given what it is now; null: it is not there. */
export function applyChange(
  now: Annotation | null,
  change: RecordedChange,
  direction: 'undo' | 'redo',
): Annotation | null {
  const undo = direction === 'undo';
  switch (change.kind) {
    case 'add':
      return undo ? null : change.after;
    case 'remove':
      return undo ? change.before : null;
    case 'update':
      // A label that something else removed meanwhile stays away.
      return now === null ? null : { ...now, ...(undo ? change.before : change.after) };
  }
}

/** What fits into a small window is packed in one: the usual one costs more time than such a text. */
const SMALL_TEXT = 4096;
const small = { level: 1, windowBits: 12, memLevel: 5 } as const;
/** Of an image whose review state alone changed, and of one whose labels are all gone for good. */
const noChanges = deflateRawSync('[]');

export function encodeChanges(changes: readonly RecordedChange[]): Buffer {
  if (changes.length === 0) return noChanges;
  const text = JSON.stringify(changes);
  return deflateRawSync(text, text.length <= SMALL_TEXT ? small : { level: 1 });
}

export function decodeChanges(blob: Uint8Array): RecordedChange[] {
  return JSON.parse(inflateRawSync(blob).toString('utf8')) as RecordedChange[];
}
