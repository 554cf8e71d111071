/** A split as samples are made of it: how its images lie in their packs, and their objects. */
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import type { RunConfig } from '../../../contract/model/run.ts';
import { placementOf, type Letterbox, type SizePx } from '../letterbox.ts';
import type { SplitData, TrainingData } from '../training-data.ts';
import { learnedObjects, sampleBoxes, type SampleBox } from './boxes.ts';
import { hasMosaics, sampleRecipe, type RecipeFacts, type SampleRecipe } from './recipe.ts';

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
  private readonly data: Pick<TrainingData, 'packs' | 'fit'>;
  private readonly split: SplitData;
  private readonly objects: readonly SampleBox[][];
  private readonly facts: RecipeFacts;

  constructor(data: Pick<TrainingData, 'packs' | 'fit'>, split: SplitData, settings: SampleSettings) {
    this.data = data;
    this.split = split;
    this.count = split.imageIds.length;
    const { widthPx, heightPx, channels } = data.packs[split.packs[0]!]!;
    this.network = { widthPx, heightPx };
    this.channels = channels;
    this.hasMasks = split.masks !== undefined;
    this.hasObjects = split.objects !== undefined;
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
