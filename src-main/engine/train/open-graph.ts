/** A session for a graph on a device, with what that device needs of it. */
import type { Device } from '../../contract/model/run.ts';
import { writeModel } from '../graph/onnx-model.ts';
import type { Graph } from '../graph/types.ts';
import { fitDevice, nodesForCpu } from '../passes/fit-device.ts';
import type { Runtime, Session, SessionOptions } from '../runtime/runtime.ts';
import { asLoop, unrollLoop } from './unrolled-session.ts';

/** Devices on which results can stay, and whose provider knows no Loop. */
const unrolls: ReadonlySet<Device> = new Set<Device>(['webgpu']);

/** Whether a graph is of training steps: these go through so much memory that it counts when each value is let go. */
const trains = ({ inputs }: Graph): boolean =>
  inputs.some(({ name, shape }) => name === 'indices' && shape.length === 2);

/** The caller releases it. Throws what `Runtime.createSession` throws. */
export async function openGraph(
  runtime: Runtime,
  graph: Graph,
  options: Omit<SessionOptions, 'cpuNodes' | 'kept'>,
): Promise<Session> {
  const { device, writesAll: stopsCopies = false } = options;
  const loop = unrolls.has(device) ? unrollLoop(graph) : null;
  const fitted = fitDevice(loop?.graph ?? graph, device);
  const letsGo = device === 'cpu' && trains(graph);
  const model = writeModel(fitted, {}, { hidesSizes: letsGo, stopsCopies });
  const session = await runtime.createSession(model, {
    // Its own passes would find nothing that ours have left, but change the order of nodes and keep large constants.
    unoptimised: letsGo,
    ...options,
    cpuNodes: nodesForCpu(fitted, device),
    ...(loop && { kept: Object.fromEntries(loop.carried.map(({ input, output }) => [input, output])) }),
  });
  return loop ? asLoop(session, loop) : session;
}
