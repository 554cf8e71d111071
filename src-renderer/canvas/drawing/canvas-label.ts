/** A label as the canvas draws it while nobody edits it: where it is, what it looks like, nothing about its class. */
import type { BboxXyxy } from '../../../src-main/contract/geometry/box.ts';
import type { Shape } from '../../../src-main/contract/model/annotation.ts';

export interface CanvasLabel {
  id: number;
  shape: Shape;
  /** Never null: what has no place is not drawn. */
  bounds: BboxXyxy;
  /** As a canvas takes it: "rgb(…)". */
  colour: string;
  /** Pairs of places in a shape of keypoints that a line joins. */
  skeleton: readonly (readonly [number, number])[];
  /** Higher is nearer to the eye. */
  z: number;
  /** Not certain yet, as what a model proposes: drawn with a dashed line. */
  dashed: boolean;
}

export interface LabelStyle {
  /** Of areas, 0 to 1. Boxes are filled with a third of it, so that what they hold is seen. */
  fillOpacity: number;
  /** CSS pixels. */
  lineWidthPx: number;
}

/** Points that a label's outline has, for judging how long drawing it takes. */
export function outlinePoints({ shape }: CanvasLabel): number {
  switch (shape.kind) {
    case 'polygon':
      return shape.parts.reduce(
        (sum, { outer, holes }) => sum + outer.length / 2 + holes.reduce((total, hole) => total + hole.length / 2, 0),
        0,
      );
    case 'keypoints':
      return 8 * shape.points.length;
    default:
      return 4;
  }
}
