/**
 * The memory that a run needs at its peak on a CPU, worked out from its graphs before it starts: what is alive in a step,
 * with what onnxruntime's arena wastes on top, the state, the images and the program itself. The factors were fitted to
 * measured peaks; `npm run bench -- memory` prints estimate ÷ measured for networks of the zoo.
 */
import type { RunConfig } from '../../contract/model/run.ts';
import { residentLimitBytes } from '../data/split-images.ts';
import { bytesOf, peakLiveBytes } from '../graph/memory.ts';
import { sizeOf, type Graph, type Shape } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import { countNodes } from '../passes/index.ts';
import { modelSpec, planModel } from '../zoo/registry.ts';
import { evaluationBatchSize } from './evaluation.ts';
import { stateLayout, updateSettings } from './state-layout.ts';
import { buildInferenceGraph, buildTrainGraph } from './step-graph.ts';
import { maximumSteps } from './step-runner.ts';
import type { Task } from './tasks/definition.ts';
import { taskFor } from './tasks/index.ts';

export interface MemoryQuestion {
  config: RunConfig;
  /** [C, H, W] */
  inputShape: Shape;
  categoryCount: number;
  trainImages: number;
  evaluationImages: number;
  /** What the peak should stay below; null where it is not known. */
  limitBytes: number | null;
}

export interface MemoryNeed {
  peakBytes: number;
  /** Largest first. */
  parts: { label: string; bytes: number }[];
  /** Smaller micro-batches that stay below the limit; null where none is needed or none helps. */
  fitting: { batchSize: number; accumulation: number; peakBytes: number } | null;
}

/** Node, onnxruntime and the engine's code, before any graph. */
const programBytes = 150e6;
/** A node in our lists, in the model's bytes and in the runtime. */
const bytesPerNode = 12_000;
/** The arena gives out chunks up to twice as large as asked for, and keeps what is too small for the next request. */
const arenaWaste = 1.6;
/** Results live on as garbage for a while when the next ones are there already. */
const resultCopies = 2.5;

/** What a session of this graph adds to a process, its feeds and results included. */
function sessionBytes(graph: Graph): { working: number; state: number; graph: number } {
  const sum = (values: Graph['inputs']): number => values.reduce((total, value) => total + bytesOf(value), 0);
  return {
    working: arenaWaste * peakLiveBytes(graph),
    state: sum(graph.inputs) + resultCopies * sum(graph.outputs),
    graph: bytesPerNode * countNodes(graph) + sum(graph.initializers),
  };
}

/** The peak of a process that does nothing but run this graph. */
export function estimateProcess(graph: Graph): number {
  const { working, state, graph: ownBytes } = sessionBytes(graph);
  return programBytes + working + state + ownBytes;
}

export function estimateMemory(question: MemoryQuestion): MemoryNeed {
  const { config, limitBytes } = question;
  const parts = partsFor(question, config.batchSize);
  const peakBytes = total(parts);
  const fits = limitBytes === null || peakBytes <= limitBytes;
  return {
    peakBytes,
    parts: parts.toSorted((a, b) => b.bytes - a.bytes),
    fitting: fits ? null : fittingBatches(question, limitBytes, peakBytes),
  };
}

const total = (parts: MemoryNeed['parts']): number => parts.reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * The largest micro-batches that fit with at least as many images in an update as were asked for. Memory grows evenly
 * with the batch, so the size is found between two points and then checked.
 */
function fittingBatches(question: MemoryQuestion, limitBytes: number, peakBytes: number): MemoryNeed['fitting'] {
  const { batchSize, accumulation } = question.config;
  const peakOf = (size: number): number => total(partsFor(question, size));
  const leastBytes = batchSize > 1 ? peakOf(1) : peakBytes;
  if (leastBytes > limitBytes) return null;
  const perImage = (peakBytes - leastBytes) / (batchSize - 1);
  const wanted = batchSize * accumulation;
  let size = Math.max(1, Math.min(batchSize - 1, Math.floor(1 + (limitBytes - leastBytes) / perImage)));
  for (;;) {
    // Equal micro-batches, as few as there can be.
    const steps = Math.ceil(wanted / size);
    const even = Math.ceil(wanted / steps);
    const bytes = even === 1 ? leastBytes : peakOf(even);
    if (bytes <= limitBytes || even === 1) return { batchSize: even, accumulation: steps, peakBytes: bytes };
    size = Math.floor(even / 2);
  }
}

function partsFor(question: MemoryQuestion, batchSize: number): MemoryNeed['parts'] {
  const { config, inputShape, categoryCount, trainImages, evaluationImages } = question;
  const { id, options } = config.model;
  const task = taskFor({ config, categoryCount, imageShape: inputShape });
  const plan = planModel(id, options, inputShape, task.outputCount);
  const imageBytes = sizeOf(inputShape);
  const labelBytes = bytesOf(task.label);
  const evaluated = evaluationBatchSize(inputShape, evaluationImages);
  const isResident = (count: number): boolean => count * imageBytes <= residentLimitBytes;
  const rows = (count: number, asked: number): number => (isResident(count) ? count : asked);

  const smaller = trainImages % batchSize;
  const sizes = [Math.min(batchSize, trainImages), ...(smaller > 0 && trainImages > batchSize ? [smaller] : [])];
  const dispatch = maximumSteps * batchSize;
  const training = sizes.map((size) => trainGraph(config, task, plan, size, rows(trainImages, dispatch)));
  const sessions = training.map(sessionBytes);
  const evaluation = sessionBytes(inferenceGraph(config, task, plan, rows(evaluationImages, evaluated), evaluated));
  const fedImages = rows(trainImages, dispatch) + rows(evaluationImages, evaluated);
  // Images and labels are fed to every session and are there once.
  const trainFeed = (imageBytes + labelBytes) * rows(trainImages, dispatch);
  const evaluationFeed = (imageBytes + labelBytes) * rows(evaluationImages, evaluated);
  const all = [...sessions, evaluation];
  return [
    { label: 'Activations and gradients', bytes: all.reduce((sum, { working }) => sum + working, 0) },
    {
      label: 'Weights and the optimiser',
      // Sessions share the state, which only one of them holds at a time.
      bytes: Math.max(...sessions.map(({ state }) => state)) - trainFeed + (evaluation.state - evaluationFeed),
    },
    { label: 'Images', bytes: imageBytes * fedImages },
    { label: 'Labels', bytes: labelBytes * fedImages },
    { label: 'Graphs', bytes: all.reduce((sum, { graph }) => sum + graph, 0) },
    { label: 'The program itself', bytes: programBytes },
  ];
}

/** Of the phase that trains most. */
function trainGraph(config: RunConfig, task: Task, plan: NetworkPlan, batchSize: number, imageCount: number): Graph {
  const layouts = config.phases.map((phase) => ({ phase, layout: stateLayout(plan, phase) }));
  const trained = ({ layout }: (typeof layouts)[number]): number =>
    layout.groups.reduce((sum, group) => sum + group.layout.length, 0);
  const { phase, layout } = layouts.reduce((largest, next) => (trained(next) > trained(largest) ? next : largest));
  return buildTrainGraph({
    plan,
    layout,
    update: updateSettings(config, phase),
    preprocessing: modelSpec(config.model.id).preprocessing,
    augmentation: config.augmentation,
    task,
    imageCount,
    batchSize,
    maximumSteps,
    seed: config.seed,
    passes: { precision: config.precision },
  });
}

function inferenceGraph(
  config: RunConfig,
  task: Task,
  plan: NetworkPlan,
  imageCount: number,
  batchSize: number,
): Graph {
  return buildInferenceGraph({
    plan,
    layout: stateLayout(plan, config.phases[0]!),
    preprocessing: modelSpec(config.model.id).preprocessing,
    task,
    imageCount,
    batchSize,
  });
}
