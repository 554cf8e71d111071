/** What a detector's outputs say, before overlapping boxes are sorted out. */
import type { Builder } from '../../../graph/builder.ts';
import type { Value } from '../../../graph/types.ts';
import { anchorLevels, boxesOf } from './anchors.ts';

export interface DetectionPredictions {
  /** [N, C, A] in (0, 1). */
  scores: Value;
  /** x1, y1, x2, y2 of every anchor's box, [N, 4, A] px of the network's input. */
  sides: Value;
}

/** scores: logits [N, C, A]; distances: [N, 4, A] in strides; size: the input's [height, width] px. */
export function detectionPredictions(
  g: Builder,
  { scores, distances }: { scores: Value; distances: Value },
  size: readonly [number, number],
): DetectionPredictions {
  const { x1, y1, x2, y2 } = boxesOf(g, distances, anchorLevels(size));
  return { scores: g.op('Sigmoid', [scores]), sides: g.concat([x1, y1, x2, y2], 1) };
}
