/** What a trained network says of images in a pack, one after the other, each into a file of its own. */
import { open } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import type { Tiling } from '../../contract/model/image-prediction.ts';
import type { CheckpointName } from '../../contract/model/run.ts';
import { place, type Letterbox, type SizePx } from '../data/letterbox.ts';
import { tensor, type Tensor } from '../graph/types.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { evaluationBatchSize } from './evaluation.ts';
import { lookInTiles } from './look-in-tiles.ts';
import { openGraph } from './open-graph.ts';
import { writeSeen } from './seen-file.ts';
import { buildInferenceGraph } from './step-graph.ts';
import type { Results } from './tasks/definition.ts';
import { openTrained, type TrainedNetwork } from './trained-network.ts';
import { TrainingState } from './training-state.ts';

export interface PredictRequest {
  /** The run's folder. */
  folder: string;
  checkpoint: CheckpointName;
  /** uint8 images one behind the other, each [3, H, W]: made to fit as the run's were, or at their own sizes for tiles. */
  file: string;
  /** Of each original image. */
  sizesPx: SizePx[];
  tiles: Tiling | null;
  /** Boxes below are left out. */
  scoreThreshold: number;
  /** A folder: what is said of the images is written there, from the number `first` on. */
  target: string;
  first: number;
}

export interface PredictAnswer {
  epoch: number;
  task: string;
  classes: string[];
}

/** Throws FoveaError `not-found` where there is no checkpoint, `bad-input`, `unsupported` for tiles of other tasks. */
export async function predict(
  runtime: Runtime,
  request: PredictRequest,
  report: (done: number, total: number) => void,
): Promise<PredictAnswer> {
  const { file, sizesPx, tiles, scoreThreshold, target, first } = request;
  const trained = await openTrained(request.folder, request.checkpoint);
  const { config, data, plan, task, epoch } = trained;
  const [channels, heightPx, widthPx] = plan.inputShape as [number, number, number];
  const network = { widthPx, heightPx };
  const inTiles = task.exported.tiles;
  if (tiles !== null && inTiles === undefined)
    throw new FoveaError('unsupported', `Tiles are joined for segmentation only, and this is ${config.task}.`);
  const looker = await Looker.open(runtime, trained, sizesPx.length);
  const images = await open(file, 'r');
  try {
    let [done, offset] = [0, 0];
    const read = async (count: number, size: SizePx): Promise<Uint8Array> => {
      const bytes = new Uint8Array(count * channels * size.widthPx * size.heightPx);
      const { bytesRead } = await images.read(bytes, 0, bytes.length, offset);
      if (bytesRead < bytes.length) throw new FoveaError('bad-input', `${file} is shorter than its images.`, { file });
      offset += bytes.length;
      return bytes;
    };
    while (done < sizesPx.length) {
      if (tiles !== null && inTiles !== undefined) {
        const size = sizesPx[done]!;
        const planes = await read(1, size);
        const masks = await lookInTiles(looker, inTiles, { planes, size, network, tiles });
        await writeSeen(target, first + done, { kind: 'masks', masks });
        done++;
      } else {
        const count = Math.min(looker.batchSize, sizesPx.length - done);
        const said = await looker.look(await read(count, network), count);
        for (const raw of said) {
          const placement: Letterbox = place(sizesPx[done]!, network, data.fit ?? 'letterbox');
          await writeSeen(target, first + done, task.exported.say(raw, placement, scoreThreshold));
          done++;
        }
      }
      report(done, sizesPx.length);
    }
    return { epoch, task: config.task, classes: data.categories };
  } finally {
    await Promise.all([looker.close(), images.close()]);
  }
}

/** The network with a batch that it is always given whole. */
class Looker {
  readonly batchSize: number;
  readonly #session: Session;
  readonly #state: TrainingState;
  readonly #shape: readonly number[];

  private constructor(batchSize: number, session: Session, state: TrainingState, shape: readonly number[]) {
    this.batchSize = batchSize;
    this.#session = session;
    this.#state = state;
    this.#shape = shape;
  }

  static async open(runtime: Runtime, trained: TrainedNetwork, most: number): Promise<Looker> {
    const { config, plan, preprocessing, task, tensors } = trained;
    const state = new TrainingState(plan, config, config.phases[0]!, { tensors, averages: null, slots: new Map() });
    const batchSize = evaluationBatchSize(plan.inputShape, most);
    const graph = buildInferenceGraph({
      plan,
      layout: state.layout,
      preprocessing,
      task: { label: task.label, evaluationResults: (g, outputs) => task.exported.raw(g, outputs) },
      imageCount: batchSize,
      batchSize,
    });
    const session = await openGraph(runtime, graph, { device: config.device, threads: 0 });
    return new Looker(batchSize, session, state, [batchSize, ...plan.inputShape]);
  }

  /** images: uint8 [count, C, H, W], no more than a batch. The results of each, with a batch of 1. */
  async look(images: Uint8Array, count: number): Promise<Results[]> {
    const bytes = new Uint8Array((images.length / count) * this.batchSize);
    bytes.set(images);
    const raw = await this.#session.run({
      ...this.#state.inferenceFeeds(),
      images: tensor('uint8', this.#shape, bytes),
      indices: tensor(
        'int64',
        [this.batchSize],
        Array.from({ length: this.batchSize }, (_, row) => Math.min(row, count - 1)),
      ),
    });
    return Array.from({ length: count }, (_, row) => rowOf(raw, row));
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

/** One image's part of each result, with a batch of 1. */
function rowOf(results: Readonly<Record<string, Tensor>>, row: number): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(results).map(([name, { dataType, shape, data }]) => {
      const length = data.length / shape[0]!;
      const part = data.subarray(row * length, (row + 1) * length) as Float32Array;
      return [name, { dataType, shape: [1, ...shape.slice(1)], data: part }];
    }),
  );
}
