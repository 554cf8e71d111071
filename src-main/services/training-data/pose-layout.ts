/** The points that a data set's poses are made of, from its skeletons, or where there are none from its labels. */
import type { DatasetId } from '../../contract/model/ids.ts';
import type { Skeleton } from '../../contract/model/annotation-edit.ts';
import { mirroredPairs } from '../../contract/model/mirrored-points.ts';
import { networkPoints } from '../../contract/model/network-ends.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import type { PoseLayout } from '../../engine/data/training-data.ts';
import type { ProjectReader } from '../../store/project-store.ts';

/** Null where nothing in the data set has points. Classes with fewer points than others have the rest unlabelled. */
export function poseLayout(
  { datasets, training }: Pick<ProjectReader, 'datasets' | 'training'>,
  datasetId: DatasetId,
): PoseLayout | null {
  const { skeletons } = datasets.labelSchema(datasetId);
  const named = skeletons.reduce((most, { points }) => Math.max(most, points.length), 0);
  const pointCount = Math.max(named, training.mostPoints(datasetId));
  if (pointCount === 0) return null;
  return { pointCount, mirrored: mirroredPlaces(skeletons, pointCount) };
}

/** As a run trains it: of as many points as its network says. Undefined where it says none. */
export function trainedPose(
  store: Pick<ProjectReader, 'datasets' | 'training'>,
  config: Pick<RunConfig, 'model' | 'data'>,
): PoseLayout | undefined {
  const pointCount = networkPoints(config);
  if (pointCount === 0) return undefined;
  const mirrored = poseLayout(store, config.data.datasetId)?.mirrored ?? null;
  // Points that no label has stay where they are.
  return {
    pointCount,
    mirrored: mirrored && Array.from({ length: pointCount }, (_, place) => mirrored[place] ?? place),
  };
}

/** A place for each point; null where a point is of no skeleton, where a skeleton does not say it, or where two disagree. */
function mirroredPlaces(skeletons: readonly Skeleton[], pointCount: number): number[] | null {
  if (pointCount === 1) return [0];
  const places = skeletons.map(placesOf);
  if (!places.some((each) => each?.length === pointCount)) return null;
  const merged = Array.from({ length: pointCount }, (_, place) => place);
  for (const each of places) {
    if (each === null) return null;
    each.forEach((other, place) => (merged[place] = other));
  }
  const agree = places.every((each) => each!.every((other, place) => merged[place] === other));
  return agree ? merged : null;
}

/** By its pairs, or where nobody has said any by its names: a skeleton without a left point says nothing. */
function placesOf({ points, flipPairs }: Skeleton): number[] | null {
  const pairs = flipPairs ?? mirroredPairs(points);
  if (flipPairs === undefined && pairs.length === 0 && points.length > 1) return null;
  const places = points.map((_, place) => place);
  for (const [a, b] of pairs) [places[a], places[b]] = [b, a];
  return places;
}
