/**
 * How long the event loop was held up, by this thread's own work and waiting for the disk. Time in which the thread was
 * ready but other processes had the processor is taken out (Linux tells it), so that a busy machine does not fail a test.
 */
import { readFileSync } from 'node:fs';

export interface LoopLag {
  /** Ends the measurement; the longest hold-up in ms. */
  stop(): number;
}

const TICK_MS = 2;

export function measureLoopLag(): LoopLag {
  let longestMs = 0;
  let lastMs = performance.now();
  let lastStarvedMs = starvedMs();
  const tick = (): void => {
    const nowMs = performance.now();
    const nowStarvedMs = starvedMs();
    longestMs = Math.max(longestMs, nowMs - lastMs - (nowStarvedMs - lastStarvedMs) - TICK_MS);
    lastMs = nowMs;
    lastStarvedMs = nowStarvedMs;
  };
  const timer = setInterval(tick, TICK_MS);
  return {
    stop() {
      tick();
      clearInterval(timer);
      return longestMs;
    },
  };
}

/** How long this thread has waited for a processor; 0 where the system does not tell. */
function starvedMs(): number {
  if (process.platform !== 'linux') return 0;
  try {
    const [, waitedNs = '0'] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
    return Number(waitedNs) / 1e6;
  } catch {
    return 0;
  }
}
