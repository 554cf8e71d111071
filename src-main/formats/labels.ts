/** What every format of labels is read into and written from. Knows no file and no database. */
import type { AnnotationFlag, Attributes, Shape } from '../contract/model/annotation.ts';
import type { ParsedSkeleton } from './skeleton.ts';

export interface ParsedLabel {
  /** Place of its class in the data set's list. */
  category: number;
  shape: Shape;
  flags: AnnotationFlag[];
  attributes: Attributes;
}

export interface LabelProblem {
  line?: number;
  reason: string;
}

/** What is right in a file, and what is wrong in it. */
export interface ParsedLabels {
  labels: ParsedLabel[];
  problems: LabelProblem[];
}

export interface ImageSize {
  widthPx: number;
  heightPx: number;
}

/** A class as the source gives it; `sourceId` is its number there where that is not its place. */
export interface ParsedCategory {
  name: string;
  sourceId: number | null;
  /** Where the source names the points of its objects. */
  skeleton?: ParsedSkeleton;
}

/** Coordinates beyond this cannot be meant; they would only break what computes with them. Image px. */
const FARTHEST_PX = 1e7;

export function isPlausible(...coordinates: readonly number[]): boolean {
  return coordinates.every((value) => Number.isFinite(value) && Math.abs(value) <= FARTHEST_PX);
}

/** Names in order, each made unique with a number where it occurs again; reports those. */
export function uniqueNames(names: readonly string[], report: (reason: string) => void): string[] {
  const taken = new Set<string>();
  return names.map((given, index) => {
    const base = given.trim() === '' ? `class ${index}` : given.trim();
    let name = base;
    for (let number = 2; taken.has(name); number++) name = `${base} (${number})`;
    if (name !== base) report(`The class “${base}” is there twice; the second is imported as “${name}”.`);
    taken.add(name);
    return name;
  });
}
