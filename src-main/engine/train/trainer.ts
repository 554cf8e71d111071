/**
 * Trains one run from its configuration: phases, epochs, steps, evaluation, checkpoints. Every random choice follows
 * from the seed and the position, so a run that was stopped anywhere goes on to the same bytes. Knows no process and no
 * database: it reports through `TrainerReporter` and writes into the run's folder.
 */
import { FoveaError } from '../../contract/errors.ts';
import { interventionInWords, type Intervention } from '../../contract/model/intervention.ts';
import {
  taskMetrics,
  type CheckpointName,
  type MetricPoint,
  type PhaseConfig,
  type RunProgress,
} from '../../contract/model/run.ts';
import { graphAugmentation } from '../data/augmentation.ts';
import type { Shape } from '../graph/types.ts';
import { countParameters, isFrozen, tensorShapes, type NetworkPlan } from '../nn/network.ts';
import { OnnxRuntime } from '../runtime/onnxruntime.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { convolutionLayers, modelSpec, preprocessingOf } from '../zoo/registry.ts';
import { readCheckpoint, writeCheckpoint, type Checkpoint, type Position } from './checkpoint.ts';
import { EpochHistory } from './epoch-history.ts';
import { inWords, isBetter, patienceInWords, withStep } from './epoch-measures.ts';
import { Evaluator } from './evaluation.ts';
import { noGradients } from './layer-watch.ts';
import { openRun, type OpenRun } from './open-run.ts';
import { runFiles } from './run-folder.ts';
import { StepPlan, type Step } from './step-plan.ts';
import { weightsNotFinite, StepRunner, type StepResults } from './step-runner.ts';
import { Throughput } from './throughput.ts';
import type { TrainOptions, TrainOutcome } from './train-options.ts';
import { TrainingState, type Kept } from './training-state.ts';

/** Throws FoveaError: `bad-input` for data or checkpoints that cannot be used, `unsupported` for a device, `io`. */
export async function train(options: TrainOptions): Promise<TrainOutcome> {
  const opened = await openRun(options);
  if (opened === null) return { kind: 'cancelled', epochsDone: 0 };
  try {
    return await new Trainer(options, opened).run();
  } finally {
    await opened.close();
  }
}

/** A dispatch should not take longer than this, so that progress moves and cancelling is quick. */
const dispatchMs = 200;
/** A crash costs no more than this, however long an epoch is. */
const saveEveryMs = 5 * 60_000;

class Trainer {
  private readonly options: TrainOptions;
  private readonly opened: OpenRun;
  private readonly runtime: Runtime;
  private readonly shapes: ReadonlyMap<string, Shape>;
  private readonly throughput = new Throughput();
  private readonly history: EpochHistory;
  private position: Position;
  /** What the next phase begins with: what the run started from, then the state of the phase before. */
  private kept: () => Kept;
  private savedAt = performance.now();

  constructor(options: TrainOptions, opened: OpenRun) {
    this.options = options;
    this.opened = opened;
    this.runtime = options.runtime ?? new OnnxRuntime();
    this.shapes = tensorShapes(opened.plan);
    this.kept = () => opened.checkpoint;
    this.position = { ...opened.checkpoint.position };
    const { folder, config } = options;
    this.history = new EpochHistory({
      folder,
      limitBytes: config.monitoring.historyMegabytes * 1e6,
      kernels: convolutionLayers(config.model.id, config.model.options).map(({ tensor }) => tensor),
      shapes: this.shapes,
    });
  }

  async run(): Promise<TrainOutcome> {
    const { config, report } = this.options;
    report.started(countParameters(this.opened.plan.parameters), this.epochsDone());
    report.log(
      'info',
      `${modelSpec(config.model.id).label} on ${this.opened.splits.train.images.count} images, ${this.runtime.description}, device ${config.device}${config.precision === 'mixed' ? ' in mixed precision' : ''}, seed ${config.seed}`,
    );
    if (this.position.step > 0)
      report.log('info', `Going on after ${this.position.step} steps (epoch ${this.epochsDone().toFixed(2)}).`);
    let firstEpoch = 0;
    for (const [index, { epochs }] of config.phases.entries()) {
      if (this.position.epoch < firstEpoch + this.epochsOf(index)) {
        const outcome = await this.runPhase(index, firstEpoch);
        if (outcome === 'cancelled') return { kind: 'cancelled', epochsDone: this.epochsDone() };
        if (outcome !== 'done')
          return { kind: 'finished', epochsDone: this.epochsDone(), reason: outcome.endedBecause };
      }
      firstEpoch += epochs;
    }
    return { kind: 'finished', epochsDone: this.epochsDone() };
  }

  /** The last phase gets the epochs that were added. */
  private epochsOf(phase: number): number {
    const { phases } = this.options.config;
    const { epochs } = phases[phase]!;
    return phase === phases.length - 1 ? epochs + this.opened.interventions.addedEpochs : epochs;
  }

  private epochsTotal(): number {
    return this.options.config.phases.reduce((sum, _, index) => sum + this.epochsOf(index), 0);
  }

  /** `endedBecause`: the whole run has ended here. */
  private async runPhase(index: number, firstEpoch: number): Promise<'done' | 'cancelled' | { endedBecause: string }> {
    const { config } = this.options;
    const phase = config.phases[index]!;
    const isNew = this.position.epoch === firstEpoch && this.position.stepInEpoch === 0;
    const startsAfresh = isNew && !goesOn(this.opened.plan, config.phases[index - 1], phase);
    if (startsAfresh) this.position.optimiserUpdate = 0;
    if (isNew && config.phases.length > 1) this.announce(phase, index + 1);
    const kept = startsAfresh ? { ...this.kept(), slots: new Map() } : this.kept();
    const state = new TrainingState(this.opened.plan, config, phase, kept);
    this.kept = () => state.keep(false);
    const shared = {
      runtime: this.runtime,
      device: config.device,
      threads: this.options.threads ?? 0,
      tuning: this.opened.tuning,
      plan: this.opened.plan,
      preprocessing: preprocessingOf(config.model),
      task: this.opened.task,
    };
    const { seed } = config;
    const { train, evaluation } = this.opened.splits;
    const runner = new StepRunner({ ...shared, ...train, augmentation: graphAugmentation(config), seed, state });
    const evaluator = await Evaluator.create({ ...shared, ...evaluation, layout: state.layout });
    const rateFactor = (stepsBefore: number): number => this.opened.interventions.rateFactor(stepsBefore);
    const plan = new StepPlan({
      config,
      phase,
      firstEpoch,
      update: state.update,
      imageCount: train.images.count,
      rateFactor,
    });
    try {
      while (this.position.epoch < firstEpoch + this.epochsOf(index)) {
        if (this.isStale()) {
          const why = patienceInWords(this.opened.task.deciding, this.position.epochsSinceBest);
          return { endedBecause: await this.showBest(phase, evaluator, why) };
        }
        const completed = (await this.runEpoch(plan, state, runner)) && (await this.evaluate(plan, state, evaluator));
        if (completed) await this.hear(true);
        if (this.isToFinish()) {
          if (!completed) await this.saveAsItIs(state);
          return { endedBecause: await this.showBest(phase, evaluator, 'Stopped by request.') };
        }
        if (!completed) {
          await this.saveAsItIs(state);
          return 'cancelled';
        }
      }
      return 'done';
    } catch (error) {
      // What was learned since the last checkpoint must not be lost with the device.
      if (isFailureOfDevice(error) && !state.isTorn) await this.save(state, false);
      throw error;
    } finally {
      await Promise.all([runner.close(), evaluator.close()]);
    }
  }

  private announce({ epochs, optimiser, freeze }: PhaseConfig, number: number): void {
    const { config, report } = this.options;
    const trained = countParameters(this.opened.plan.parameters.filter((parameter) => !isFrozen(parameter, freeze)));
    report.log(
      'info',
      `Phase ${number} of ${config.phases.length}: ${epochs} epochs with ${optimiser.kind}, ${trained} of ${countParameters(this.opened.plan.parameters)} parameters are trained.`,
    );
  }

  /** Takes what a person has asked for meanwhile. */
  private async hear(now = false): Promise<void> {
    const { report } = this.options;
    const at = { step: this.position.step, epoch: this.epochsDone() };
    const { taken, refused } = await this.opened.interventions.take(at, (change) => this.reasonAgainst(change), now);
    for (const recorded of taken) {
      const words = interventionInWords(recorded.change);
      report.log('info', `From step ${at.step + 1} on (epoch ${at.epoch.toFixed(2)}), by request: ${words}.`);
      report.changed(recorded, this.epochsTotal());
    }
    for (const { change, reason } of refused)
      report.log('warning', `Not done, though asked for: ${interventionInWords(change)}. ${reason}`);
  }

  private reasonAgainst(change: Intervention): string | null {
    if (change.kind === 'finish' && this.position.best === null)
      return 'No epoch has been measured yet, so there is no best one. Cancel the run instead.';
    if (change.kind === 'epochs' && this.epochsTotal() + change.added <= this.position.epoch)
      return `The run has done ${this.position.epoch} epochs already.`;
    return null;
  }

  private isToFinish(): boolean {
    const { finishStep } = this.opened.interventions;
    return finishStep !== null && this.position.step >= finishStep;
  }

  /** Whether it is time to end for want of a better epoch. A resumed run comes to the same answer. */
  private isStale(): boolean {
    const { patience } = this.options.config;
    const { best, epochsSinceBest, stepInEpoch } = this.position;
    return patience !== null && best !== null && stepInEpoch === 0 && epochsSinceBest >= patience;
  }

  /** The predictions that are kept become those of the best epoch, where they are not. Returns why the run ended, and with what. */
  private async showBest(phase: PhaseConfig, evaluator: Evaluator, why: string): Promise<string> {
    const { config, data, signal, report, folder } = this.options;
    const { position, tensors } = await readCheckpoint(runFiles.checkpoint(folder, 'best'), this.shapes);
    const reason = `${why} The best epoch was ${position.epoch}; its weights and predictions are kept.`;
    report.log('info', reason);
    if (position.epoch === this.position.epoch) return reason;
    this.progress('evaluating');
    const best = new TrainingState(this.opened.plan, { ...config, ema: null }, phase, {
      tensors,
      averages: null,
      slots: new Map(),
    });
    const file = runFiles.predictions(folder);
    const evaluation = await this.opened.task.startEvaluation({
      split: data.evaluation,
      source: data,
      epoch: position.epoch,
      file,
    });
    try {
      if (await evaluator.run(best.inferenceFeeds(), evaluation, signal)) await evaluation.writePredictions();
      else await evaluation.discard();
    } catch (error) {
      await evaluation.discard();
      throw error;
    }
    return reason;
  }

  /** The rest of the epoch's steps. False where it was cancelled, or is to finish. */
  private async runEpoch(plan: StepPlan, state: TrainingState, runner: StepRunner): Promise<boolean> {
    const most = runner.mostSteps(this.options.config.batchSize);
    while (this.position.stepInEpoch < plan.stepsPerEpoch) {
      if (this.options.signal.aborted) return false;
      await this.hear();
      if (this.isToFinish()) return false;
      this.progress('training');
      // As many steps as one dispatch should have, and none after the one that a resumed run was ended at.
      const until = (this.opened.interventions.finishStep ?? Infinity) - this.position.step;
      const untilLook = this.opened.layers?.stepsUntilLook(this.position.stepInEpoch, plan.stepsPerEpoch) ?? Infinity;
      // A step that is looked at has a dispatch of its own.
      const isLook = untilLook === 1;
      const limit = Math.min(this.throughput.stepsWithin(dispatchMs), most, until, isLook ? 1 : untilLook - 1);
      const steps = plan.next(this.position, limit);
      await runner.prepare(steps[0]!.positions.length, isLook);
      const started = performance.now();
      this.advance(steps, await runner.run(steps, this.position.step, isLook));
      if (isLook) this.lookAtGradients(state);
      this.throughput.add(
        steps.length,
        steps.reduce((sum, step) => sum + step.positions.length, 0),
        performance.now() - started,
      );
      if (started - this.savedAt > saveEveryMs) await this.saveAsItIs(state);
    }
    this.progress('training');
    return true;
  }

  private lookAtGradients(state: TrainingState): void {
    const gradients = state.gradients();
    if (this.opened.layers === null || gradients === null) return;
    this.position.gradients = this.opened.layers.look(this.position.gradients, gradients);
    state.forgetGradients();
  }

  private advance(steps: readonly Step[], { losses, counts }: StepResults): void {
    const points = steps.map(({ positions, completesUpdate }, i): MetricPoint => {
      const loss = losses[i]!;
      this.position.lossSum += loss * positions.length;
      this.position.counts = withStep(this.position.counts, counts, i, steps.length);
      this.position.seenImages += positions.length;
      this.position.stepInEpoch++;
      this.position.step++;
      if (completesUpdate) {
        this.position.update++;
        this.position.optimiserUpdate++;
      }
      return { series: 'step/loss', step: this.position.step, epoch: this.epochsDone(), value: loss };
    });
    this.options.report.points(points);
  }

  /** Measures the evaluation split, reports the epoch and saves. False where it was cancelled: the epoch is measured again. */
  private async evaluate(plan: StepPlan, state: TrainingState, evaluator: Evaluator): Promise<boolean> {
    const { config, data, signal, report, folder } = this.options;
    this.checkWeights(state);
    this.progress('evaluating');
    const epoch = this.position.epoch + 1;
    const file = runFiles.predictions(folder);
    const evaluation = await this.opened.task.startEvaluation({ split: data.evaluation, source: data, epoch, file });
    const { lossSum, counts, seenImages, step, best } = this.position;
    let isBest: boolean;
    try {
      if (!(await evaluator.run(state.inferenceFeeds(), evaluation, signal))) {
        await evaluation.discard();
        return false;
      }
      const measures = {
        'train/loss': lossSum / seenImages,
        ...this.opened.task.trainMeasures(counts, seenImages),
        ...evaluation.measures(),
      };
      const decided = measures[this.opened.task.deciding];
      isBest = decided !== undefined && isBetter(this.opened.task.deciding, decided, best);
      const reported = taskMetrics[config.task].flatMap((series) => {
        const value = measures[series];
        return value === undefined ? [] : [{ series, value }];
      });
      const learningRate = plan.learningRateAt(epoch - 1, plan.stepsPerEpoch - 1);
      report.points(
        [...reported, { series: 'epoch/learningRate' as const, value: learningRate }].map(
          ({ series, value }): MetricPoint => ({ series, step, epoch, value }),
        ),
      );
      const norms = await this.opened.layers?.endEpoch({ epoch, step }, this.position.gradients, state.weights());
      if (norms) report.points(norms);
      report.log('info', `Epoch ${epoch}: ${reported.map(inWords).join(', ')}`);
      this.position = {
        ...this.position,
        epoch,
        stepInEpoch: 0,
        lossSum: 0,
        seenImages: 0,
        counts: {},
        gradients: noGradients,
        best: isBest ? decided! : best,
        epochsSinceBest: isBest ? 0 : this.position.epochsSinceBest + 1,
      };
    } catch (error) {
      await evaluation.discard();
      throw error;
    }
    await evaluation.writePredictions();
    await this.save(state, isBest);
    const { averages, tensors } = state.keep(false);
    await this.history.keep(epoch, averages ?? tensors);
    return true;
  }

  /** A gradient that is not finite shows in the loss of the next step; the last step before a stop has none. */
  private checkWeights(state: TrainingState): void {
    if (!state.isFinite()) throw weightsNotFinite(this.position.step);
  }

  /** Somewhere within an epoch. */
  private async saveAsItIs(state: TrainingState): Promise<void> {
    this.checkWeights(state);
    await this.save(state, false);
  }

  private async save(state: TrainingState, best: boolean): Promise<void> {
    const { config, folder, report } = this.options;
    this.progress('saving');
    const isMidUpdate =
      this.position.stepInEpoch % config.accumulation !== 0 && this.position.stepInEpoch < this.stepsPerEpoch();
    const kept: Checkpoint = { position: { ...this.position }, ...state.keep(isMidUpdate) };
    const write = (name: CheckpointName, checkpoint: Checkpoint): Promise<void> =>
      writeCheckpoint(runFiles.checkpoint(folder, name), checkpoint, this.shapes, config.model.id);
    await write('last', kept);
    if (best) {
      const { averages, tensors } = kept;
      await write('best', { ...kept, tensors: averages ?? tensors, averages: null, slots: new Map() });
    }
    this.savedAt = performance.now();
    report.checkpoint(this.epochsDone(), best);
  }

  private stepsPerEpoch(): number {
    return Math.ceil(this.opened.splits.train.images.count / this.options.config.batchSize);
  }

  private epochsDone(): number {
    return this.position.epoch + this.position.stepInEpoch / this.stepsPerEpoch();
  }

  private progress(activity: RunProgress['activity']): void {
    const { report } = this.options;
    const epochsTotal = this.epochsTotal();
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

const isFailureOfDevice = (error: unknown): boolean =>
  error instanceof FoveaError && (error.code === 'device-failed' || error.code === 'out-of-memory');

/**
 * Whether the optimiser's moments and its count of updates stay when one phase follows another: where it is the same
 * optimiser with the same settings on the same weights. Otherwise they begin anew.
 */
function goesOn(plan: NetworkPlan, previous: PhaseConfig | undefined, next: PhaseConfig): boolean {
  if (!previous || JSON.stringify(previous.optimiser) !== JSON.stringify(next.optimiser)) return false;
  return plan.parameters.every(
    (parameter) => isFrozen(parameter, previous.freeze) === isFrozen(parameter, next.freeze),
  );
}
