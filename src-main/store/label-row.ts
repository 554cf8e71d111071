/** A label as its row holds it. Made beside the main process, so that storing thousands of them is only storing. */
import {
  annotationFlags,
  shapeBounds,
  type AnnotationFlag,
  type Attributes,
  type Shape,
} from '../contract/model/annotation.ts';

export interface NewLabel {
  /** Place of its class in the data set's list. */
  category: number;
  shape: Shape;
  flags: readonly AnnotationFlag[];
  attributes: Attributes;
}

export interface LabelRow {
  category: number;
  kind: Shape['kind'];
  /** x1, y1, x2, y2; nulls where the shape covers nothing. */
  box: readonly [number, number, number, number] | readonly [null, null, null, null];
  /** JSON of the shape where the box is not all of it. */
  geometry: string | null;
  flags: number;
  attributes: string | null;
}

export function labelRow(label: NewLabel): LabelRow {
  return { category: label.category, ...contentRow(label) };
}

/** All but the class. */
export function contentRow({ shape, flags, attributes }: Omit<NewLabel, 'category'>): Omit<LabelRow, 'category'> {
  return {
    kind: shape.kind,
    box: shapeBounds(shape) ?? [null, null, null, null],
    geometry: shape.kind === 'bbox' || shape.kind === 'classification' ? null : JSON.stringify(shape),
    flags: flags.reduce((sum, flag) => sum | flagBit(flag), 0),
    attributes: Object.keys(attributes).length === 0 ? null : JSON.stringify(attributes),
  };
}

function flagBit(flag: AnnotationFlag): number {
  return 1 << annotationFlags.indexOf(flag);
}

export function flagsOf(bits: number): AnnotationFlag[] {
  return annotationFlags.filter((flag) => bits & flagBit(flag));
}
