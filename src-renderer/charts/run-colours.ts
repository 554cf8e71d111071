/** Which colour stands for which run. Pure. */
import type { RunId } from '../../src-main/contract/model/ids.ts';
import { seriesColour, seriesColourCount } from '../ui/series-colour.ts';

/** The same on every screen. Ids start at 1. */
export function runColour(runId: RunId): string {
  return seriesColour(runId - 1);
}

/**
 * Colours for runs that are shown together: each run's own, except that of two runs whose own colours coincide (their
 * ids are a palette's length apart) the later one takes the next free colour.
 */
export function distinctRunColours(runIds: readonly RunId[]): ReadonlyMap<RunId, string> {
  const taken = new Set<number>();
  const colours = new Map<RunId, string>();
  for (const runId of runIds) {
    let ordinal = (runId - 1) % seriesColourCount;
    for (let tries = 0; taken.has(ordinal) && tries < seriesColourCount; tries++)
      ordinal = (ordinal + 1) % seriesColourCount;
    taken.add(ordinal);
    colours.set(runId, seriesColour(ordinal));
  }
  return colours;
}
