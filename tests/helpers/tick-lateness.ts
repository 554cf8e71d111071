/**
 * How late a thread's timer is at worst: 0 on an idle machine in a thread that does nothing else. Time in which the
 * thread was ready but others had the processor is left out where the system tells it (Linux).
 */
import { readFileSync } from 'node:fs';

const TICK_MS = 2;

export interface TickLateness {
  /** Ends the measurement; the longest lateness in ms. */
  stop(): number;
}

export function measureTickLateness(): TickLateness {
  let worstMs = 0;
  let lastMs = performance.now() - waitedMs();
  const tick = (): void => {
    const nowMs = performance.now() - waitedMs();
    worstMs = Math.max(worstMs, nowMs - lastMs - TICK_MS);
    lastMs = nowMs;
  };
  const timer = setInterval(tick, TICK_MS);
  return {
    stop() {
      tick();
      clearInterval(timer);
      return worstMs;
    },
  };
}

/** How long this thread has waited for a processor since it began; 0 where the system does not tell. */
function waitedMs(): number {
  if (process.platform !== 'linux') return 0;
  try {
    const [, waitedNs = '0'] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
    return Number(waitedNs) / 1e6;
  } catch {
    return 0;
  }
}
