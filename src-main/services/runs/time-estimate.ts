/** How long a run will take: from one like it that was trained here before, else from a few steps made for that. */
import { FoveaError } from '../../contract/errors.ts';
import { networkInput } from '../../contract/model/network-ends.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import type { TimeEstimate } from '../../contract/model/sweep.ts';
import { trainedClasses } from '../../contract/model/trained-classes.ts';
import type { TimeQuestion } from '../../engine/train/time-steps.ts';
import type { HostPorts } from '../backend.ts';
import { runTask } from '../devices/run-task.ts';
import type { OpenProject } from '../open-projects.ts';

const deadlineMs = 120_000;
/** An image that is evaluated goes forward only, which is about a third of a step's work. */
const evaluationShare = 1 / 3;

/** Throws FoveaError `invalid-request` where the plan leaves the size of images open. */
export function timeQuestion(opened: OpenProject, config: RunConfig, tuning: string): TimeQuestion {
  const dataset = opened.store.datasets.get(config.data.datasetId);
  const inputShape = networkInput(config, dataset);
  if (inputShape === null)
    throw new FoveaError(
      'invalid-request',
      `The images of “${dataset.name}” differ in size: choose the size of the network's input.`,
    );
  return { config, inputShape, categoryCount: trainedClasses(config, dataset.categories).length, tuning };
}

/** `tuning`: the file of what was measured on this machine. */
export async function estimateTime(
  launchTask: HostPorts['launchTask'],
  opened: OpenProject,
  config: RunConfig,
  tuning: string,
): Promise<TimeEstimate> {
  const dataset = opened.store.datasets.get(config.data.datasetId);
  const { trainSplit, evaluationSplit } = config.data;
  const epochs = config.phases.reduce((sum, phase) => sum + phase.epochs, 0);
  const steps = Math.max(1, Math.ceil(dataset.splitCounts[trainSplit] / config.batchSize));
  const evaluated = dataset.splitCounts[evaluationSplit] / config.batchSize;
  const estimate = (epochMs: number, source: TimeEstimate['source']): TimeEstimate => ({
    stepMs: epochMs / (steps + evaluationShare * evaluated),
    epochMs,
    totalMs: epochMs * epochs,
    source,
  });

  const earlier = earlierEpochMs(opened, config);
  if (earlier !== null) return estimate(earlier, 'earlier run');
  const request = timeQuestion(opened, config, tuning);
  const stepMs = await runTask(launchTask, { name: 'time-steps', request }, { deadlineMs });
  return estimate(stepMs * (steps + evaluationShare * evaluated), 'measured');
}

/** Of the newest run with the same network, images, batches and device; null where there is none. */
function earlierEpochMs({ store }: OpenProject, config: RunConfig): number | null {
  const wanted = kindOf(config);
  for (const { runId, modelId, datasetId, epochsDone, durationMs, slurmJob } of store.runs.list()) {
    if (epochsDone < 1 || slurmJob !== null || modelId !== config.model.id || datasetId !== config.data.datasetId)
      continue;
    if (kindOf(store.runs.config(runId)) === wanted) return durationMs / epochsDone;
  }
  return null;
}

/** All that a run's speed depends on. */
function kindOf({ model, data, augmentation, batchSize, device, precision, phases, ema }: RunConfig): string {
  const frozen = phases.map(({ freeze, optimiser }) => [freeze, optimiser.kind]);
  return JSON.stringify([model, data, augmentation, batchSize, device, precision, frozen, ema !== null]);
}
