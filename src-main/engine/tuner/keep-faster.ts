/**
 * Tries what a tuner chose in the whole graph. Measured alone, a formulation may seem faster than it is among its neighbours,
 * where the caches are full of other things and what one operator moves into blocks the next takes as it is. So its choices are
 * tried one type of operator after the other, and kept where the graph gets faster.
 */
import { debugLevel, debugLog } from '../graph/debug.ts';
import type { TuneOutcome } from './tune.ts';
import type { Choices } from './tuning.ts';

/** The graph with certain choices, ready to run. */
export interface WholeGraph {
  run(): Promise<unknown>;
  release(): Promise<void>;
}

export interface KeepOptions {
  open: (choices: Choices) => Promise<WholeGraph>;
  progress?: (done: number, total: number) => void;
}

export interface KeepOutcome {
  /** Of all keys that were timed: the tuner's choice, or the rules' where that was not faster. */
  choices: Map<string, string>;
  /** One run as the rules have it, and as it is now, in milliseconds; of the same rounds. Null where nothing is faster. */
  gain: { beforeMs: number; afterMs: number } | null;
}

/** Less is chance. */
const enoughGain = 0.993;
/** Turns of both, the first left out; a few where they take seconds each. */
const mostRounds = 9;
const fewestRounds = 4;
const fewestSlowRounds = 2;
const enoughMs = 4000;
const slowMs = 5000;

/** Needs memory for two of the graph at a time. */
export async function keepFaster({ choices, byRule }: TuneOutcome, options: KeepOptions): Promise<KeepOutcome> {
  const groups = new Map<string, string[]>();
  for (const [key, rule] of byRule) {
    if (choices.get(key) === rule) continue;
    const type = key.split(' | ')[0]!;
    groups.set(type, [...(groups.get(type) ?? []), key]);
  }
  const byRules = new Map([...choices, ...byRule]);
  if (groups.size === 0) return { choices: byRules, gain: null };
  let kept = byRules;
  let best = await options.open(kept);
  let done = 0;
  try {
    for (const [type, keys] of groups) {
      const tried = new Map([...kept, ...keys.map((key) => [key, choices.get(key)!] as const)]);
      let loser = await options.open(tried);
      try {
        const [bestMs, otherMs] = await race(best, loser);
        if (debugLevel() >= 1)
          debugLog(
            `tuner: ${keys.length} × ${type} in the whole graph: ${otherMs.toFixed(1)} ms, without ${bestMs.toFixed(1)} ms`,
          );
        if (otherMs < enoughGain * bestMs) [kept, best, loser] = [tried, loser, best];
      } finally {
        await loser.release();
      }
      options.progress?.(++done, groups.size + 1);
    }
    if (kept === byRules) return { choices: byRules, gain: null };
    // Each of several races is won by chance now and then: what all of it gains is measured by itself.
    const rules = await options.open(byRules);
    try {
      const [beforeMs, afterMs] = await race(rules, best);
      options.progress?.(++done, groups.size + 1);
      const isFaster = afterMs < enoughGain * beforeMs;
      return isFaster ? { choices: kept, gain: { beforeMs, afterMs } } : { choices: byRules, gain: null };
    } finally {
      await rules.release();
    }
  } finally {
    await best.release();
  }
}

/** Turn by turn; the least of each one's times. */
async function race(a: WholeGraph, b: WholeGraph): Promise<[number, number]> {
  await a.run();
  await b.run();
  const started = performance.now();
  let [first, second] = [Infinity, Infinity];
  for (let i = 0; i < mostRounds; i++) {
    const fewest = first < slowMs ? fewestRounds : fewestSlowRounds;
    if (i >= fewest && performance.now() - started > enoughMs) break;
    first = Math.min(first, await time(a));
    second = Math.min(second, await time(b));
  }
  return [first, second];
}

async function time(graph: WholeGraph): Promise<number> {
  const started = performance.now();
  await graph.run();
  return performance.now() - started;
}
