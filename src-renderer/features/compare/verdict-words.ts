/** What a verdict means, in sentences around the names of runs. Pure. */
import { tasksText } from '../../../src-main/contract/model/comparable.ts';
import type { RunComparison, RunSummary } from '../../../src-main/contract/model/run.ts';
import type { NoVerdict, RunCaveat, Variant, Verdict } from '../../state/compare-verdict.ts';
import { formatSpread, formatValue, plural } from '../../ui/format-number.ts';

/** "0.646", or for repeats "0.646 ± 0.004 (3 seeds)". */
export function scoreText(variant: Variant): string {
  const mean = formatValue(variant.mean);
  if (variant.deviation === null) return mean;
  return `${mean} ± ${formatSpread(variant.deviation)} (${plural(variant.members.length, 'seed')})`;
}

/** A metric's name as it stands within a sentence: "test mAP50-95". */
export const withinSentence = (label: string): string => label.charAt(0).toLowerCase() + label.slice(1);

/** What follows the best runs' names, "wins on test accuracy": nobody has won while one of the runs still trains. */
export function winText({ caveats, label }: Verdict, winner: Variant): string {
  const isOver = caveats.every(({ kind }) => kind !== 'still-running');
  const isOne = winner.members.length === 1;
  const verb = isOver ? (isOne ? 'wins' : 'win') : isOne ? 'is ahead' : 'are ahead';
  return `${verb} on ${withinSentence(label)}`;
}

/** How much better the winner is: "0.032 higher", "0.120 lower". */
export function leadText(verdict: Verdict): string {
  const difference = verdict.difference ?? 0;
  return `${formatSpread(Math.abs(difference))} ${difference >= 0 ? 'higher' : 'lower'}`;
}

export function supportText(verdict: Verdict): string {
  if (verdict.tied) return 'Neither is better as far as three decimals show.';
  switch (verdict.support) {
    case null:
      return 'These runs differ in nothing but the seed: what separates them is chance, and shows how much of it there is.';
    case 'single-seeds': {
      const single = verdict.variants.slice(0, 2).every((variant) => variant.members.length === 1)
        ? 'Each setting'
        : 'One of the two settings';
      return `${single} was run with one seed only, so this cannot tell a better setting from a luckier seed. Train again with other seeds before you rely on it.`;
    }
    case 'separated':
      return 'The seeds support it: every run of the first is better than every run of the second.';
    case 'overlapping':
      return 'The seeds do not support it: runs of both overlap, so the difference may be chance.';
  }
}

export const differentDataText =
  'The runs were measured on different data sets, so their scores cannot be compared directly.';

/** Why there is no winner. */
export function noVerdictText(reason: NoVerdict, comparison: RunComparison): string {
  if (reason === 'not-measured') return 'There is nothing to compare yet: not every run has finished its first epoch.';
  return `None of these runs is better: ${tasksText(comparison)} have no score in common, and their losses are different numbers.`;
}

export const notComparableText =
  'Where the task or the loss differs, a loss is another number in each run, and accuracy may be of images or of pixels: such rows are listed, not compared.';

/** What follows the run's name. */
export function caveatText(kind: RunCaveat['kind'], run: RunSummary): string {
  const done = `${run.epochsDone} of ${plural(run.epochsTotal, 'epoch')}`;
  return kind === 'still-running' ? `is still training, with ${done} done.` : `ended early, after ${done}.`;
}
