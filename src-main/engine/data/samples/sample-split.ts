/** A split as samples are made of it: how its images lie in their packs, and their objects. */
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import { numbersPerPoint } from '../../../contract/geometry/keypoints.ts';
import type { RunConfig } from '../../../contract/model/run.ts';
import { placementOf, type Letterbox, type SizePx } from '../letterbox.ts';
import type { SplitData, TrainingData } from '../training-data.ts';
import { learnedObjects, sampleBoxes, type LearnedObject, type SampleBox } from './boxes.ts';
import { writeKeypointRows } from './keypoints.ts';
import { hasMosaics, sampleRecipe, type RecipeFacts, type SampleRecipe } from './recipe.ts';

/** What of a run's data makes its samples, beside the split itself. */
export type SampleData = Pick<TrainingData, 'packs' | 'fit' | 'pose'>;

/** What of a run's configuration makes its samples. */
export type SampleSettings = Pick<RecipeFacts, 'augmentation' | 'seed' | 'epochsTotal'>;

export const sampleSettings = ({ augmentation, seed, phases }: RunConfig): SampleSettings => ({
  augmentation,
  seed,
  epochsTotal: phases.reduce((sum, { epochs }) => sum + epochs, 0),
});

/** Room for the objects of one image of a run, in training and where it is measured; 1 where there are none. */
export function labelCapacity(data: TrainingData, config: RunConfig): number {
  const evaluation = data.evaluation.objects ? learnedObjects(data.evaluation.objects) : [];
  const measured = evaluation.reduce((most, boxes) => Math.max(most, boxes.length), 1);
  if (!data.train.objects || data.train.imageIds.length === 0) return measured;
  return Math.max(measured, new SampleSplit(data, data.train, sampleSettings(config)).labelCapacity());
}

export class SampleSplit {
  readonly count: number;
  readonly network: SizePx;
  readonly channels: number;
  readonly hasMasks: boolean;
  readonly hasObjects: boolean;
  /** Numbers of the points of one object; 0 where there are no poses. */
  readonly pointsWidth: number;
  private readonly data: SampleData;
  private readonly split: SplitData;
  private readonly objects: readonly LearnedObject[][];
  private readonly facts: RecipeFacts;
  /** Place of each image's first object; made when points are asked for. */
  private firsts: Uint32Array | null = null;

  constructor(data: SampleData, split: SplitData, settings: SampleSettings) {
    this.data = data;
    this.split = split;
    this.count = split.imageIds.length;
    const { widthPx, heightPx, channels } = data.packs[split.packs[0]!]!;
    this.network = { widthPx, heightPx };
    this.channels = channels;
    this.hasMasks = split.masks !== undefined;
    this.hasObjects = split.objects !== undefined;
    this.pointsWidth = numbersPerPoint * (data.pose?.pointCount ?? 0);
    this.objects = split.objects ? learnedObjects(split.objects) : [];
    this.facts = {
      ...settings,
      network: this.network,
      imageCount: this.count,
      contentOf: (position) => this.contentOf(position),
    };
  }

  recipe(epoch: number, position: number): SampleRecipe {
    return sampleRecipe(this.facts, epoch, position);
  }

  /** px of the network's input */
  boxes(recipe: SampleRecipe): SampleBox[] {
    return sampleBoxes(
      recipe,
      this.network,
      (position) => this.objects[position] ?? [],
      (position) => this.placementOf(position),
    );
  }

  /** Into float32 [boxes, `pointsWidth`], px of the network's input. */
  writePoints(recipe: SampleRecipe, kept: readonly SampleBox[], target: Float32Array): void {
    const { points = [], counts = [] } = this.split.objects ?? {};
    const objects = kept.map(({ tile, object }) => {
      const { position } = recipe.tiles[tile]!;
      this.firsts ??= startsOf(counts);
      const first = (this.firsts[position]! + object) * this.pointsWidth;
      return { tile, points: points.slice(first, first + this.pointsWidth) };
    });
    const placementOf = (position: number): Letterbox => this.placementOf(position);
    const mirrored = this.data.pose?.mirrored ?? null;
    writeKeypointRows(recipe, objects, { network: this.network, placementOf, mirrored }, target);
  }

  /** The part of its pack's image that a photograph fills. */
  contentOf(position: number): BboxXyxy {
    const { network, resized, leftPx, topPx } = this.placementOf(position);
    return [
      Math.max(0, leftPx),
      Math.max(0, topPx),
      Math.min(network.widthPx, leftPx + resized.widthPx),
      Math.min(network.heightPx, topPx + resized.heightPx),
    ];
  }

  placementOf(position: number): Letterbox {
    return placementOf(this.data, this.split, position);
  }

  /**
   * Room for the objects of one sample: as many as the fullest image has, and with mosaics a quarter more than the fullest
   * sample of the first epoch. What is more in a later one loses its smallest objects.
   */
  labelCapacity(): number {
    const plain = this.objects.reduce((most, boxes) => Math.max(most, boxes.length), 1);
    const { augmentation, epochsTotal } = this.facts;
    if (!hasMosaics(augmentation, 0, epochsTotal)) return plain;
    let fullest = plain;
    for (let position = 0; position < this.count; position++) {
      fullest = Math.max(fullest, this.boxes(this.recipe(0, position)).length);
    }
    return Math.min(4 * plain, Math.ceil(1.25 * fullest));
  }
}

function startsOf(counts: readonly number[]): Uint32Array {
  let sum = 0;
  return Uint32Array.from(counts, (count) => (sum += count) - count);
}
