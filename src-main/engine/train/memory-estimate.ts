/**
 * The memory that a run needs at its peak on a CPU, worked out from its graphs before it starts: what is alive in a step,
 * with what an allocator wastes on top, the state, the images and the program itself. The factors were fitted to
 * measured peaks; `npm run bench -- memory` prints estimate ÷ measured for networks of the zoo.
 */
import type { RunConfig } from '../../contract/model/run.ts';
import { graphAugmentation, isMadeAnew } from '../data/augmentation.ts';
import { residentLimitBytes, stepsPerDispatch } from '../data/split-images.ts';
import { bytesOf, peakLiveBytes } from '../graph/memory.ts';
import { sizeOf, type Graph, type Shape } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import { countNodes } from '../passes/index.ts';
import { planModel, preprocessingOf } from '../zoo/registry.ts';
import { evaluationBatchSize } from './evaluation.ts';
import { nextName, updatesInPlace } from './in-place-graph.ts';
import { carriedVectors, stateLayout, updateSettings, type StateLayout, type UpdateSettings } from './state-layout.ts';
import { buildInferenceGraph, buildStepInPlace, buildTrainGraph, type TrainGraphOptions } from './step-graph.ts';
import { looksApart, maximumSteps } from './step-runner.ts';
import type { Task } from './tasks/definition.ts';
import { taskFor } from './tasks/index.ts';

export interface MemoryQuestion {
  config: RunConfig;
  /** [C, H, W] */
  inputShape: Shape;
  categoryCount: number;
  /** Most objects of one image; 1 where images have none. */
  labelCapacity?: number;
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
/** What lies unused between blocks, and what operators work in. */
const blockWaste = 1.5;
/** Results live on as garbage for a while when the next ones are there already. */
const resultCopies = 2.5;

/** Sessions run in turn. With glibc they have one heap (processes/kept-memory.ts), elsewhere an arena each, which keeps what it has. */
const sessionsShareMemory = process.platform === 'linux';

/** What a session of this graph adds to a process, its feeds and results included. */
function sessionBytes(graph: Graph): { working: number; state: number; graph: number } {
  const sum = (values: Graph['inputs']): number => values.reduce((total, value) => total + bytesOf(value), 0);
  return {
    working: blockWaste * peakLiveBytes(graph),
    state: sum(graph.inputs) + resultCopies * sum(graph.outputs),
    graph: bytesPerNode * countNodes(graph) + sum(graph.initializers),
  };
}

/** Of a graph that updates a state in place: all of that is there once, fed as it is or in views, and written over. */
function inPlaceBytes(graph: Graph, layout: StateLayout, update: UpdateSettings): ReturnType<typeof sessionBytes> {
  const sum = (values: Graph['inputs']): number => values.reduce((total, value) => total + bytesOf(value), 0);
  const vectors = carriedVectors(layout, update);
  const names = new Set([
    ...vectors.map(({ name }) => name),
    ...[...layout.groups.map((group) => group.layout), layout.frozen].flatMap((own) =>
      own.entries.map(({ name }) => name),
    ),
  ]);
  const others = graph.inputs.filter(({ name }) => !names.has(name));
  const numbers = [...vectors.map((vector) => vector.layout), layout.frozen].reduce(
    (total, { length }) => total + length,
    0,
  );
  const written = new Set(graph.outputs.map(({ name }) => name).filter((name) => name.endsWith(nextName(''))));
  return {
    ...sessionBytes(graph),
    working: blockWaste * peakLiveBytes(graph, written),
    state: sum(others) + 4 * numbers + sum(graph.outputs.filter(({ name }) => !written.has(name))),
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
  const { config, inputShape, categoryCount, labelCapacity = 1, trainImages, evaluationImages } = question;
  const { id, options } = config.model;
  const task = taskFor({ config, categoryCount, imageShape: inputShape, labelCapacity });
  const plan = planModel(id, options, inputShape, task.outputCount);
  const imageBytes = sizeOf(inputShape);
  const labelBytes = bytesOf(task.label);
  const evaluated = evaluationBatchSize(inputShape, evaluationImages);
  const rows = (count: number, asked: number): number => (count * imageBytes <= residentLimitBytes ? count : asked);
  const trainRows = (asked: number): number => (isMadeAnew(config) ? asked : rows(trainImages, asked));

  const smaller = trainImages % batchSize;
  const sizes = [Math.min(batchSize, trainImages), ...(smaller > 0 && trainImages > batchSize ? [smaller] : [])];
  const images = { imageShape: inputShape as [number, number, number], feedRows: trainRows };
  const most = stepsPerDispatch(images, batchSize, maximumSteps);
  const fedTrain = trainRows(most * batchSize);
  const sessions = sizes.flatMap((size) =>
    trainingBytes(config, task, plan, { imageCount: fedTrain, batchSize: size, maximumSteps: most }),
  );
  const evaluation = sessionBytes(inferenceGraph(config, task, plan, rows(evaluationImages, evaluated), evaluated));
  const fedImages = fedTrain + rows(evaluationImages, evaluated);
  // Images and labels are fed to every session and are there once.
  const trainFeed = (imageBytes + labelBytes) * fedTrain;
  const evaluationFeed = (imageBytes + labelBytes) * rows(evaluationImages, evaluated);
  const all = [...sessions, evaluation];
  const working = all.map((session) => session.working);
  return [
    {
      label: 'Activations and gradients',
      bytes: sessionsShareMemory ? Math.max(...working) : working.reduce((sum, bytes) => sum + bytes, 0),
    },
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

/** Each of the sessions for batches of one size, in the phase that trains most. */
function trainingBytes(
  config: RunConfig,
  task: Task,
  plan: NetworkPlan,
  sizes: Pick<TrainGraphOptions, 'imageCount' | 'batchSize' | 'maximumSteps'>,
): ReturnType<typeof sessionBytes>[] {
  const layouts = config.phases.map((phase) => ({ phase, layout: stateLayout(plan, phase) }));
  const trained = ({ layout }: (typeof layouts)[number]): number =>
    layout.groups.reduce((sum, group) => sum + group.layout.length, 0);
  const { phase, layout } = layouts.reduce((largest, next) => (trained(next) > trained(largest) ? next : largest));
  const update = updateSettings(config, phase);
  const options: TrainGraphOptions = {
    plan,
    layout,
    update,
    preprocessing: preprocessingOf(config.model),
    augmentation: graphAugmentation(config),
    task,
    ...sizes,
    seed: config.seed,
    passes: { precision: config.precision },
  };
  if (updatesInPlace(config.device, layout, update))
    return (update.accumulates ? [true, false] : [true]).map((completes) =>
      inPlaceBytes(buildStepInPlace(options, completes), layout, update),
    );
  const variants = new Set([update.showsGradient === true]);
  if (looksApart(config.device, plan, sizes.batchSize)) variants.add(false);
  return [...variants].map((showsGradient) =>
    sessionBytes(buildTrainGraph({ ...options, update: { ...update, showsGradient } })),
  );
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
    preprocessing: preprocessingOf(config.model),
    task,
    imageCount,
    batchSize,
  });
}
