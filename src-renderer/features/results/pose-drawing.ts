/** Draws the points of objects and the lines of their skeletons over their image. */
import { numbersPerPoint } from '../../../src-main/contract/geometry/keypoints.ts';
import { payloadAt, type HeadSaid } from '../../../src-main/contract/model/run-results.ts';
import type { TrainedClass } from '../../../src-main/contract/model/trained-classes.ts';
import { imagePoint, toScreen, type ScreenPoint, type Viewport } from '../../canvas/viewport.ts';

export interface DrawnPose {
  /** x, y (px of the image) and a third number of each point. */
  points: ArrayLike<number>;
  /** Pairs of places in `points`. */
  edges: NonNullable<TrainedClass['edges']>;
}

type Edges = TrainedClass['edges'];
/** A point is there where it is labelled, or where the network is surer that it is than that it is not. */
const leastSureness = 0.5;
const radiusPx = 3.5;
const fullTurn = 2 * Math.PI;
const shadow = 'rgb(0 0 0 / 0.55)';

/** Of the candidate or the object with this row; null where the network says no points. */
export function poseOf(
  head: HeadSaid | null,
  of: 'candidates' | 'objects',
  index: number,
  edges: Edges,
): DrawnPose | null {
  if (head?.kind !== 'keypoints') return null;
  const bytes = Uint8Array.from(payloadAt(head[of], index));
  return { points: new Float32Array(bytes.buffer), edges: edges ?? [] };
}

export function drawPose(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  { points, edges }: DrawnPose,
  colour: string,
): void {
  const places = Array.from({ length: points.length / numbersPerPoint }, (_, place): ScreenPoint | null => {
    const at = place * numbersPerPoint;
    return points[at + 2]! > leastSureness ? toScreen(viewport, imagePoint(points[at]!, points[at + 1]!)) : null;
  });
  const lines = new Path2D();
  for (const [a, b] of edges) {
    const [from, to] = [places[a], places[b]];
    if (!from || !to) continue;
    lines.moveTo(from.x, from.y);
    lines.lineTo(to.x, to.y);
  }
  for (const [width, style] of [
    [4, shadow],
    [2, colour],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke(lines);
  }
  context.lineWidth = 1.5;
  context.strokeStyle = shadow;
  context.fillStyle = colour;
  for (const place of places) {
    if (!place) continue;
    context.beginPath();
    context.arc(place.x, place.y, radiusPx, 0, fullTurn);
    context.fill();
    context.stroke();
  }
}
