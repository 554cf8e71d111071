/**
 * Which images a run trains on and is measured by, with their labels, as its task can learn from them. What no network
 * can learn from is left out and counted.
 */
import { createHash } from 'node:crypto';
import type { Annotation, Shape } from '../../contract/model/annotation.ts';
import { shapeBounds } from '../../contract/model/annotation.ts';
import { bboxArea } from '../../contract/geometry/box.ts';
import { polygonArea } from '../../contract/geometry/polygon.ts';
import { rleArea } from '../../contract/geometry/rle.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { CategoryId, ImageId } from '../../contract/model/ids.ts';
import { networkPoints } from '../../contract/model/network-ends.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { saysObjects } from '../../contract/model/tasks.ts';
import { trainedClasses, unlabelledClass, type TrainedClass } from '../../contract/model/trained-classes.ts';
import type { MaskedShape } from '../../engine/data/draw-mask.ts';
import { mostMapped, noObject, type ObjectLabels } from '../../engine/data/training-data.ts';
import type { TrainingImage } from '../../store/training-repository.ts';
import type { ProjectReader } from '../../store/project-store.ts';
import { learnableKinds, ofPixels } from './learnable.ts';

export interface CollectedSplit {
  /** In the order of their ids; labels beside them, of the kind that the task has. */
  images: TrainingImage[];
  /** Of classification: a class an image. */
  labels: number[];
  /** Of detection. */
  objects: ObjectLabels | null;
  /** Where there are masks to learn from: a digest of all that they are drawn from. */
  maskDigest: string | null;
  leftOut: { unlabelled: number; severalClasses: number; rejected: number };
}

/** Shapes are parsed, which takes longer than counting rows. */
const idsAtOnce = 500;

export function collectSplit(
  store: ProjectReader,
  config: Pick<RunConfig, 'task' | 'data' | 'model'>,
  split: Split,
  throwIfStopped: () => void,
): CollectedSplit {
  const { datasetId } = config.data;
  const pointCount = networkPoints(config);
  const ordinals = classOrdinals(trainedClasses(config, store.datasets.categories(datasetId)));
  const digest = createHash('sha256');
  const collected: CollectedSplit = {
    images: [],
    labels: [],
    objects: saysObjects(config.task) ? { counts: [], rows: [], ...(pointCount > 0 && { points: [] }) } : null,
    maskDigest: null,
    leftOut: { unlabelled: 0, severalClasses: 0, rejected: 0 },
  };
  const whole = store.images.idRange(datasetId);
  for (let after = whole?.after ?? 0; whole && after < whole.last; after += idsAtOnce) {
    throwIfStopped();
    const range = { after, last: Math.min(after + idsAtOnce, whole.last) };
    const images = store.training.imagesInRange(datasetId, split, range);
    const labels = store.annotations.ofImages(images.map(({ imageId }) => imageId));
    for (const image of images) {
      add(collected, image, labels.get(image.imageId) ?? [], config, ordinals, digest.update.bind(digest));
    }
  }
  if (ofPixels.has(config.task)) collected.maskDigest = digest.digest('hex');
  return collected;
}

const classOrdinals = (classes: readonly TrainedClass[]): ReadonlyMap<CategoryId, number> =>
  new Map(classes.flatMap(({ categoryId }, ordinal) => (categoryId === null ? [] : [[categoryId, ordinal] as const])));

function add(
  { images, labels, objects, leftOut }: CollectedSplit,
  image: TrainingImage,
  annotations: readonly Annotation[],
  config: Pick<RunConfig, 'task' | 'data' | 'model'>,
  ordinals: ReadonlyMap<CategoryId, number>,
  digest: (text: string) => unknown,
): void {
  if (image.review === 'rejected') return void leftOut.rejected++;
  const usable = annotations.filter((annotation) => canLearn(annotation.shape, config));
  // An image that shows no object is background where somebody said that it is finished.
  const showsNothing = annotations.every(({ shape }) => shape.kind === 'classification');
  const isBackground = showsNothing && config.task !== 'classification' && image.review === 'done';
  if (usable.length === 0 && !isBackground) return void leftOut.unlabelled++;
  const classes = new Set(usable.map(({ categoryId }) => ordinals.get(categoryId)!));
  if (config.task === 'classification' && classes.size > 1) return void leftOut.severalClasses++;
  images.push(image);
  if (config.task === 'classification') labels.push([...classes][0]!);
  if (ofPixels.has(config.task)) {
    const drawn = maskedShapes(annotations, config, ordinals);
    digest(JSON.stringify([image.imageId, image.widthPx, image.heightPx, drawn]));
  }
  if (objects) {
    const rows = usable.flatMap((annotation) => objectRow(annotation, ordinals));
    objects.counts.push(usable.length);
    objects.rows.push(...rows);
    objects.points?.push(...usable.flatMap((annotation) => pointRow(annotation, networkPoints(config))));
  }
}

function canLearn(shape: Shape, config: Pick<RunConfig, 'task' | 'data'>): boolean {
  if (!learnableKinds(config).has(shape.kind)) return false;
  if (!saysObjects(config.task)) return true;
  const bounds = shapeBounds(shape);
  return bounds !== null && bboxArea(bounds) > 0;
}

/** `objectColumns`: class, box, area, whether it is a crowd. */
function objectRow({ shape, categoryId, flags }: Annotation, ordinals: ReadonlyMap<CategoryId, number>): number[] {
  const [x1, y1, x2, y2] = shapeBounds(shape)!;
  return [ordinals.get(categoryId)!, x1, y1, x2, y2, areaOf(shape), Number(flags.includes('crowd'))];
}

/** The object's points, and behind them such as are not labelled, up to as many as the network says. */
function pointRow({ shape, annotationId }: Annotation, pointCount: number): number[] {
  const points = shape.kind === 'keypoints' ? shape.points : [];
  if (points.length > pointCount) {
    throw new FoveaError(
      'bad-input',
      `A label has ${points.length} points, but the network says ${pointCount}. Set “Keypoints” to ${points.length}.`,
      { annotationId },
    );
  }
  return Array.from({ length: pointCount }, (_, place) => points[place]).flatMap((point) =>
    point === undefined || point.visibility === 0 ? [0, 0, 0] : [point.x, point.y, point.visibility],
  );
}

/** Of the box around points, the share that the outline of a person has on average, as YOLOv8-pose is validated. */
const shareOfBox = 0.53;

function areaOf(shape: Shape): number {
  switch (shape.kind) {
    case 'keypoints':
      return shareOfBox * bboxArea(shapeBounds(shape)!);
    case 'polygon':
      return polygonArea(shape.parts);
    case 'mask':
      return rleArea(shape.rle);
    case 'rotated-box':
      return shape.widthPx * shape.heightPx;
    default:
      return bboxArea(shapeBounds(shape)!);
  }
}

/** What a mask says of pixels that no label covers; null where they are not learned from. */
export const uncoveredValue = (config: Pick<RunConfig, 'task' | 'data'>, classes: readonly TrainedClass[]) =>
  saysObjects(config.task) ? noObject : unlabelledClass(config, classes);

/** In the order in which they are drawn: a higher one over a lower one, a smaller object over a larger one. */
function maskedShapes(
  annotations: readonly Annotation[],
  config: Pick<RunConfig, 'task' | 'data'>,
  ordinals: ReadonlyMap<CategoryId, number>,
): MaskedShape[] {
  const usable = annotations.filter(({ shape }) => canLearn(shape, config));
  if (saysObjects(config.task)) {
    return usable
      .slice(0, mostMapped)
      .map(({ shape }, object) => ({ shape, value: object + 1 }))
      .toSorted((a, b) => areaOf(b.shape) - areaOf(a.shape));
  }
  return usable
    .toSorted((a, b) => a.z - b.z || a.annotationId - b.annotationId)
    .map(({ shape, categoryId }) => ({ shape, value: ordinals.get(categoryId)! }));
}

/** What the masks of some images are drawn from, as `collectSplit` digested it. */
export function shapesOf(
  store: ProjectReader,
  config: Pick<RunConfig, 'task' | 'data'>,
  imageIds: readonly ImageId[],
): MaskedShape[][] {
  const ordinals = classOrdinals(trainedClasses(config, store.datasets.categories(config.data.datasetId)));
  const labels = store.annotations.ofImages(imageIds);
  return imageIds.map((imageId) => maskedShapes(labels.get(imageId) ?? [], config, ordinals));
}
