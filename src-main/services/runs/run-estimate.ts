/** How much memory a run will need, beside what its device has, and what to change where that is too little. */
import { freemem, totalmem } from 'node:os';
import { FoveaError } from '../../contract/errors.ts';
import type { Dataset } from '../../contract/model/dataset.ts';
import type { MemoryEstimate } from '../../contract/model/device.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { saysObjects } from '../../contract/model/tasks.ts';
import { networkInput } from '../../contract/model/network-ends.ts';
import { trainedClasses } from '../../contract/model/trained-classes.ts';
import type { MemoryNeed } from '../../engine/train/memory-estimate.ts';
import type { HostPorts } from '../backend.ts';
import { runTask } from '../devices/run-task.ts';

const deadlineMs = 120_000;
/** What the system and other programs keep: a run that needs all of a machine is killed sooner or later. */
const usableShare = 0.8;

export interface MachineMemory {
  totalBytes: number;
  freeBytes: number;
}

/** The limit of a container counts, where there is one. */
function thisMachinesMemory(): MachineMemory {
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const available = process.availableMemory();
  return { totalBytes: total, freeBytes: available > 0 ? Math.min(available, total) : freemem() };
}

export async function estimateRun(
  launchTask: HostPorts['launchTask'],
  config: RunConfig,
  dataset: Dataset,
  mostLabels: number,
  memory: MachineMemory = thisMachinesMemory(),
): Promise<MemoryEstimate> {
  const { categories, splitCounts } = dataset;
  const shape = networkInput(config, dataset);
  if (shape === null) {
    const message = `The images of “${dataset.name}” differ in size: choose the size of the network's input.`;
    throw new FoveaError('invalid-request', message);
  }
  const onCpu = config.device === 'cpu';
  const limitBytes = onCpu ? Math.floor(memory.totalBytes * usableShare) : null;
  const need = await runTask(
    launchTask,
    {
      name: 'estimate-memory',
      request: {
        config,
        inputShape: shape,
        categoryCount: trainedClasses(config, categories).length,
        labelCapacity: roomForLabels(config, mostLabels),
        trainImages: splitCounts[config.data.trainSplit],
        evaluationImages: splitCounts[config.data.evaluationSplit],
        limitBytes,
      },
    },
    { deadlineMs },
  );
  return describeNeed(need, config, limitBytes, onCpu ? memory : null);
}

/** In mosaics about half of four images is in sight; the run itself counts what there is. */
const roomForLabels = ({ task, augmentation }: RunConfig, mostLabels: number): number =>
  saysObjects(task) ? Math.max(1, augmentation.mosaic > 0 ? Math.ceil(2.5 * mostLabels) : mostLabels) : 1;

/** `memory` is null where what the device has cannot be known. */
export function describeNeed(
  need: MemoryNeed,
  config: RunConfig,
  limitBytes: number | null,
  memory: MachineMemory | null,
): MemoryEstimate {
  const { peakBytes, parts, fitting } = need;
  const fits = limitBytes === null ? null : peakBytes <= limitBytes;
  return {
    peakBytes,
    machineBytes: memory?.totalBytes ?? null,
    freeBytes: memory?.freeBytes ?? null,
    fits,
    parts,
    suggestion: fitting && {
      ...fitting,
      sentence: `Train with ${fitting.batchSize} images at a time and ${fitting.accumulation} such steps for each update of the weights: about ${inWords(fitting.peakBytes)}. Batch norm then sees ${fitting.batchSize} images at a time.`,
    },
    summary: summaryOf(need, config, fits, memory),
  };
}

function summaryOf(
  { peakBytes, fitting }: MemoryNeed,
  { batchSize }: RunConfig,
  fits: boolean | null,
  memory: MachineMemory | null,
): string {
  const needs = `About ${inWords(peakBytes)} at its peak`;
  if (memory === null || fits === null) return `${needs}; how much memory this device has is not known.`;
  const has = `this machine has ${inWords(memory.totalBytes)}`;
  if (fits) {
    const isTight = peakBytes > memory.freeBytes;
    return isTight
      ? `${needs}; ${has}, of which ${inWords(memory.freeBytes)} are free now. Close other programs first.`
      : `${needs}; ${has}.`;
  }
  const advice = fitting
    ? `Use batches of ${fitting.batchSize} with ${fitting.accumulation} of them for each update.`
    : batchSize > 1
      ? 'Even single images need more: use smaller images or a smaller network.'
      : 'Use smaller images or a smaller network.';
  return `${needs}, which is more than this machine can give: ${has}. ${advice}`;
}

/** "340 MB", "1.4 GB". */
function inWords(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
