/** Points of an object, in the order of its class's skeleton, as numbers one behind the other. */

/** x, y and a third number: a visibility of what is labelled (0: it is not), how sure the network is of what it says. */
export const numbersPerPoint = 3;

/** COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, the left one first. */
const cocoSigmas = [
  0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
];

/**
 * How exactly people agree on each point, as a share of the root of its object's area: COCO's for the 17 points of a person. Of
 * others nobody has measured it: 1/K, as YOLOv8 has it.
 */
export const keypointSigmas = (pointCount: number): readonly number[] =>
  pointCount === cocoSigmas.length ? cocoSigmas : new Array<number>(pointCount).fill(1 / pointCount);
