/** Asks the runtime how its blocked kernels lay out channels: it depends on the processor, and no interface tells it. */
import { FoveaError } from '../../contract/errors.ts';
import type { Device } from '../../contract/model/run.ts';
import { writeModel } from '../graph/onnx-model.ts';
import { newGraph } from '../ops/index.ts';
import { reorderInput } from '../ops/blocked.ts';
import type { Runtime } from '../runtime/runtime.ts';

const answers = new WeakMap<Runtime, Promise<number | null>>();

/** Channels that lie side by side, or null where there are no blocked kernels. Asked once for each runtime. */
export function channelBlockOf(runtime: Runtime, device: Device): Promise<number | null> {
  if (device !== 'cpu') return Promise.resolve(null);
  const known = answers.get(runtime) ?? probe(runtime);
  answers.set(runtime, known);
  return known;
}

/** More than any block. */
const channels = 64;

/** In [1, C/b, 1, 2, b], element (channel 0, column 1) lies b places behind (channel 0, column 0). */
async function probe(runtime: Runtime): Promise<number | null> {
  const g = newGraph('channelBlock');
  const x = g.input('x', 'float32', [1, channels, 1, 2]);
  g.output(reorderInput(g, x), 'y');
  try {
    const session = await runtime.createSession(writeModel(g.graph), { device: 'cpu', threads: 1 });
    try {
      const data = Float32Array.from({ length: 2 * channels }, (_, i) => i);
      const { y } = await session.run({ x: { dataType: 'float32', shape: x.shape, data } });
      const place = (y!.data as Float32Array).indexOf(1);
      return place > 1 && channels % place === 0 ? place : null;
    } finally {
      await session.release();
    }
  } catch (error) {
    // A build of onnxruntime without these kernels refuses the model.
    if (error instanceof FoveaError) return null;
    throw error;
  }
}
