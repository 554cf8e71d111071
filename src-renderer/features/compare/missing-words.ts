/** Why something cannot be compared yet, or never. Pure. */
import { isForeign, type RunSummary } from '../../../src-main/contract/model/run.ts';

const yet = {
  predictions: "They come after a run's first epoch, when its network has looked at the test images.",
  'its network': 'It is there once the run has done an epoch.',
} as const;

export function whyMissing(runs: readonly RunSummary[], what: keyof typeof yet): { title: string; text: string } {
  const foreign = runs.filter(isForeign).map(({ name }) => `“${name}”`);
  if (foreign.length === 0) return { title: `Not every run has ${what} yet`, text: yet[what] };
  const [who, whose] = [foreign.join(', '), foreign.length === 1 ? 'its' : 'their'];
  return {
    title: `Not every run has ${what} here`,
    text: `${who} ${foreign.length === 1 ? 'was' : 'were'} trained elsewhere: only ${whose} numbers and settings are here.`,
  };
}
