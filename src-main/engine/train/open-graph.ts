/** A session for a graph on a device, with what that device needs of it. */
import { writeModel } from '../graph/onnx-model.ts';
import type { Graph } from '../graph/types.ts';
import { fitDevice, nodesForCpu } from '../passes/fit-device.ts';
import type { Runtime, Session, SessionOptions } from '../runtime/runtime.ts';

/** The caller releases it. Throws what `Runtime.createSession` throws. */
export function openGraph(runtime: Runtime, graph: Graph, options: Omit<SessionOptions, 'cpuNodes'>): Promise<Session> {
  const fitted = fitDevice(graph, options.device);
  return runtime.createSession(writeModel(fitted), { ...options, cpuNodes: nodesForCpu(fitted, options.device) });
}
