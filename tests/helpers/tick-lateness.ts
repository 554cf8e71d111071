/** How late a thread's timer is at worst: 0 on an idle machine in a thread that does nothing else. */

const TICK_MS = 2;

export interface TickLateness {
  /** Ends the measurement; the longest lateness in ms. */
  stop(): number;
}

export function measureTickLateness(): TickLateness {
  let worstMs = 0;
  let lastMs = performance.now();
  const tick = (): void => {
    const nowMs = performance.now();
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
