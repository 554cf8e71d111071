/**
 * How long the event loop of this thread was held up. An idle thread beside it measures at the same time how late the
 * machine itself is, so that a busy machine is not taken for work of our own.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { measureTickLateness } from './tick-lateness.ts';

export interface LoopLag {
  /** The longest hold-up of this thread in ms. */
  mainMs: number;
  /** The same for the idle thread. */
  idleMs: number;
}

export async function measureLoopLag(work: () => Promise<void>): Promise<LoopLag> {
  const idle = new Worker(new URL('./idle-thread.ts', import.meta.url));
  await once(idle, 'message');
  const lateness = measureTickLateness();
  await work();
  const mainMs = lateness.stop();
  const answered = once(idle, 'message');
  idle.postMessage('stop');
  const [idleMs] = (await answered) as [number];
  return { mainMs, idleMs };
}
