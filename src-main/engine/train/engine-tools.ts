/** The engine's tools for looking at a network's training step: its graph as a file and as text, and where the time goes. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Device } from '../../contract/model/run.ts';
import { originOf } from '../graph/layer-of.ts';
import { writeModel } from '../graph/onnx-model.ts';
import {
  isFloat,
  isFloats,
  isGraph,
  isTensor,
  shapeText,
  type AttributeValue,
  type Graph,
  type Value,
} from '../graph/types.ts';
import { optimise } from '../passes/index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { passesFor } from '../tuner/machine.ts';
import { openGraph } from './open-graph.ts';
import { buildExampleStep, exampleFeeds, exampleNetwork } from './example-step.ts';

export interface StepChoice {
  /** Of `exampleNetworks`. */
  network: string;
  batchSize: number | null;
  /** Edge length of the images. */
  side: number | null;
}

export interface DumpRequest extends StepChoice {
  /** 'built' still has abstract operators, which no runtime knows; 'lowered' is what runs. */
  stage: 'built' | 'lowered';
}

export interface Dump {
  /** An .onnx file. */
  model: Uint8Array;
  /** A line a node. */
  text: string;
}

export interface ProfileRequest extends StepChoice {
  device: Device;
  /** Steps that are measured, after one to warm up. */
  steps: number;
}

export interface ProfileRow {
  name: string;
  /** Of one step. */
  milliseconds: number;
  nodes: number;
}

export interface StepProfile {
  stepMs: number;
  layers: ProfileRow[];
  opTypes: ProfileRow[];
}

const shapeOf = ({ batchSize, side }: StepChoice): { batchSize?: number; size?: readonly [number, number] } => ({
  ...(batchSize === null ? {} : { batchSize }),
  ...(side === null ? {} : { size: [side, side] }),
});

/** Throws FoveaError `not-found` for an unknown network. */
export function dumpStep(request: DumpRequest): Dump {
  const { graph } = buildExampleStep(exampleNetwork(request.network), shapeOf(request));
  const chosen = request.stage === 'built' ? graph : optimise(graph);
  return { model: writeModel(chosen), text: graphText(chosen) };
}

/** One line a node: outputs with types, operator, attributes, inputs, name. Bodies of loops are indented. */
export function graphText(graph: Graph, indent = ''): string {
  const type = ({ dataType, shape }: Value): string => `${dataType}${shapeText(shape)}`;
  const lines = [
    `${indent}graph ${graph.name}`,
    ...graph.inputs.map((value) => `${indent}  input ${value.name}: ${type(value)}`),
    ...graph.initializers.map((value) => `${indent}  constant ${value.name}: ${type(value)}`),
  ];
  for (const { name, opType, domain, inputs, outputs, attributes } of graph.nodes) {
    const made = outputs.map((value) => `${value.name}: ${type(value)}`).join(', ');
    const settings = Object.entries(attributes).flatMap(([key, value]) =>
      value === undefined ? [] : [`${key}=${attributeText(value)}`],
    );
    const read = inputs.map((value) => value?.name ?? '–').join(', ');
    const op = domain === '' ? opType : `${domain}.${opType}`;
    lines.push(`${indent}  ${made} = ${op}${settings.length > 0 ? `{${settings.join(' ')}}` : ''}(${read})  # ${name}`);
    for (const value of Object.values(attributes)) {
      if (value !== undefined && isGraph(value)) lines.push(graphText(value, `${indent}    `));
    }
  }
  lines.push(`${indent}  output ${graph.outputs.map(({ name }) => name).join(', ')}`);
  return lines.join('\n');
}

function attributeText(value: AttributeValue): string {
  if (typeof value !== 'object') return String(value);
  if (isFloat(value)) return String(value.float);
  if (isFloats(value)) return `[${value.floats.join(', ')}]`;
  if (isGraph(value)) return `graph ${value.name}`;
  if (isTensor(value)) return `${value.dataType}${shapeText(value.shape)}`;
  return `[${value.join(', ')}]`;
}

/** Throws FoveaError `not-found` for an unknown network, and what the runtime throws. */
export async function profileStep(runtime: Runtime, request: ProfileRequest): Promise<StepProfile> {
  const { device, steps } = request;
  const step = buildExampleStep(exampleNetwork(request.network), shapeOf(request));
  const graph = optimise(step.graph, await passesFor(runtime, { device, threads: 0 }, null));
  const feeds = exampleFeeds(step, 1);
  const folder = await mkdtemp(join(tmpdir(), 'fovea-profile-'));
  try {
    const profilePrefix = join(folder, 'profile');
    const session = await openGraph(runtime, graph, { device, threads: 0, profilePrefix });
    try {
      for (let i = 0; i <= steps; i++) await session.run(feeds);
    } finally {
      await session.release();
    }
    const [file] = await readdir(folder);
    if (file === undefined) throw new FoveaError('unsupported', `The device "${device}" wrote no profile.`, { device });
    return summarise(JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[], steps);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As onnxruntime writes it, as far as it is used. Times in microseconds. */
interface ProfileEvent {
  cat: string;
  name: string;
  dur: number;
  args?: { op_name?: string };
}

const kernelTime = '_kernel_time';

/** The first run of every node is the one that warms up, and is left out. */
export function summarise(events: readonly ProfileEvent[], steps: number): StepProfile {
  const seen = new Set<string>();
  const layers = new Map<string, ProfileRow>();
  const opTypes = new Map<string, ProfileRow>();
  let totalMs = 0;
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith(kernelTime)) continue;
    const node = name.slice(0, -kernelTime.length);
    const isFirst = !seen.has(node);
    seen.add(node);
    if (isFirst && steps > 0) {
      count(layers, rowName(node)).nodes++;
      count(opTypes, args?.op_name ?? '?').nodes++;
      continue;
    }
    const milliseconds = dur / 1000 / steps;
    totalMs += milliseconds;
    count(layers, rowName(node)).milliseconds += milliseconds;
    count(opTypes, args?.op_name ?? '?').milliseconds += milliseconds;
  }
  const slowestFirst = (rows: Map<string, ProfileRow>): ProfileRow[] =>
    [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  return { stepMs: totalMs, layers: slowestFirst(layers), opTypes: slowestFirst(opTypes) };
}

function count(rows: Map<string, ProfileRow>, name: string): ProfileRow {
  const row = rows.get(name) ?? { name, milliseconds: 0, nodes: 0 };
  rows.set(name, row);
  return row;
}

/** Nodes that onnxruntime adds to change the layout of a map carry no name of ours. */
function rowName(node: string): string {
  const { layer, isGradient } = originOf(node);
  if (layer === '') return isGradient ? '(gradient outside of layers)' : '(outside of layers)';
  return isGradient ? `${layer} (gradient)` : layer;
}
