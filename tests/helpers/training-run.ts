/** Small training runs for tests: packs of drawn images in two files, the run's folder, and what the trainer reported. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordedIntervention } from '../../src-main/contract/model/intervention.ts';
import type { LogLine, MetricPoint, RunConfig, RunProgress, SeriesName } from '../../src-main/contract/model/run.ts';
import type { SplitData, TrainingData } from '../../src-main/engine/data/training-data.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import type { Runtime, Session, SessionOptions } from '../../src-main/engine/runtime/runtime.ts';
import { runFiles } from '../../src-main/engine/train/run-folder.ts';
import type { StartFile } from '../../src-main/engine/train/start-weights.ts';
import type { SplitLabels, Task } from '../../src-main/engine/train/tasks/definition.ts';
import { taskFor } from '../../src-main/engine/train/tasks/index.ts';
import type { TrainOptions, TrainOutcome } from '../../src-main/engine/train/train-options.ts';
import { train } from '../../src-main/engine/train/trainer.ts';
import { noAugmentation } from '../../src-main/contract/model/run-images.ts';
import { drawImages, seededRandom, shuffledLabels } from './generated-data.ts';
import { smallConfig } from './run-config.ts';
import { removeFolder } from './remove-folder.ts';

export interface SmallData {
  folder: string;
  data: TrainingData;
  dispose(): Promise<void>;
}

/** An empty one within the data's, for a run. */
export async function newFolder({ folder }: Pick<SmallData, 'folder'>, name: string): Promise<string> {
  const made = join(folder, name);
  await mkdir(made);
  return made;
}

export interface SmallDataSize {
  train: number;
  test: number;
  channels: number;
  side: number;
}

/** Training images lie in two packs in turn, so that neighbours in the split are not neighbours in a file. */
export async function makeSmallData({ train: trainCount, test, channels, side }: SmallDataSize): Promise<SmallData> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-training-'));
  const random = seededRandom(21);
  const split = async (names: string[], count: number, firstPack: number, firstId: number) => {
    const labels = shuffledLabels(count, random);
    const images = drawImages(labels, channels, side, random);
    const size = channels * side * side;
    const owned = names.map((_, pack) =>
      Array.from({ length: count }, (_image, i) => i).filter((i) => i % names.length === pack),
    );
    const packs = names.map((name, pack) => ({
      file: join(folder, name),
      count: owned[pack]!.length,
      channels,
      heightPx: side,
      widthPx: side,
    }));
    for (const [pack, images_] of owned.entries()) {
      await writeFile(packs[pack]!.file, Buffer.concat(images_.map((i) => images.subarray(i * size, (i + 1) * size))));
    }
    const data: SplitData = {
      imageIds: Array.from(labels, (_, i) => firstId + i),
      packs: Array.from(labels, (_, i) => firstPack + (i % names.length)),
      rows: Array.from(labels, (_, i) => Math.floor(i / names.length)),
      labels: [...labels],
    };
    return { packs, data };
  };
  const training = await split(['train-0.u8', 'train-1.u8'], trainCount, 0, 1);
  const testing = await split(['test.u8'], test, 2, 1001);
  return {
    folder,
    data: {
      categories: Array.from({ length: 10 }, (_, i) => `class ${i}`),
      packs: [...training.packs, ...testing.packs],
      train: training.data,
      evaluation: testing.data,
    },
    dispose: () => removeFolder(folder),
  };
}

/** The task of a configuration, for ten categories. */
export const taskOf = (config: RunConfig): Task => taskFor({ config, categoryCount: 10, imageShape: [3, 32, 32] });

/** What a runner needs of labels that are in memory, as its images are. */
export const labelsInMemory = (labels: readonly number[]): SplitLabels => ({
  feed: () => Promise.resolve(BigInt64Array.from(labels, BigInt)),
  close: () => Promise.resolve(),
});

/** Everything that makes a step depend on more than its batch: batches of 8, three to an update. */
export function everythingOn(phases: RunConfig['phases']): RunConfig {
  const changes = {
    batchSize: 8,
    accumulation: 3,
    ema: { decay: 0.95, warmupSteps: 4 },
    augmentation: { ...noAugmentation, flipHorizontal: 0.5, shift: 2 },
    phases,
  };
  return smallConfig(changes, { batchNorm: true, dropout: 0.2 });
}

/** onnxruntime with a look at what goes through it: the steps of every training dispatch. */
export class WatchedRuntime implements Runtime {
  readonly dispatches: number[] = [];
  /** Thrown by the next session that is made, if set. */
  failure: Error | null = null;
  private readonly inner = new OnnxRuntime();

  get description(): string {
    return this.inner.description;
  }
  get liveSessions(): number {
    return this.inner.liveSessions;
  }
  async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    if (this.failure) throw this.failure;
    const session = await this.inner.createSession(model, options);
    return {
      run: (feeds, into) => {
        const { steps } = feeds;
        if (steps) this.dispatches.push(Number(steps.data[0]));
        return session.run(feeds, into);
      },
      readKept: () => session.readKept(),
      release: () => session.release(),
    };
  }
}

export interface Reported {
  outcome: TrainOutcome;
  started: { parameterCount: number; epochsDone: number }[];
  points: MetricPoint[];
  progress: Omit<RunProgress, 'runId'>[];
  logs: { level: LogLine['level']; text: string }[];
  checkpoints: { epoch: number; best: boolean }[];
  interventions: RecordedIntervention[];
}

export interface RunOptions {
  resume?: boolean;
  runtime?: Runtime;
  threads?: number;
  start?: StartFile;
  tuning?: string;
  /** Called with every event before the next one comes; may cancel. */
  onProgress?: (progress: Omit<RunProgress, 'runId'>, cancel: () => void) => void;
  /** `steps` counts the steps that this call has done so far. */
  onSteps?: (steps: number, cancel: () => void) => void;
  onPoints?: (points: readonly MetricPoint[]) => void;
}

/** Trains in `folder` and gives back what was reported. */
export async function runTraining(
  folder: string,
  config: RunConfig,
  data: TrainingData,
  options: RunOptions = {},
): Promise<Reported> {
  const abort = new AbortController();
  const cancel = (): void => abort.abort();
  const reported: Omit<Reported, 'outcome'> = {
    started: [],
    points: [],
    progress: [],
    logs: [],
    checkpoints: [],
    interventions: [],
  };
  let steps = 0;
  const report: TrainOptions['report'] = {
    started: (parameterCount, epochsDone) => void reported.started.push({ parameterCount, epochsDone }),
    progress: (progress) => {
      reported.progress.push(progress);
      options.onProgress?.(progress, cancel);
    },
    points: (points) => {
      reported.points.push(...points);
      options.onPoints?.(points);
      steps += points.filter(({ series }) => series === 'step/loss').length;
      options.onSteps?.(steps, cancel);
    },
    log: (level, text) => void reported.logs.push({ level, text }),
    checkpoint: (epoch, best) => void reported.checkpoints.push({ epoch, best }),
    changed: (intervention) => void reported.interventions.push(intervention),
  };
  const { resume = false, runtime, threads, start, tuning } = options;
  const own = { resume, runtime, threads, start, tuning };
  const outcome = await train({ folder, config, data, signal: abort.signal, report, ...own });
  return { outcome, ...reported };
}

export const valuesOf = ({ points }: Pick<Reported, 'points'>, series: SeriesName): number[] =>
  points.filter((point) => point.series === series).map(({ value }) => value);

/** What a run leaves behind, as hashes: a difference between files is one line, not a million. */
export async function remains(folder: string): Promise<Record<string, string>> {
  const files = {
    last: runFiles.checkpoint(folder, 'last'),
    best: runFiles.checkpoint(folder, 'best'),
    predictions: runFiles.predictions(folder),
  };
  const hashed = Object.entries(files).map(async ([name, file]) => {
    const hash = createHash('sha256').update(await readFile(file));
    return [name, hash.digest('hex')] as const;
  });
  return Object.fromEntries(await Promise.all(hashed));
}
