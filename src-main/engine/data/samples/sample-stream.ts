/**
 * Training images that chance has made anew, batch by batch in the order of training. Worker threads make the next ones
 * while a step is computed, so that training does not wait for them; what a sample is follows from seed, epoch and place
 * alone, however many threads there are and wherever a run goes on.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FoveaError, fromErrorData } from '../../../contract/errors.ts';
import { epochOrder } from '../epoch-order.ts';
import { SplitImages, type ExampleImages, type ImageFeed } from '../split-images.ts';
import { boxRowWidth } from './boxes.ts';
import type { SampleBatch, SampleMakerOptions } from './sample-maker.ts';
import type { SampleReply, SampleRequest } from './sample-worker.ts';

export interface SampleStreamOptions extends SampleMakerOptions {
  /** Images of a step. */
  batchSize: number;
  /** Entry of the worker thread: the bundled one where there is a bundle. */
  worker?: URL;
}

/** Of samples that wait for their step. */
const waitingBytes = 128 * 2 ** 20;
const mostThreads = 8;
const sourceWorker = new URL('./sample-worker.ts', import.meta.url);

/** One batch of an epoch: made, being made, or failed. */
interface Pending {
  batch: Promise<SampleBatch>;
  settle(reply: SampleReply): void;
  fail(error: unknown): void;
}

export class SampleStream implements ExampleImages {
  readonly count: number;
  readonly imageShape: readonly [number, number, number];
  readonly residentBytes = null;
  private readonly options: SampleStreamOptions;
  private readonly workers: readonly Worker[];
  private readonly pending = new Map<string, Pending>();
  private readonly orders = new Map<number, Uint32Array>();
  private readonly batchesAhead: number;
  /** Of the last feed, for the next one: to make tens of megabytes anew for each step takes a while. */
  private readonly buffers: {
    images: Uint8Array | null;
    masks: Uint8Array | null;
    boxes: Float32Array | null;
    keypoints: Float32Array | null;
  } = { images: null, masks: null, boxes: null, keypoints: null };
  private turn = 0;
  private failure: { error: unknown } | null = null;

  /** The caller closes it. Throws FoveaError `bad-input` for a missing or short pack, or for images of several sizes. */
  static async open(options: SampleStreamOptions): Promise<SampleStream> {
    const packs = await SplitImages.open(options.split, options.data.packs, 0);
    await packs.close();
    return new SampleStream(options);
  }

  private constructor(options: SampleStreamOptions) {
    const { data, split, batchSize, worker = sourceWorker } = options;
    const { channels, heightPx, widthPx } = data.packs[split.packs[0]!]!;
    this.options = options;
    this.count = split.imageIds.length;
    this.imageShape = [channels, heightPx, widthPx];
    this.batchesAhead = Math.min(
      64,
      Math.max(2, Math.floor(waitingBytes / (batchSize * channels * heightPx * widthPx))),
    );
    // A core in two is left for the network.
    const threads = Math.max(1, Math.min(mostThreads, Math.floor(availableParallelism() / 2)));
    const { settings, labelCapacity } = options;
    const workerData: SampleMakerOptions = {
      data: { packs: data.packs, fit: data.fit, pose: data.pose },
      split,
      settings,
      labelCapacity,
    };
    this.workers = Array.from({ length: threads }, () => this.start(worker, workerData));
  }

  feedRows(asked: number): number {
    return asked;
  }

  /**
   * `positions`: whole batches, one after the other in the epoch's order; only the epoch's last may be smaller. The arrays
   * hold until the next feed; what is in their rows beyond the images means nothing.
   */
  async feed(positions: ArrayLike<number>, asked: number, epoch: number): Promise<ImageFeed> {
    const { batchSize } = this.options;
    const first = this.order(epoch).indexOf(positions[0]!) / batchSize;
    const batches = Math.ceil(positions.length / batchSize);
    if (!Number.isInteger(first))
      throw new FoveaError('internal', 'internal: samples were asked for out of their order');
    this.askFrom(epoch, first, batches + this.batchesAhead);
    const made: SampleBatch[] = [];
    for (let batch = first; batch < first + batches; batch++) {
      const key = keyOf(epoch, batch);
      made.push(await this.pending.get(key)!.batch);
      this.pending.delete(key);
    }
    return this.together(made, positions.length, asked);
  }

  async close(): Promise<void> {
    await Promise.all(
      this.workers.map(
        (worker) =>
          new Promise<void>((resolve) => {
            worker.once('exit', () => resolve());
            if (worker.threadId === -1) resolve();
            worker.postMessage({ kind: 'end' } satisfies SampleRequest);
          }),
      ),
    );
    for (const { batch } of this.pending.values()) batch.catch(() => undefined);
    this.pending.clear();
  }

  private start(entry: URL, workerData: SampleMakerOptions): Worker {
    const worker = new Worker(entry, { workerData, name: 'fovea-samples' });
    worker.on('message', (reply: SampleReply) => this.pending.get(reply.key)?.settle(reply));
    const fail = (error: unknown): void => {
      this.failure ??= { error };
      for (const pending of this.pending.values()) pending.fail(error);
    };
    worker.on('error', fail);
    worker.on('exit', (code) => {
      if (code !== 0)
        fail(new FoveaError('process-died', `The thread that makes the samples ended (exit code ${code}).`));
    });
    return worker;
  }

  /** Has `batches` made from the `first` of an epoch on, and of the epochs after it. */
  private askFrom(epoch: number, first: number, batches: number): void {
    const { batchSize, settings } = this.options;
    const perEpoch = Math.ceil(this.count / batchSize);
    for (let ahead = 0; ahead < batches; ahead++) {
      const at = { epoch: epoch + Math.floor((first + ahead) / perEpoch), batch: (first + ahead) % perEpoch };
      if (at.epoch >= settings.epochsTotal) return;
      const key = keyOf(at.epoch, at.batch);
      if (!this.pending.has(key)) this.ask(key, at.epoch, at.batch);
    }
  }

  private ask(key: string, epoch: number, batch: number): void {
    const { batchSize } = this.options;
    const positions = this.order(epoch).slice(batch * batchSize, (batch + 1) * batchSize);
    let settle: Pending['settle'] = () => undefined;
    let fail: Pending['fail'] = () => undefined;
    const made = new Promise<SampleBatch>((resolve, reject) => {
      settle = (reply) => ('batch' in reply ? resolve(reply.batch) : reject(fromErrorData(reply.error)));
      fail = reject;
    });
    // It is looked at when its turn comes.
    made.catch(() => undefined);
    this.pending.set(key, { batch: made, settle, fail });
    if (this.failure) return fail(this.failure.error);
    const worker = this.workers[this.turn++ % this.workers.length]!;
    worker.postMessage({ kind: 'make', key, epoch, positions } satisfies SampleRequest);
  }

  /** The orders of this epoch and the next are kept. */
  private order(epoch: number): Uint32Array {
    const known = this.orders.get(epoch);
    if (known) return known;
    for (const old of this.orders.keys()) if (old < epoch - 1) this.orders.delete(old);
    const made = epochOrder(this.count, this.options.settings.seed, epoch);
    this.orders.set(epoch, made);
    return made;
  }

  private together(batches: readonly SampleBatch[], count: number, asked: number): ImageFeed {
    const [channels, height, width] = this.imageShape;
    const [first] = batches;
    const made = this.buffers;
    made.images = withRoom(made.images, asked * channels * height * width, Uint8Array);
    const feed: ImageFeed = {
      images: joined(
        batches.map(({ images }) => images),
        made.images,
      ),
      rows: Array.from({ length: count }, (_, i) => i),
    };
    if (first?.masks) {
      made.masks = withRoom(made.masks, asked * height * width, Uint8Array);
      const masks = batches.map((batch) => batch.masks!);
      feed.masks = joined(masks, made.masks);
    }
    if (first?.boxes) {
      made.boxes = withRoom(made.boxes, asked * this.options.labelCapacity * boxRowWidth, Float32Array);
      const boxes = batches.map((batch) => batch.boxes!);
      feed.boxes = joined(boxes, made.boxes);
    }
    if (first?.keypoints) {
      const length = first.keypoints.length / (first.images.length / (channels * height * width));
      made.keypoints = withRoom(made.keypoints, asked * length, Float32Array);
      const keypoints = batches.map((batch) => batch.keypoints!);
      feed.keypoints = joined(keypoints, made.keypoints);
    }
    return feed;
  }
}

/** The array itself where it has that length. */
function withRoom<A extends Uint8Array | Float32Array>(
  known: A | null,
  length: number,
  make: new (length: number) => A,
): A {
  return known?.length === length ? known : new make(length);
}

const keyOf = (epoch: number, batch: number): string => `${epoch}/${batch}`;

function joined<A extends Uint8Array | Float32Array>(parts: readonly A[], whole: A): A {
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
