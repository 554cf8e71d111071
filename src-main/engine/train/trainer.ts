/**
 * Trains one run from its configuration: phases, epochs, steps, evaluation, checkpoints. Every random choice follows
 * from the seed and the position, so a run that was stopped anywhere goes on to the same bytes. Knows no process and no
 * database: it reports through `TrainerReporter` and writes into the run's folder.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { LogLine, MetricPoint, PhaseConfig, RunConfig, RunProgress } from '../../contract/model/run.ts';
import { permutation, Random } from '../data/random.ts';
import { SplitImages } from '../data/split-images.ts';
import type { SplitData, TrainingData } from '../data/training-data.ts';
import type { Shape } from '../graph/types.ts';
import { classificationResult, meanCrossEntropy } from '../metrics/classification.ts';
import { countParameters, isFrozen, type NetworkPlan } from '../nn/network.ts';
import { optimiserFor } from '../nn/optimisers.ts';
import { initialise } from '../nn/parameters.ts';
import { scheduleFactor } from '../nn/schedules.ts';
import { OnnxRuntime } from '../runtime/onnxruntime.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { modelSpec, planModel } from '../zoo/registry.ts';
import { readCheckpoint, startPosition, writeCheckpoint, type Checkpoint, type Position } from './checkpoint.ts';
import { Evaluator } from './evaluation.ts';
import { writePredictions } from './predictions-file.ts';
import { runFiles } from './run-folder.ts';
import { maximumSteps, StepRunner, type Step } from './step-runner.ts';
import { Throughput } from './throughput.ts';
import { TrainingState } from './training-state.ts';

export interface TrainerReporter {
  /** `epochsDone` is fractional where the checkpoint lies within an epoch. */
  started(parameterCount: number, epochsDone: number): void;
  progress(progress: Omit<RunProgress, 'runId'>): void;
  points(points: MetricPoint[]): void;
  log(level: LogLine['level'], text: string): void;
  checkpoint(epoch: number, best: boolean): void;
}
export type TrainOutcome = { kind: 'finished' | 'cancelled'; epochsDone: number };

export interface TrainOptions {
  folder: string;
  config: RunConfig;
  data: TrainingData;
  resume: boolean;
  /** Looked at between dispatches of a few steps; a cancelled run saves a checkpoint first. */
  signal: AbortSignal;
  report: TrainerReporter;
  runtime?: Runtime;
  /** Threads of one operator; 0 takes all cores. */
  threads?: number;
}

/** Throws FoveaError: `bad-input` for data or checkpoints that cannot be used, `unsupported` for a device, `io`. */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  const trainer = await Trainer.create(options);
  try {
    return await trainer.run();
  } finally {
    await trainer.close();
  }
}

/** A dispatch should not take longer than this, so that progress moves and cancelling is quick. */
const dispatchMs = 200;

class Trainer {
  private readonly options: TrainOptions;
  private readonly runtime: Runtime;
  private readonly plan: NetworkPlan;
  private readonly shapes: ReadonlyMap<string, Shape>;
  private readonly trainImages: SplitImages;
  private readonly evaluationImages: SplitImages;
  private readonly throughput: Throughput;
  private position: Position;
  private checkpoint: Checkpoint;

  private constructor(
    options: TrainOptions,
    plan: NetworkPlan,
    images: { train: SplitImages; evaluation: SplitImages },
    checkpoint: Checkpoint,
  ) {
    this.options = options;
    this.runtime = options.runtime ?? new OnnxRuntime();
    this.plan = plan;
    this.shapes = tensorShapes(plan);
    this.trainImages = images.train;
    this.evaluationImages = images.evaluation;
    this.checkpoint = checkpoint;
    this.position = { ...checkpoint.position };
    this.throughput = new Throughput();
  }

  static async create(options: TrainOptions): Promise<Trainer> {
    const { config, data } = options;
    await makeCheckpointFolder(options.folder);
    const opened: SplitImages[] = [];
    const openSplit = async (split: SplitData): Promise<SplitImages> => {
      const images = await SplitImages.open(split, data.packs);
      opened.push(images);
      return images;
    };
    try {
      const [train, evaluation] = [await openSplit(data.train), await openSplit(data.evaluation)];
      const plan = planModel(config.model.id, config.model.options, train.imageShape, data.categories.length);
      config.phases.forEach((phase, index) => checkFreezing(plan, phase, index + 1));
      const checkpoint = await firstCheckpoint(options, plan);
      return new Trainer(options, plan, { train, evaluation }, checkpoint);
    } catch (error) {
      await Promise.all(opened.map((images) => images.close()));
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.trainImages.close(), this.evaluationImages.close()]);
  }

  async run(): Promise<TrainOutcome> {
    const { config, report } = this.options;
    report.started(countParameters(this.plan.parameters), this.epochsDone());
    report.log(
      'info',
      `${modelSpec(config.model.id).label} on ${this.trainImages.count} images, ${this.runtime.description}, device ${config.device}, seed ${config.seed}`,
    );
    if (this.position.step > 0)
      report.log('info', `Going on after ${this.position.step} steps (epoch ${this.epochsDone().toFixed(2)}).`);
    let firstEpoch = 0;
    for (const phase of config.phases) {
      const lastEpoch = firstEpoch + phase.epochs;
      if (this.position.epoch < lastEpoch && !(await this.runPhase(phase, firstEpoch, lastEpoch)))
        return { kind: 'cancelled', epochsDone: this.epochsDone() };
      firstEpoch = lastEpoch;
    }
    return { kind: 'finished', epochsDone: this.position.epoch };
  }

  /** False where it was cancelled. */
  private async runPhase(phase: PhaseConfig, firstEpoch: number, lastEpoch: number): Promise<boolean> {
    const { config, data } = this.options;
    const isNew = this.position.epoch === firstEpoch && this.position.stepInEpoch === 0;
    if (isNew) this.position.stepInPhase = 0;
    const state = new TrainingState(
      this.plan,
      phase,
      this.checkpoint.tensors,
      isNew ? new Map() : this.checkpoint.slots,
    );
    const shared = {
      runtime: this.runtime,
      device: config.device,
      threads: this.options.threads ?? 0,
      plan: this.plan,
      preprocessing: modelSpec(config.model.id).preprocessing,
    };
    const { loss, seed } = config;
    const runner = new StepRunner({
      ...shared,
      loss,
      optimiser: phase.optimiser,
      images: this.trainImages,
      labels: data.train.labels,
      seed,
      state,
    });
    const evaluator = await Evaluator.create({
      ...shared,
      layout: state.layout,
      images: this.evaluationImages,
      categoryCount: data.categories.length,
    });
    try {
      while (this.position.epoch < lastEpoch) {
        const learningRate = phase.learningRate * scheduleFactor(phase.schedule, this.position.epoch - firstEpoch);
        const completed =
          (await this.runEpoch(phase, learningRate, runner)) && (await this.evaluate(state, evaluator, learningRate));
        if (!completed) {
          await this.save(state, false);
          return false;
        }
      }
      return true;
    } finally {
      await Promise.all([runner.close(), evaluator.close()]);
    }
  }

  /** The rest of the epoch's steps. False where it was cancelled. */
  private async runEpoch(phase: PhaseConfig, learningRate: number, runner: StepRunner): Promise<boolean> {
    const { config, signal } = this.options;
    const order = permutation(this.trainImages.count, Random.derive(config.seed, 'shuffle', this.position.epoch));
    const definition = optimiserFor(phase.optimiser);
    while (this.position.stepInEpoch < this.stepsPerEpoch()) {
      if (signal.aborted) return false;
      this.progress('training');
      const started = performance.now();
      const steps = this.nextSteps(order, (stepInPhase) =>
        definition.stepNumbers(phase.optimiser, learningRate, stepInPhase),
      );
      const { losses, correct } = await runner.run(steps, this.position.step);
      this.advance(steps, losses, correct);
      this.throughput.add(
        steps.length,
        steps.reduce((sum, step) => sum + step.positions.length, 0),
        performance.now() - started,
      );
    }
    this.progress('training');
    return true;
  }

  /** As many steps of equal batch size as one dispatch should have. */
  private nextSteps(order: Uint32Array, numbersAt: (stepInPhase: number) => readonly number[]): Step[] {
    const { batchSize } = this.options.config;
    const { stepInEpoch, stepInPhase } = this.position;
    const wholeSteps = Math.floor(this.trainImages.count / batchSize) - stepInEpoch;
    const fitting = this.throughput.stepsWithin(dispatchMs);
    const count = wholeSteps > 0 ? Math.min(wholeSteps, fitting, maximumSteps) : 1;
    return Array.from({ length: count }, (_, i) => {
      const start = (stepInEpoch + i) * batchSize;
      return { positions: order.subarray(start, start + batchSize), numbers: numbersAt(stepInPhase + i + 1) };
    });
  }

  private advance(steps: readonly Step[], losses: Float32Array, correct: Float32Array): void {
    const points = steps.map(({ positions }, i): MetricPoint => {
      const loss = losses[i]!;
      if (!Number.isFinite(loss)) this.failOnLoss(loss);
      this.position.lossSum += loss * positions.length;
      this.position.correctSum += correct[i]!;
      this.position.seenImages += positions.length;
      this.position.stepInEpoch++;
      this.position.step++;
      this.position.stepInPhase++;
      return { series: 'step/loss', step: this.position.step, epoch: this.epochsDone(), value: loss };
    });
    this.options.report.points(points);
  }

  private failOnLoss(loss: number): never {
    throw new FoveaError(
      'bad-input',
      `The loss became ${loss} at step ${this.position.step + 1}. Lower the learning rate, or check the images.`,
      {
        step: this.position.step + 1,
      },
    );
  }

  /** Measures the evaluation split, reports the epoch and saves. False where it was cancelled: the epoch is measured again. */
  private async evaluate(state: TrainingState, evaluator: Evaluator, learningRate: number): Promise<boolean> {
    const { config, data, signal, report, folder } = this.options;
    this.progress('evaluating');
    const logits = await evaluator.logits(state.inferenceFeeds(), signal);
    if (!logits) return false;
    const { labels, imageIds } = data.evaluation;
    const categoryCount = data.categories.length;
    const accuracy = classificationResult(logits, labels, categoryCount).accuracy ?? 0;
    const loss = meanCrossEntropy(logits, labels, categoryCount, config.loss.softmaxBeforeLoss) ?? 0;
    const { lossSum, correctSum, seenImages, step, bestAccuracy } = this.position;
    const epoch = this.position.epoch + 1;
    const isBest = accuracy > bestAccuracy;
    const point = (series: MetricPoint['series'], value: number): MetricPoint => ({ series, step, epoch, value });
    report.points([
      point('train/loss', lossSum / seenImages),
      point('train/accuracy', correctSum / seenImages),
      point('test/loss', loss),
      point('test/accuracy', accuracy),
      point('epoch/learningRate', learningRate),
    ]);
    report.log(
      'info',
      `Epoch ${epoch}: train loss ${(lossSum / seenImages).toFixed(4)}, test loss ${loss.toFixed(4)}, test accuracy ${accuracy.toFixed(4)}`,
    );
    this.position = {
      ...this.position,
      epoch,
      stepInEpoch: 0,
      lossSum: 0,
      correctSum: 0,
      seenImages: 0,
      bestAccuracy: Math.max(accuracy, bestAccuracy),
    };
    await writePredictions(runFiles.predictions(folder), {
      epoch,
      categoryCount,
      imageIds: Float64Array.from(imageIds),
      labels: Int32Array.from(labels),
      logits,
    });
    await this.save(state, isBest);
    return true;
  }

  private async save(state: TrainingState, best: boolean): Promise<void> {
    const { config, folder, report } = this.options;
    this.progress('saving');
    this.checkpoint = { position: { ...this.position }, tensors: state.tensors(), slots: state.slots() };
    await writeCheckpoint(runFiles.checkpoint(folder, 'last'), this.checkpoint, this.shapes, config.model.id);
    if (best)
      await writeCheckpoint(
        runFiles.checkpoint(folder, 'best'),
        { ...this.checkpoint, slots: new Map() },
        this.shapes,
        config.model.id,
      );
    report.checkpoint(this.epochsDone(), best);
  }

  private stepsPerEpoch(): number {
    return Math.ceil(this.trainImages.count / this.options.config.batchSize);
  }

  private epochsDone(): number {
    return this.position.epoch + this.position.stepInEpoch / this.stepsPerEpoch();
  }

  private progress(activity: RunProgress['activity']): void {
    const { config, report } = this.options;
    const epochsTotal = config.phases.reduce((sum, phase) => sum + phase.epochs, 0);
    const stepsLeft = (epochsTotal - this.position.epoch) * this.stepsPerEpoch() - this.position.stepInEpoch;
    report.progress({
      activity,
      epoch: Math.min(this.position.epoch + 1, epochsTotal),
      epochsTotal,
      step: this.position.stepInEpoch,
      stepsPerEpoch: this.stepsPerEpoch(),
      imagesPerSecond: this.throughput.imagesPerSecond(),
      secondsLeft: this.throughput.secondsFor(stepsLeft),
    });
  }
}

async function makeCheckpointFolder(runFolder: string): Promise<void> {
  const folder = dirname(runFiles.checkpoint(runFolder, 'last'));
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('io', `Could not make the folder ${folder}: ${reason}`, { file: folder }, { cause });
  }
}

function checkFreezing(plan: NetworkPlan, { freeze }: PhaseConfig, phaseNumber: number): void {
  if (plan.parameters.some(({ name }) => !isFrozen(name, freeze))) return;
  throw new FoveaError(
    'invalid-request',
    `Every layer is frozen in phase ${phaseNumber}, so there is nothing to train. Leave at least one layer free.`,
    { phase: phaseNumber },
  );
}

function tensorShapes(plan: NetworkPlan): Map<string, Shape> {
  return new Map([...plan.parameters, ...plan.buffers].map(({ name, shape }) => [name, shape]));
}

/** The last checkpoint where the run goes on, else fresh weights. */
async function firstCheckpoint({ config, folder, resume }: TrainOptions, plan: NetworkPlan): Promise<Checkpoint> {
  if (resume) {
    try {
      return await readCheckpoint(runFiles.checkpoint(folder, 'last'), tensorShapes(plan));
    } catch (error) {
      // A run that died before its first checkpoint starts over.
      if (!(error instanceof FoveaError && error.code === 'not-found')) throw error;
    }
  }
  return { position: startPosition, tensors: initialise(plan.parameters, plan.buffers, config.seed), slots: new Map() };
}
