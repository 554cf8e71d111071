/** The named points of a class's objects as formats give them. */
import type { Skeleton } from '../contract/model/annotation-edit.ts';
import { mirroredPairs } from '../contract/model/mirrored-points.ts';

export type ParsedSkeleton = Omit<Skeleton, 'categoryId'>;

const MOST_POINTS = 200;
const LONGEST_POINT_NAME = 60;

/**
 * Null for names that a skeleton cannot have. Lines that join no two points are left out; without `flipPairs` the names say which
 * points change places in a mirrored image.
 */
export function parseSkeleton(
  names: readonly unknown[],
  edges: readonly unknown[],
  flipPairs?: [number, number][],
): ParsedSkeleton | null {
  const points = names.map((name) => (typeof name === 'string' ? name.trim() : ''));
  const isWhole = points.every((name) => name !== '' && name.length <= LONGEST_POINT_NAME);
  if (!isWhole || points.length === 0 || points.length > MOST_POINTS || new Set(points).size < points.length)
    return null;
  const isPlace = (place: unknown): place is number => Number.isInteger(place) && points[place as number] !== undefined;
  const lines = edges.flatMap((edge): [number, number][] => {
    const [a, b] = Array.isArray(edge) ? (edge as unknown[]) : [];
    return isPlace(a) && isPlace(b) && a !== b ? [[a, b]] : [];
  });
  const pairs = flipPairs ?? mirroredPairs(points);
  return { points, edges: lines, ...((flipPairs ?? pairs.length > 0) && { flipPairs: pairs }) };
}
