/** What a trained network says of images in a pack, one after the other. */
import type { Said } from '../../contract/model/image-prediction.ts';
import type { CheckpointName } from '../../contract/model/run.ts';
import { placementOf } from '../data/letterbox.ts';
import { SplitImages } from '../data/split-images.ts';
import type { ImagePack, SplitData } from '../data/training-data.ts';
import { tensor, type Tensor } from '../graph/types.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { evaluationBatchSize } from './evaluation.ts';
import { openGraph } from './open-graph.ts';
import { buildInferenceGraph } from './step-graph.ts';
import { openTrained } from './trained-network.ts';
import { TrainingState } from './training-state.ts';

export interface PredictRequest {
  /** The run's folder. */
  folder: string;
  checkpoint: CheckpointName;
  /** Made to fit as the run's images were. */
  pack: ImagePack;
  /** Width and height of each original image, px: [images, 2]. */
  sizesPx: number[];
  /** Boxes below are left out. */
  scoreThreshold: number;
}

export interface PredictAnswer {
  epoch: number;
  task: string;
  classes: string[];
  /** In the order of the pack. */
  said: Said[];
}

/** Throws FoveaError `not-found` where there is no checkpoint, `bad-input`. */
export async function predict(
  runtime: Runtime,
  { folder, checkpoint, pack, sizesPx, scoreThreshold }: PredictRequest,
  report: (done: number, total: number) => void,
): Promise<PredictAnswer> {
  const { config, data, plan, preprocessing, task, tensors, epoch } = await openTrained(folder, checkpoint);
  const rows = Array.from({ length: pack.count }, (_, row) => row);
  const split: SplitData = { imageIds: rows, packs: rows.map(() => 0), rows, labels: [], sizesPx };
  const source = { packs: [pack], ...(data.fit && { fit: data.fit }) };
  const state = new TrainingState(plan, config, config.phases[0]!, { tensors, averages: null, slots: new Map() });
  const images = await SplitImages.open(split, [pack], 0);
  try {
    const batchSize = evaluationBatchSize(images.imageShape, images.count);
    const graph = buildInferenceGraph({
      plan,
      layout: state.layout,
      preprocessing,
      task: { label: task.label, evaluationResults: (g, outputs) => task.exported.raw(g, outputs) },
      imageCount: batchSize,
      batchSize,
    });
    const session = await openGraph(runtime, graph, { device: config.device, threads: 0 });
    try {
      const said: Said[] = [];
      for (let first = 0; first < images.count; first += batchSize) {
        const positions = Array.from({ length: batchSize }, (_, i) => Math.min(first + i, images.count - 1));
        const feed = await images.feed(positions);
        const raw = await session.run({
          ...state.inferenceFeeds(),
          images: tensor('uint8', [batchSize, ...images.imageShape], feed.images),
          indices: tensor('int64', [batchSize], Array.from(feed.rows)),
        });
        for (let row = 0; row < Math.min(batchSize, images.count - first); row++) {
          const placement = placementOf(source, split, first + row);
          said.push(task.exported.say(rowOf(raw, row), placement, scoreThreshold));
        }
        report(said.length, images.count);
      }
      return { epoch, task: config.task, classes: data.categories, said };
    } finally {
      await session.release();
    }
  } finally {
    await images.close();
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
