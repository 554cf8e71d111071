/**
 * Tries a device for real: makes a session of one node on it and runs it. Must not run in the app's main process: a
 * provider whose driver is broken may take its process down.
 */
import { toErrorData } from '../../contract/errors.ts';
import type { Device } from '../../contract/model/run.ts';
import { writeModel } from '../graph/onnx-model.ts';
import type { Graph, Value } from '../graph/types.ts';
import { tensor } from '../graph/types.ts';
import type { Runtime } from './runtime.ts';

export interface DeviceProbe {
  device: Device;
  works: boolean;
  /** What the provider said, word for word; null where it works. */
  error: string | null;
}

/** y = x + x; more than a copy, so that the device computes something. */
function smallestGraph(): Graph {
  const x: Value = { name: 'x', dataType: 'float32', shape: [4] };
  const y: Value = { name: 'y', dataType: 'float32', shape: [4] };
  const node = { name: 'probe', opType: 'Add', domain: '', inputs: [x, x], outputs: [y], attributes: {} };
  return { name: 'probe', inputs: [x], outputs: [y], initializers: [], nodes: [node] };
}

export async function probeDevice(runtime: Runtime, device: Device): Promise<DeviceProbe> {
  try {
    const session = await runtime.createSession(writeModel(smallestGraph()), { device, threads: 1 });
    try {
      const { y } = await session.run({ x: tensor('float32', [4], [1, 2, 3, 4]) });
      const right = Array.from(y!.data as Float32Array).every((value, i) => value === 2 * (i + 1));
      return { device, works: right, error: right ? null : 'It computes wrong numbers: 1+1 … 4+4 came out otherwise.' };
    } finally {
      await session.release();
    }
  } catch (error) {
    const { message, context } = toErrorData(error);
    return { device, works: false, error: String(context['providerError'] ?? message) };
  }
}
