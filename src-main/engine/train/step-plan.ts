/**
 * What each step of a phase is: which images it trains on, how they are augmented, and the numbers that it is fed. A step
 * is one batch forward and backward; `accumulation` steps make one update of the weights, and an epoch's last update
 * averages the steps that are left. Everything follows from the configuration and the position, so that a run goes on
 * from any step as if it had never stopped.
 */
import type { EmaConfig, PhaseConfig, RunConfig } from '../../contract/model/run.ts';
import { learningRate, updatesPerEpoch } from '../../contract/model/schedule.ts';
import { augmentationDraws, drawsPerImage, graphAugmentation, isAugmented } from '../data/augmentation.ts';
import { epochOrder } from '../data/epoch-order.ts';
import type { Position } from './checkpoint.ts';
import type { UpdateSettings } from './state-layout.ts';
import { numbersOfStep } from './update-graph.ts';

/** One batch and the numbers of its step. */
export interface Step {
  /** Of all steps of a dispatch. */
  epoch: number;
  /** Places in the split, 0-based; all steps of a dispatch have equally many. */
  positions: Uint32Array;
  /** [images, 3]; null where images are not augmented. */
  draws: Int32Array | null;
  /** In the order of `numbersOfStep`. */
  numbers: readonly number[];
  /** Whether the weights change after this step. */
  completesUpdate: boolean;
}

interface EpochImages {
  number: number;
  order: Uint32Array;
  /** In the split's order. */
  draws: Int32Array | null;
}

export interface StepPlanOptions {
  config: RunConfig;
  phase: PhaseConfig;
  /** Epochs of the run before this phase. */
  firstEpoch: number;
  update: UpdateSettings;
  /** Images of the train split. */
  imageCount: number;
  /** Of the learning rate, of the step that so many others of the run come before (see interventions.ts). */
  rateFactor?: (stepsBefore: number) => number;
}

export class StepPlan {
  readonly stepsPerEpoch: number;
  private readonly options: StepPlanOptions;
  private readonly updatesPerEpoch: number;
  private epoch: EpochImages | null = null;

  constructor(options: StepPlanOptions) {
    const { config, imageCount } = options;
    this.options = options;
    this.stepsPerEpoch = Math.ceil(imageCount / config.batchSize);
    this.updatesPerEpoch = updatesPerEpoch(imageCount, config.batchSize, config.accumulation);
  }

  /** At most `limit` steps from `position` on, of equal batch size and of one epoch; at least one while there is one. */
  next(position: Position, limit: number): Step[] {
    const { config, imageCount } = this.options;
    const wholeSteps = Math.floor(imageCount / config.batchSize) - position.stepInEpoch;
    const count = wholeSteps > 0 ? Math.min(wholeSteps, limit) : Math.min(1, this.stepsPerEpoch - position.stepInEpoch);
    return Array.from({ length: count }, (_, i) => this.step(position, i));
  }

  /** Of the update that the step belongs to. In epochs beyond the planned ones it stays as it was at their end. */
  learningRateAt(epoch: number, stepInEpoch: number): number {
    const { config, phase, firstEpoch, rateFactor } = this.options;
    const update = (epoch - firstEpoch) * this.updatesPerEpoch + Math.floor(stepInEpoch / config.accumulation);
    const last = phase.epochs * this.updatesPerEpoch - 1;
    const planned = learningRate(phase, this.updatesPerEpoch, Math.min(update, last));
    return planned * (rateFactor?.(epoch * this.stepsPerEpoch + stepInEpoch) ?? 1);
  }

  /** The `ahead`-th step after `position`. */
  private step(position: Position, ahead: number): Step {
    const { config, update } = this.options;
    const { order, draws } = this.imagesOf(position.epoch);
    const at = position.stepInEpoch + ahead;
    const positions = order.subarray(at * config.batchSize, (at + 1) * config.batchSize);
    const updatesAhead = Math.floor(at / config.accumulation) - Math.floor(position.stepInEpoch / config.accumulation);
    const completesUpdate = (at + 1) % config.accumulation === 0 || at + 1 === this.stepsPerEpoch;
    return {
      epoch: position.epoch,
      positions,
      draws: draws && rowsOf(draws, positions),
      numbers: numbersOfStep(update, {
        learningRate: this.learningRateAt(position.epoch, at),
        update: position.optimiserUpdate + updatesAhead + 1,
        weight: positions.length / this.imagesOfUpdate(at),
        averagePace: averagePace(config.ema, position.update + updatesAhead + 1),
      }),
      completesUpdate,
    };
  }

  /** Images of all steps that make one update with the step `at`. */
  private imagesOfUpdate(at: number): number {
    const { config, imageCount } = this.options;
    const perUpdate = config.accumulation * config.batchSize;
    const first = Math.floor(at / config.accumulation) * perUpdate;
    return Math.min(perUpdate, imageCount - first);
  }

  /** Order and augmentation of an epoch, made once. */
  private imagesOf(epoch: number): EpochImages {
    if (this.epoch?.number === epoch) return this.epoch;
    const { config, imageCount } = this.options;
    this.epoch = {
      number: epoch,
      order: epochOrder(imageCount, config.seed, epoch),
      draws: isAugmented(graphAugmentation(config))
        ? augmentationDraws(config.augmentation, imageCount, config.seed, epoch)
        : null,
    };
    return this.epoch;
  }
}

function rowsOf(draws: Int32Array, images: Uint32Array): Int32Array {
  const rows = new Int32Array(images.length * drawsPerImage);
  images.forEach((image, i) =>
    rows.set(draws.subarray(image * drawsPerImage, (image + 1) * drawsPerImage), i * drawsPerImage),
  );
  return rows;
}

/** 1 − d in update n, which counts from 1 since the run began: d = decay·(1 − e^(−n/warmupSteps)). */
function averagePace(ema: EmaConfig | null, update: number): number {
  if (ema === null) return 1;
  const warmth = ema.warmupSteps === 0 ? 1 : 1 - Math.exp(-update / ema.warmupSteps);
  return 1 - ema.decay * warmth;
}
