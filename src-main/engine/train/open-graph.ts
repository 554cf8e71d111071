/** A session for a graph on a device, with what that device needs of it. */
import type { Device } from '../../contract/model/run.ts';
import { writeModel, type OpenAxes } from '../graph/onnx-model.ts';
import type { Graph } from '../graph/types.ts';
import { fitDevice, nodesForCpu } from '../passes/fit-device.ts';
import type { Runtime, Session, SessionOptions } from '../runtime/runtime.ts';
import { asLoop, unrollLoop } from './unrolled-session.ts';

/** Devices on which results can stay, and whose provider knows no Loop. */
const unrolls: ReadonlySet<Device> = new Set<Device>(['webgpu']);

/**
 * Of a training graph, the input that says which images each step takes, with the axis of a step's images. Where onnxruntime
 * knows two shapes to be equal, it gives one value the other's memory and keeps that in between: from the forward pass to the
 * end of the backward pass. What depends on an axis that the model leaves open, it lets go once nobody reads it any more.
 */
const openBatch = ({ inputs }: Graph): OpenAxes =>
  inputs.some(({ name, shape }) => name === 'indices' && shape.length === 2) ? { indices: 1 } : {};

/** The caller releases it. Throws what `Runtime.createSession` throws. */
export async function openGraph(
  runtime: Runtime,
  graph: Graph,
  options: Omit<SessionOptions, 'cpuNodes' | 'kept'>,
): Promise<Session> {
  const { device } = options;
  const loop = unrolls.has(device) ? unrollLoop(graph) : null;
  const fitted = fitDevice(loop?.graph ?? graph, device);
  const session = await runtime.createSession(writeModel(fitted, {}, device === 'cpu' ? openBatch(fitted) : {}), {
    ...options,
    cpuNodes: nodesForCpu(fitted, device),
    ...(loop && { kept: Object.fromEntries(loop.carried.map(({ input, output }) => [input, output])) }),
  });
  return loop ? asLoop(session, loop) : session;
}
