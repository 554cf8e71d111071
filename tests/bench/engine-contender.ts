/**
 * Our side of the engine bench, in a process of its own so that its memory can be told apart. Arguments and commands are
 * those of engine_peer.py. FOVEA_TUNING names what a tuner measured; PROFILE=prefix has onnxruntime write its profile per node.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import { tensor, type Tensor } from '../../src-main/engine/graph/types.ts';
import { countNodes, optimise } from '../../src-main/engine/passes/index.ts';
import { freeMemory } from '../../src-main/engine/runtime/free-memory.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { updatesInPlace } from '../../src-main/engine/train/in-place-graph.ts';
import { frozenName, carriedVectors } from '../../src-main/engine/train/state-layout.ts';
import { StepsInPlace } from '../../src-main/engine/train/steps-in-place.ts';
import { replaceVector } from '../../src-main/engine/train/training-state.ts';
import type { Session } from '../../src-main/engine/runtime/runtime.ts';
import { passesFor, placeOf } from '../../src-main/engine/tuner/machine.ts';
import { benchNetworks, inPlaceGraph, planStep, stepGraph, stepNumbers, update } from './engine-networks.ts';

const [folder, threadsText, id] = process.argv.slice(2) as [string, string, string];
const net = benchNetworks.find((candidate) => candidate.id === id)!;
const maximumSteps = 32;

const resident = (field: 'VmRSS' | 'VmHWM'): number =>
  1024 * Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]);
const answer = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const runtime = new OnnxRuntime();

const options = { device: 'cpu', threads: Number(threadsText) } as const;
// onnxruntime loads itself when its first session is made, PyTorch when it is imported: neither counts, nor does what loading
// left behind for the garbage collector.
await placeOf(runtime, options);
freeMemory();
const baselineBytes = resident('VmRSS');
writeFileSync('/proc/self/clear_refs', '5');
const planned = planStep(net);
const { session, nodes } = await openSession();

const vector = (data: Float32Array): Tensor => ({ dataType: 'float32', shape: [data.length], data });
const initial = initialState();
const { state } = initial;
const constantFeeds: Record<string, Tensor> = {
  bytes: { dataType: 'uint8', shape: net.input, data: new Uint8Array(readFileSync(`${folder}/batch.u8`)) },
  labels: tensor(
    'int64',
    [net.input[0]],
    Array.from({ length: net.input[0] }, (_, i) => i % 10),
  ),
  ...initial.frozen,
};

/** The weights as they were read are let go. */
function initialState(): { state: Map<string, Float32Array>; frozen: Record<string, Tensor> } {
  const bytes = readFileSync(`${folder}/parameters.f32`);
  const flat = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const values = new Map<string, Float32Array>();
  let at = 0;
  for (const { name, shape } of planned.plan.parameters) {
    const length = shape.reduce((a, b) => a * b, 1);
    values.set(name, flat.subarray(at, at + length));
    at += length;
  }
  for (const { name, shape, initialValue } of planned.plan.buffers)
    values.set(name, new Float32Array(shape[0]!).fill(initialValue));
  const { layout } = planned;
  return {
    state: new Map(
      carriedVectors(layout, update).map(({ name, layout: own }): [string, Float32Array] => {
        const holds = name.startsWith('parameters') || name === 'buffers';
        return [name, holds ? own.pack(values) : new Float32Array(own.length)];
      }),
    ),
    frozen: layout.frozen.length > 0 ? { [frozenName]: vector(layout.frozen.pack(values)) } : {},
  };
}

/** The graph is let go before the steps, and a large state is updated in place, as the trainer does. */
async function openSession(): Promise<{ session: Session; nodes: number }> {
  const { layout } = planned;
  const passes = await passesFor(runtime, options, process.env['FOVEA_TUNING'] ?? null);
  const inPlace = updatesInPlace('cpu', layout, update);
  const graph = inPlace
    ? inPlaceGraph(net, planned, maximumSteps, passes)
    : optimise(stepGraph(net, planned, maximumSteps), passes);
  const profilePrefix = process.env['PROFILE'];
  // As train/open-graph.ts opens a graph that trains.
  const session = await runtime.createSession(writeModel(graph, {}, { hidesSizes: true, stopsCopies: inPlace }), {
    ...options,
    unoptimised: true,
    writesAll: inPlace,
    ...(profilePrefix && { profilePrefix }),
  });
  const nodes = countNodes(graph);
  if (!inPlace) return { session, nodes };
  const { inputs, outputs } = graph;
  const completing = { session, graph: { inputs, outputs } };
  return { session: new StepsInPlace({ completing, adding: null, layout, update }), nodes };
}

freeMemory();
let done = 0;
async function steps(count: number): Promise<{ ms: number[]; losses: number[] }> {
  const numbers = Array.from({ length: maximumSteps }, (_, i) => stepNumbers(done + i + 1));
  const feeds = {
    ...constantFeeds,
    ...Object.fromEntries([...state].map(([name, data]) => [name, vector(data)])),
    numbers: tensor('float32', [maximumSteps, numbers[0]!.length], numbers.flat()),
    steps: tensor('int64', [], [count]),
  };
  const started = performance.now();
  const results = await session.run(feeds);
  const ms = (performance.now() - started) / count;
  for (const name of state.keys()) replaceVector(state, name, results[`${name}Next`]!.data as Float32Array);
  done += count;
  return { ms: new Array<number>(count).fill(ms), losses: Array.from(results['losses']!.data as Float32Array) };
}

answer({ ready: true, nodes });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as { command: 'step' | 'memory'; count: number };
  answer(request.command === 'memory' ? { baselineBytes, peakBytes: resident('VmHWM') } : await steps(request.count));
}
await session.release();
