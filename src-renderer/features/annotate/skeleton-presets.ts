/** Skeletons that many data sets share, and how one changes. */
import type { Skeleton } from '../../../src-main/contract/model/annotation-edit.ts';
import { mirroredPairs } from '../../../src-main/contract/model/mirrored-points.ts';

type Points = Required<Omit<Skeleton, 'categoryId'>>;

/** COCO's person: http://cocodataset.org, "person_keypoints"; its edges begin with 1. */
const cocoPoints = [
  ...['nose', 'left eye', 'right eye', 'left ear', 'right ear', 'left shoulder', 'right shoulder', 'left elbow'],
  ...['right elbow', 'left wrist', 'right wrist', 'left hip', 'right hip', 'left knee', 'right knee'],
  ...['left ankle', 'right ankle'],
];
const cocoEdges: readonly (readonly [number, number])[] = [
  ...([
    [16, 14],
    [14, 12],
    [17, 15],
    [15, 13],
    [12, 13],
    [6, 12],
    [7, 13],
    [6, 7],
    [6, 8],
    [7, 9],
    [8, 10],
    [9, 11],
    [2, 3],
    [1, 2],
    [1, 3],
    [2, 4],
    [3, 5],
    [4, 6],
    [5, 7],
  ] as const),
];

export const skeletonPresets: readonly { id: string; label: string; skeleton: Points }[] = [
  {
    id: 'coco-person',
    label: 'A person, 17 points (COCO)',
    skeleton: {
      points: cocoPoints,
      edges: cocoEdges.map(([a, b]) => [a - 1, b - 1]),
      flipPairs: mirroredPairs(cocoPoints),
    },
  },
  { id: 'point', label: 'One point', skeleton: { points: ['point'], edges: [], flipPairs: [] } },
];

/** The skeleton without one point: lines and pairs with it go, later points move up. */
export function withoutPoint(skeleton: Skeleton, place: number): Skeleton {
  const moved = (pairs: readonly (readonly [number, number])[]): [number, number][] =>
    pairs.filter((pair) => !pair.includes(place)).map(([a, b]) => [a > place ? a - 1 : a, b > place ? b - 1 : b]);
  return {
    ...skeleton,
    points: skeleton.points.toSpliced(place, 1),
    edges: moved(skeleton.edges),
    flipPairs: moved(skeleton.flipPairs ?? []),
  };
}

/** With a point mirrored to another, or to none; the pairs that either had before go. */
export function withPair(skeleton: Skeleton, place: number, other: number | null): Skeleton {
  const rest = (skeleton.flipPairs ?? []).filter(
    (pair) => !pair.includes(place) && (other === null || !pair.includes(other)),
  );
  return { ...skeleton, flipPairs: other === null ? rest : [...rest, [place, other]] };
}

/** With the line between two points where it was not, without it where it was. */
export function toggledEdge(skeleton: Skeleton, a: number, b: number): Skeleton {
  const rest = skeleton.edges.filter(([from, to]) => !(from === a && to === b) && !(from === b && to === a));
  return { ...skeleton, edges: rest.length < skeleton.edges.length ? rest : [...rest, [a, b]] };
}
