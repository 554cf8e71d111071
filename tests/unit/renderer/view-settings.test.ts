import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ViewSettings } from '../../../src-renderer/state/view-settings.svelte.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a change shows at once and is written once, after a rest', async () => {
  const write = vi.fn(() => Promise.resolve());
  const view = new ViewSettings(write);
  view.take({ 'panel.px': 200, open: true });
  for (const px of [210, 220, 230]) view.set('panel.px', px);
  expect(view.number('panel.px', 0)).toBe(230);
  expect(write).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(500);
  expect(write.mock.calls).toEqual([[{ 'panel.px': 230, open: true }]]);
});

test('what comes from the service while a change waits does not undo it', async () => {
  const view = new ViewSettings(() => Promise.resolve());
  view.set('panel.px', 300);
  view.take({ 'panel.px': 200 });
  expect(view.number('panel.px', 0)).toBe(300);
  await vi.advanceTimersByTimeAsync(500);
  view.take({ 'panel.px': 250 });
  expect(view.number('panel.px', 0)).toBe(250);
});

test('a value of another type counts as absent', () => {
  const view = new ViewSettings(() => Promise.resolve());
  view.take({ size: 'large', open: 1 });
  expect([view.number('size', 96), view.flag('open', true), view.text('size', '')]).toEqual([96, true, 'large']);
});
