/** Where the window comes back to, and when it must not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readWindowState } from '../../src-main/hosts/electron/window-state.ts';

const laptop = { x: 0, y: 30, width: 1920, height: 1050 };
const second = { x: 1920, y: 0, width: 2560, height: 1440 };
const state = { bounds: { x: 2000, y: 100, width: 1400, height: 900 }, maximized: false };

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fovea-window-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function read(value: unknown, screens = [laptop, second]) {
  writeFileSync(join(folder, 'window.json'), typeof value === 'string' ? value : JSON.stringify(value));
  return readWindowState(folder, screens);
}

it('gives what was remembered, on whichever screen it is', () => {
  expect(read(state)).toEqual(state);
  expect(read({ ...state, maximized: true })).toEqual({ ...state, maximized: true });
});

it('counts as none where the screen is gone', () => {
  expect(read(state, [laptop])).toBeNull();
});

it.each([
  ['just on the left screen', { x: -600, y: 30 }, true],
  ['with its middle beyond the left edge', { x: -800, y: 30 }, false],
  ['with its title bar above the screen', { x: 100, y: -50 }, false],
  ['with its title bar below the screen', { x: 100, y: 1075 }, false],
])('%s', (_what, place, isKept) => {
  const value = { bounds: { ...place, width: 1400, height: 900 }, maximized: false };
  expect(read(value, [laptop])).toEqual(isKept ? value : null);
});

it.each(['', '{"bounds":', 'null', '{"bounds":{"x":"left"},"maximized":false}', '{"maximized":true}'])(
  'counts as none where the file holds %s',
  (text) => {
    expect(read(text)).toBeNull();
  },
);

it('counts as none where there is no file', () => {
  expect(readWindowState(folder, [laptop])).toBeNull();
});
