/** Runs the network over a whole split and gives the logits, in the split's order. */
import type { Device } from '../../contract/model/run.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import type { SplitImages } from '../data/split-images.ts';
import { tensor, type Tensor } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import { openGraph } from './open-graph.ts';
import type { StateLayout } from './state-layout.ts';
import { buildInferenceGraph } from './step-graph.ts';

export const evaluationBatchSize = 256;

export interface EvaluatorOptions {
  runtime: Runtime;
  device: Device;
  threads: number;
  plan: NetworkPlan;
  layout: StateLayout;
  preprocessing: Preprocessing;
  images: SplitImages;
  categoryCount: number;
}

export class Evaluator {
  private readonly options: EvaluatorOptions;
  private readonly session: Session;

  private constructor(options: EvaluatorOptions, session: Session) {
    this.options = options;
    this.session = session;
  }

  /** The caller closes it. */
  static async create(options: EvaluatorOptions): Promise<Evaluator> {
    const { runtime, device, threads, images, plan, layout, preprocessing } = options;
    const graph = buildInferenceGraph({
      plan,
      layout,
      preprocessing,
      imageCount: images.feedRows(evaluationBatchSize),
      batchSize: evaluationBatchSize,
    });
    return new Evaluator(options, await openGraph(runtime, graph, { device, threads }));
  }

  /** Logits [N, categories], or null where `signal` ended it. The last batch is filled up with its first image. */
  async logits(
    state: Readonly<Record<string, Tensor>>,
    signal: AbortSignal,
    onBatch?: (done: number) => void,
  ): Promise<Float32Array | null> {
    const { images, categoryCount } = this.options;
    const all = new Float32Array(images.count * categoryCount);
    for (let start = 0; start < images.count; start += evaluationBatchSize) {
      if (signal.aborted) return null;
      const positions = Array.from({ length: evaluationBatchSize }, (_, i) =>
        start + i < images.count ? start + i : start,
      );
      const feed = await images.feed(positions);
      const { logits } = await this.session.run({
        ...state,
        images: {
          dataType: 'uint8',
          shape: [images.feedRows(evaluationBatchSize), ...images.imageShape],
          data: feed.images,
        },
        indices: tensor('int64', [evaluationBatchSize], feed.rows),
      });
      const wanted = Math.min(evaluationBatchSize, images.count - start);
      all.set((logits!.data as Float32Array).subarray(0, wanted * categoryCount), start * categoryCount);
      onBatch?.(start + wanted);
    }
    return all;
  }

  close(): Promise<void> {
    return this.session.release();
  }
}
