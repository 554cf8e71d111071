/** An assignment as a golden file lists it, in the form in which a head's loss reads it. */
import { tensor, type Tensor } from '../../src-main/engine/graph/types.ts';
import { floats } from './engine-run.ts';

/** Of an object, as the assigner has them. */
export const claimsPerObject = 10;

export interface AssignedCase {
  capacity: number;
  boxes: number[][][];
  assigned: [image: number, object: number, anchor: number, weight: number][];
}

/** The claims of an object one after the other. */
export function assignedClaims({ assigned, boxes, capacity }: AssignedCase): { anchors: Tensor; weights: Tensor } {
  const claims = capacity * claimsPerObject;
  const anchors = new Array<number>(boxes.length * claims).fill(0);
  const weights = new Array<number>(boxes.length * claims).fill(0);
  const used = new Map<string, number>();
  for (const [image, object, anchor, weight] of assigned) {
    const claim = used.get(`${image} ${object}`) ?? 0;
    used.set(`${image} ${object}`, claim + 1);
    const at = image * claims + object * claimsPerObject + claim;
    anchors[at] = anchor;
    weights[at] = weight;
  }
  const shape = [boxes.length, claims];
  return { anchors: tensor('int64', shape, anchors), weights: floats(shape, weights) };
}

/** [N, M, …] of lists of each object, with zeros where there is none. */
export const padded = (lists: readonly number[][][], capacity: number, width: number): number[] =>
  lists.flatMap((image) =>
    Array.from({ length: capacity }, (_, i) => image[i] ?? new Array<number>(width).fill(0)).flat(),
  );
