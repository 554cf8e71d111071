/** Which measures of a comparison are the same number for all its runs, so that one of them can be called better. Pure. */
import { taskMetrics, type MetricName, type RunComparison } from './run.ts';
import { headlineOf, taskDefinitions } from './tasks.ts';

type Compared = Pick<RunComparison, 'runs' | 'configuration'>;
type Measure = RunComparison['metrics'][number];

/** Whatever is better when it is lower is a loss. */
const isLoss = (measure: Pick<Measure, 'better'>): boolean => measure.better === 'lower';

/**
 * A loss is the same number where task and loss are the same. A score is where the tasks answer alike, and all report it: the
 * accuracy of a classifier is of images, that of a segmenter of pixels; the mAP of boxes is the same with a head or without.
 */
export function isComparable(
  { metric, better }: Pick<Measure, 'metric' | 'better'>,
  { runs, configuration }: Compared,
): boolean {
  const tasks = [...new Set(runs.map(({ task }) => task))];
  if (isLoss({ better })) return tasks.length === 1 && !configuration.some(({ path }) => /^loss(\.|$)/.test(path));
  const answers = new Set(tasks.map((task) => taskDefinitions[task].answer));
  return answers.size === 1 && tasks.every((task) => (taskMetrics[task] as readonly string[]).includes(metric));
}

/**
 * The measure by which runs are judged together: their task's own, else that of a task which answers alike, else any score that
 * they share and all have a value of. Never a loss. `not-measured`: they share one, but not every run has a value of it yet.
 */
export function commonMeasure(comparison: RunComparison): Measure | 'not-measured' | 'nothing-shared' {
  const shared = comparison.metrics.filter((measure) => !isLoss(measure) && isComparable(measure, comparison));
  if (shared.length === 0) return 'nothing-shared';
  const headlines: readonly MetricName[] = [
    ...comparison.runs.map(headlineOf),
    ...Object.values(taskDefinitions).map(({ headline }) => headline),
  ];
  const place = ({ metric }: Measure): number => {
    const at = headlines.indexOf(metric as MetricName);
    return at < 0 ? headlines.length : at;
  };
  const measured = shared
    .filter(({ final }) => final.every((value) => value !== null))
    .toSorted((a, b) => place(a) - place(b));
  return measured[0] ?? 'not-measured';
}

/** "detection, pose and segmentation": of which tasks the runs are. */
export function tasksText({ runs }: Pick<RunComparison, 'runs'>): string {
  const names = [...new Set(runs.map(({ task }) => task))].map((task) => taskDefinitions[task].label.toLowerCase());
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(' and ');
}
