/** Entry of the thread that makes a run's samples while the run trains. */
import { parentPort, workerData } from 'node:worker_threads';
import { invariant, toErrorData, type ErrorData } from '../../../contract/errors.ts';
import { SampleMaker, type SampleBatch, type SampleMakerOptions } from './sample-maker.ts';

export type SampleRequest = { kind: 'make'; key: string; epoch: number; positions: Uint32Array } | { kind: 'end' };
export type SampleReply = { key: string; batch: SampleBatch } | { key: string; error: ErrorData };

const port = parentPort;
invariant(port, 'the sample worker runs only as a worker thread');
const maker = new SampleMaker(workerData as SampleMakerOptions);
port.on('message', (request: SampleRequest) => {
  if (request.kind === 'end') {
    maker.close();
    port.close();
    return;
  }
  const { key, epoch, positions } = request;
  try {
    const batch = maker.make(epoch, positions);
    const { images, masks, boxes, keypoints } = batch;
    const buffers = [images, masks, boxes, keypoints].flatMap((array) => (array ? [array.buffer] : []));
    port.postMessage({ key, batch } satisfies SampleReply, buffers);
  } catch (error) {
    port.postMessage({ key, error: toErrorData(error) } satisfies SampleReply);
  }
});
