/** Boxes with a category and a mask each. */
import type { Task, TaskFacts } from './definition.ts';
import { detectionGainsOf } from './detection.ts';
import { detector } from './detector.ts';
import { maskHead } from './mask-head.ts';

export function instanceSegmentation(facts: TaskFacts): Task {
  const gains = detectionGainsOf(facts);
  const [, height, width] = facts.imageShape as [number, number, number];
  // As published, a mask weighs as much as a box.
  return detector(facts, gains, maskHead([height, width], gains.boxGain));
}
