/**
 * Boxes with a category each, and points of each object, in the order of its class's skeleton. What is said of a point is where
 * it lies, and how sure the network is that it is one that would be labelled.
 */
import { FoveaError } from '../../../contract/errors.ts';
import type { AnchoredCandidates } from '../../../contract/geometry/non-max-suppression.ts';
import { numbersPerPoint } from '../../../contract/geometry/keypoints.ts';
import type { LossConfig } from '../../../contract/model/loss.ts';
import { networkPoints } from '../../../contract/model/network-ends.ts';
import { placementOf, pointToImage, pointToNetwork, type Letterbox } from '../../data/letterbox.ts';
import type { ImageFeed } from '../../data/split-images.ts';
import type { SplitData } from '../../data/training-data.ts';
import type { Builder } from '../../graph/builder.ts';
import type { Value } from '../../graph/types.ts';
import { anchorLevels } from '../../nn/losses/detection/anchors.ts';
import { keypointLoss } from '../../nn/losses/detection/keypoint-loss.ts';
import { keypointPredictions } from '../../nn/losses/detection/keypoints.ts';
import type { ImageSource, Task, TaskFacts } from './definition.ts';
import type { DetectionHead, HeadLabels } from './detection-head.ts';
import { detector } from './detector.ts';

export function pose(facts: TaskFacts): Task {
  const { loss } = facts.config;
  if (loss.kind !== 'pose')
    throw new FoveaError('invalid-request', `The loss "${loss.kind}" is not one of poses. Use: pose.`);
  return detector(facts, loss, keypointHead(facts, loss));
}

function keypointHead(
  { config, imageShape, labelCapacity = 1 }: TaskFacts,
  gains: Extract<LossConfig, { kind: 'pose' }>,
): DetectionHead {
  const [, height, width] = imageShape as [number, number, number];
  const size = [height, width] as const;
  const pointCount = networkPoints(config);
  const rowLength = numbersPerPoint * pointCount;
  const predicted = (g: Builder, [keypoints]: readonly Value[]): Value => keypointPredictions(g, keypoints!, size);
  return {
    kind: 'keypoints',
    labelLength: labelCapacity * rowLength,
    lossParts: [
      { name: 'position', train: 'train/positionLoss', test: 'test/positionLoss' },
      { name: 'visibility', train: 'train/visibilityLoss', test: 'test/visibilityLoss' },
    ],
    metrics: {
      precision: 'test/posePrecision',
      recall: 'test/poseRecall',
      ap50: 'test/poseAp50',
      ap75: 'test/poseAp75',
      ap: 'test/poseAp',
    },
    openLabels: (split, source) => Promise.resolve(new KeypointRows(split, source, rowLength)),
    loss: (g, { outputs, labels, objects, assignment }) => {
      const points = g.reshape(labels, [labels.shape[0]!, labelCapacity, rowLength]);
      const { bboxXyxy } = objects;
      const losses = keypointLoss(g, outputs[0]!, { points, bboxXyxy }, assignment, anchorLevels(size), gains);
      return { position: losses.position, visibility: losses.visibility };
    },
    predictions: (g, outputs) => ({ keypoints: predicted(g, outputs) }),
    says: ({ keypoints }, candidates, placement) => {
      const pointsOf = pointsInImage(keypoints!.data as Float32Array, rowLength, candidates, placement);
      return (candidate) => new Uint8Array(Float32Array.from(pointsOf(candidate)).buffer);
    },
    exported: {
      columns: predicted,
      more: () => ({}),
      found: (columns, _more, candidates, placement) => {
        const pointsOf = pointsInImage(columns, rowLength, candidates, placement);
        return (candidate) => ({ keypoints: pointsOf(candidate) });
      },
      decided: (nodes, { columns }, count) => {
        const shape = [1, count, pointCount, numbersPerPoint];
        return nodes.output('keypoints', 'Reshape', [columns, nodes.integers('keypoints shape', ...shape)], {
          dataType: 'float32',
          shape,
        });
      },
      isSaid: ({ keypoints = [] }, decided, row) => {
        const all = decided['keypoints']!.data as Float32Array;
        return keypoints.every((wanted, i) => {
          const most = i % numbersPerPoint === numbersPerPoint - 1 ? closeness.sureness : closeness.positionPx;
          return Math.abs(all[row * rowLength + i]! - wanted) <= most;
        });
      },
    },
  };
}

/** What two ways to compute a point may differ by. */
const closeness = { positionPx: 0.05, sureness: 1e-4 } as const;

/** said: [3·K, A], px of the input. Of a candidate: x, y in px of the original, and the third number of each point. */
function pointsInImage(
  said: Float32Array,
  rowLength: number,
  { anchors }: AnchoredCandidates,
  placement: Letterbox,
): (candidate: number) => number[] {
  const anchorCount = said.length / rowLength;
  return (candidate) => {
    const at = (row: number): number => said[row * anchorCount + anchors[candidate]!]!;
    return Array.from({ length: rowLength / numbersPerPoint }, (_, point) => {
      const row = point * numbersPerPoint;
      return [...pointToImage(placement, [at(row), at(row + 1)]), at(row + 2)];
    }).flat();
  };
}

/** x, y and visibility of each point, px of the network's input; 0, 0, 0 for one that is not labelled. */
class KeypointRows implements HeadLabels {
  private readonly split: SplitData;
  private readonly source: ImageSource;
  private readonly rowLength: number;
  private readonly points: readonly number[];
  /** Place of each image's first object, and behind the last the number of all. */
  private readonly firsts: Uint32Array;

  constructor(split: SplitData, source: ImageSource, rowLength: number) {
    const { counts = [], points } = split.objects ?? {};
    if (!points) throw new FoveaError('bad-input', 'The images have no points, so poses cannot be learned from them.');
    this.split = split;
    this.source = source;
    this.rowLength = rowLength;
    this.points = points;
    this.firsts = new Uint32Array(counts.length + 1);
    counts.forEach((count, image) => (this.firsts[image + 1] = this.firsts[image]! + count));
  }

  write(target: Float32Array, position: number, objects: readonly number[]): Promise<void> {
    const placement = placementOf(this.source, this.split, position);
    objects.forEach((object, row) => {
      const points = this.ofObject(this.firsts[position]! + object);
      for (let at = 0; at < points.length; at += numbersPerPoint) {
        const visibility = points[at + 2]!;
        const inInput = pointToNetwork(placement, [points[at]!, points[at + 1]!]);
        if (visibility !== 0) target.set([...inInput, visibility], row * this.rowLength + at);
      }
    });
    return Promise.resolve();
  }

  writeMoved(target: Float32Array, { keypoints }: ImageFeed, row: number): void {
    target.set(keypoints!.subarray(row * target.length, (row + 1) * target.length));
  }

  payloads(position: number): Promise<Uint8Array[]> {
    const [first, end] = [this.firsts[position]!, this.firsts[position + 1]!];
    const objects = Array.from({ length: end - first }, (_, i) => this.ofObject(first + i));
    return Promise.resolve(objects.map((points) => new Uint8Array(Float32Array.from(points).buffer)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private ofObject(object: number): readonly number[] {
    return this.points.slice(object * this.rowLength, (object + 1) * this.rowLength);
  }
}
