/** Boxes with a category each. */
import { FoveaError } from '../../../contract/errors.ts';
import type { LossConfig } from '../../../contract/model/loss.ts';
import type { Task, TaskFacts } from './definition.ts';
import { detector } from './detector.ts';

export const detection = (facts: TaskFacts): Task => detector(facts, detectionGainsOf(facts), null);

/** Throws FoveaError `invalid-request` where the loss is another task's. */
export function detectionGainsOf({ config: { loss, task } }: TaskFacts): Extract<LossConfig, { kind: 'detection' }> {
  if (loss.kind === 'detection') return loss;
  throw new FoveaError('invalid-request', `The loss "${loss.kind}" is not one of ${task}. Use: detection.`);
}
