/** The tasks by name. A new one is a file here, one line below, and its name, loss and metrics in the contract. */
import { FoveaError } from '../../../contract/errors.ts';
import type { Task as TaskName } from '../../../contract/model/run.ts';
import { modelSpec } from '../../zoo/registry.ts';
import { classification } from './classification.ts';
import type { Task, TaskFacts } from './definition.ts';
import { detection } from './detection.ts';
import { instanceSegmentation } from './instance-segmentation.ts';
import { pose } from './pose.ts';
import { segmentation } from './segmentation.ts';

const TASKS = {
  classification,
  segmentation,
  detection,
  'instance-segmentation': instanceSegmentation,
  pose,
} as const satisfies Record<TaskName, (facts: TaskFacts) => Task>;

/** Throws FoveaError `invalid-request` where network or loss are made for another task. */
export function taskFor(facts: TaskFacts): Task {
  const { task, model } = facts.config;
  const { label, task: taskOfModel } = modelSpec(model.id);
  if (taskOfModel !== task)
    throw new FoveaError('invalid-request', `${label} is a network for ${taskOfModel}, but the run is for ${task}.`, {
      modelId: model.id,
    });
  return TASKS[task](facts);
}
