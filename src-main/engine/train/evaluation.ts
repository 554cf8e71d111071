/** Runs the network over a whole split, batch by batch, and hands what comes out to the task's evaluation. */
import type { Device } from '../../contract/model/run.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import type { SplitImages } from '../data/split-images.ts';
import { tensor, type Graph, type Shape, type Tensor } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import { passesFor } from '../tuner/machine.ts';
import { openGraph } from './open-graph.ts';
import type { StateLayout } from './state-layout.ts';
import { buildInferenceGraph } from './step-graph.ts';
import type { Evaluation, SplitLabels, Task } from './tasks/definition.ts';

const mostImages = 256;
const mostPixels = 2 ** 18;

/** Fewer images at once where they are large, and no more than there are. imageShape: [C, H, W]. */
export function evaluationBatchSize(imageShape: Shape, imageCount: number): number {
  const [, height, width] = imageShape as [number, number, number];
  return Math.max(1, Math.min(mostImages, imageCount, Math.floor(mostPixels / (height * width))));
}

export interface EvaluatorOptions {
  runtime: Runtime;
  device: Device;
  threads: number;
  /** A tuner's file; null where the rules decide. */
  tuning: string | null;
  plan: NetworkPlan;
  layout: StateLayout;
  preprocessing: Preprocessing;
  task: Pick<Task, 'label' | 'evaluationResults'>;
  images: SplitImages;
  labels: SplitLabels;
}

export class Evaluator {
  private readonly options: EvaluatorOptions;
  private readonly session: Session;
  private readonly batchSize: number;
  /** Names of what the graph reads. */
  private readonly inputs: ReadonlySet<string>;

  private constructor(options: EvaluatorOptions, session: Session, batchSize: number, graph: Graph) {
    this.options = options;
    this.session = session;
    this.batchSize = batchSize;
    this.inputs = new Set(graph.inputs.map(({ name }) => name));
  }

  /** The caller closes it. */
  static async create(options: EvaluatorOptions): Promise<Evaluator> {
    const { runtime, device, threads, tuning, images, plan, layout, preprocessing, task } = options;
    const batchSize = evaluationBatchSize(images.imageShape, images.count);
    const imageCount = images.feedRows(batchSize);
    const passes = await passesFor(runtime, { device, threads }, tuning);
    const graph = buildInferenceGraph({ plan, layout, preprocessing, task, imageCount, batchSize, passes });
    return new Evaluator(options, await openGraph(runtime, graph, { device, threads }), batchSize, graph);
  }

  /** False where `signal` ended it. The last batch is filled up with its first image. */
  async run(state: Readonly<Record<string, Tensor>>, evaluation: Evaluation, signal: AbortSignal): Promise<boolean> {
    const { images, labels, task } = this.options;
    const { batchSize } = this;
    const rowCount = images.feedRows(batchSize);
    for (let first = 0; first < images.count; first += batchSize) {
      if (signal.aborted) return false;
      const positions = Array.from({ length: batchSize }, (_, i) => (first + i < images.count ? first + i : first));
      const count = Math.min(batchSize, images.count - first);
      const feed = await images.feed(positions);
      const fedLabels = await labels.feed(positions, batchSize, feed);
      const read: Record<string, Tensor> = {
        labels: { dataType: task.label.dataType, shape: [rowCount, ...task.label.shape], data: fedLabels },
        imageCount: tensor('int64', [], [count]),
      };
      const results = await this.session.run({
        ...state,
        ...Object.fromEntries(Object.entries(read).filter(([name]) => this.inputs.has(name))),
        images: { dataType: 'uint8', shape: [rowCount, ...images.imageShape], data: feed.images },
        indices: tensor('int64', [batchSize], feed.rows),
      });
      await evaluation.add({ results, first, count, labels: fedLabels, rows: feed.rows });
    }
    return true;
  }

  close(): Promise<void> {
    return this.session.release();
  }
}
