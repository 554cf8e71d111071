/** Being asked to stop, once and twice. Events of the process stand in for the system's signals. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { onInterrupt } from '../../src-main/hosts/interrupts.ts';

let asked: number;
let end: () => void;
beforeEach(() => {
  vi.useFakeTimers();
  asked = 0;
  end = onInterrupt(() => asked++);
});
afterEach(() => {
  end();
  vi.useRealTimers();
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('hears %s until the subscription ends', (signal) => {
  process.emit(signal);
  expect(asked).toBe(1);
  end();
  expect(process.listenerCount(signal)).toBe(0);
});

it('takes a signal that comes twice at once for one, and a later one for a second', () => {
  process.emit('SIGINT');
  vi.advanceTimersByTime(20);
  process.emit('SIGINT');
  expect(asked).toBe(1);
  vi.advanceTimersByTime(600);
  process.emit('SIGINT');
  expect(asked).toBe(2);
});
