/**
 * Clocks inside the page, set by evaluating a script over the debugging port: times of frames, the script time of each
 * event with the frame that follows it, and how long after an event the page had painted.
 */
import type { Page } from 'playwright-core';

interface EventTime {
  type: string;
  /** The event's own time, on the page's clock. */
  atMs: number;
  /** Milliseconds of handlers and of what they put off to the end of the task. */
  handlersMs: number;
  /** Milliseconds of the next frame's callbacks. */
  frameMs: number;
  /** Milliseconds from the event's own time to the beginning of the frame after the one that drew it. */
  paintedMs: number;
}

export interface PageTimes {
  /** Times at which frames began. */
  frames: number[];
  events: EventTime[];
}

/** Runs in the page. */
const clockScript = `(() => {
  if (window.benchClock) return;
  const clock = (window.benchClock = { on: false, frames: [], events: [] });
  const request = window.requestAnimationFrame.bind(window);
  let callbackMs = 0;
  window.requestAnimationFrame = (callback) =>
    request((time) => {
      const start = performance.now();
      callback(time);
      callbackMs += performance.now() - start;
    });
  let waiting = [];
  let drawn = [];
  const tick = (time) => {
    if (clock.on) clock.frames.push(time);
    for (const event of drawn) {
      clock.events.push({ type: event.type, atMs: event.at, handlersMs: event.handlersMs, frameMs: event.frameMs, paintedMs: time - event.at });
    }
    // Callbacks of this frame run after this one: their time is known when the frame is over.
    const during = waiting;
    waiting = [];
    callbackMs = 0;
    drawn = during;
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      for (const event of during) event.frameMs = callbackMs;
    };
    channel.port2.postMessage(null);
    request(tick);
  };
  request(tick);
  let start = 0;
  for (const type of ['pointerdown', 'pointermove', 'pointerup', 'keydown', 'wheel']) {
    window.addEventListener(type, () => (start = performance.now()), { capture: true });
    window.addEventListener(type, (event) => {
      if (!clock.on) return;
      const began = start;
      queueMicrotask(() => {
        waiting.push({ type, at: event.timeStamp, handlersMs: performance.now() - began, frameMs: 0 });
      });
    });
  }
})()`;

/** What the page measured while `action` ran, and a few frames longer. */
export async function measured(page: Page, action: () => Promise<void>): Promise<PageTimes> {
  await page.evaluate(clockScript);
  await page.evaluate('Object.assign(window.benchClock, { on: true, frames: [], events: [] })');
  await action();
  await page.waitForTimeout(100);
  return await page.evaluate<PageTimes>(`(() => {
    const { frames, events } = window.benchClock;
    window.benchClock.on = false;
    return { frames, events };
  })()`);
}

export function frameTimes({ frames }: PageTimes): number[] {
  return frames.slice(1).map((time, index) => time - (frames[index] ?? 0));
}

/** `share` in [0, 1]: 0.99 for the 99th percentile. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
