/**
 * One run in this process: takes the job, trains, reports at a pace that the parent can bear, and ends in exactly one of
 * finished, cancelled or failed. Knows neither Electron nor how messages travel.
 */
import { invariant, toErrorData } from '../contract/errors.ts';
import type { LogLine, MetricPoint } from '../contract/model/run.ts';
import { readStartFile } from '../engine/train/start-weights.ts';
import { readTrainingData } from '../engine/train/training-data-file.ts';
import { runFiles } from '../engine/train/run-folder.ts';
import type { RunEvent } from '../engine/train/run-events.ts';
import type { TrainerReporter, TrainOutcome } from '../engine/train/train-options.ts';
import type { train } from '../engine/train/trainer.ts';
import { acquireFolderLock } from './folder-lock.ts';
import type { TrainerCommand, TrainerEvent, TrainJob } from './messages.ts';
import { MachineLoad } from './machine-load.ts';
import { Pacer } from './pacer.ts';
import { RunRecorder } from './run-recorder.ts';

const progressEveryMs = 100;
const pointsEveryMs = 200;

type ProgressEvent = Extract<TrainerEvent, { kind: 'progress' }>;

export class TrainingSession {
  /** Resolves once the last event has been sent. */
  readonly ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;
  #send: (event: TrainerEvent) => void;
  #loadTrain: () => Promise<typeof train>;
  #abort = new AbortController();
  #recorder: RunRecorder | null = null;
  #hasJob = false;
  #hasEnded = false;
  #load = new MachineLoad();
  #imagesPerSecond: number | null = null;
  #lastStep = 0;
  #progress: Pacer<ProgressEvent>;
  #points: Pacer<MetricPoint[]>;

  /** `loadTrain` is called when the job is there, so that an engine that cannot load fails the run with its reason. */
  constructor(send: (event: TrainerEvent) => void, loadTrain: () => Promise<typeof train>) {
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#send = send;
    this.#loadTrain = loadTrain;
    this.#progress = new Pacer<ProgressEvent>(progressEveryMs, (_, next) => next, send);
    this.#points = new Pacer(
      pointsEveryMs,
      (waiting, next) => [...waiting, ...next],
      (points) => send({ kind: 'points', points }),
    );
  }

  handle(command: TrainerCommand): void {
    if (command.kind === 'cancel') this.stop();
    else void this.#run(command.job);
  }

  /** Ends the run in an orderly way: a checkpoint is written first. Without a run there is nothing to wait for. */
  stop(): void {
    this.#abort.abort();
    if (!this.#hasJob) this.#resolveEnded();
  }

  /** Ends the run with an error, from wherever it came. */
  fail(error: unknown): void {
    if (this.#hasEnded) return;
    const data = toErrorData(error);
    try {
      this.#log('error', data.message);
      if (data.code === 'internal' && error instanceof Error && error.stack) this.#log('debug', error.stack);
      this.#recorder?.record({ kind: 'failed', error: data });
    } catch {
      // The run's folder cannot be written to; the parent must hear of the first error all the same.
    }
    this.#end({ kind: 'failed', error: data });
  }

  async #run(job: TrainJob): Promise<void> {
    try {
      invariant(!this.#hasJob, 'a training process was given a second job');
      this.#hasJob = true;
      const outcome: RunEvent = await this.#trainAlone(job);
      this.#recorder?.record(outcome);
      this.#end(outcome);
    } catch (error) {
      this.fail(error);
    }
  }

  async #trainAlone(job: TrainJob): Promise<TrainOutcome> {
    const lock = await acquireFolderLock(runFiles.lock(job.folder));
    try {
      this.#recorder = new RunRecorder(job.folder, job.config.task);
      return await this.#train(job);
    } finally {
      await lock.release();
    }
  }

  async #train(job: TrainJob): Promise<TrainOutcome> {
    const [train, data, start] = await Promise.all([
      this.#loadTrain(),
      readTrainingData(runFiles.data(job.folder)),
      readStartFile(job.folder),
    ]);
    this.#load.begin(job.config);
    return train({ ...job, data, start, signal: this.#abort.signal, report: this.#reporter() });
  }

  #reporter(): TrainerReporter {
    return {
      started: (parameterCount, epochsDone) => this.#tell({ kind: 'started', parameterCount, epochsDone }),
      progress: (progress) => {
        this.#imagesPerSecond = progress.imagesPerSecond;
        this.#progress.add({ kind: 'progress', progress });
      },
      points: (points) => {
        this.#tellPoints(points);
        const last = points.at(-1);
        if (last === undefined) return;
        this.#lastStep = last.step;
        // After the epoch's last step its checkpoint follows, and a measure with it.
        if (!Number.isInteger(last.epoch) && this.#load.isDue()) this.#tellLoad(last.epoch);
      },
      log: (level, text) => this.#log(level, text),
      checkpoint: (epoch, best) => {
        if (Number.isInteger(epoch)) this.#tellLoad(epoch);
        this.#tell({ kind: 'checkpoint', epoch, best });
      },
      changed: (intervention, epochsTotal) => this.#tell({ kind: 'changed', intervention, epochsTotal }),
    };
  }

  #tellPoints(points: MetricPoint[]): void {
    this.#recorder?.record({ kind: 'points', points });
    this.#points.add(points);
  }

  #tellLoad(epoch: number): void {
    this.#tellPoints(this.#load.points(this.#lastStep, epoch, this.#imagesPerSecond));
  }

  #log(level: LogLine['level'], text: string): void {
    this.#tell({ kind: 'log', lines: [{ time: new Date().toISOString(), level, text }] });
  }

  #tell(event: RunEvent): void {
    this.#recorder?.record(event);
    this.#points.flush();
    this.#send(event);
  }

  #end(event: RunEvent): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#load.end();
    this.#recorder?.close();
    this.#progress.flush();
    this.#points.flush();
    this.#send(event);
    this.#resolveEnded();
  }
}
