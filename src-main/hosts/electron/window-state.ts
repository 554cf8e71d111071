/**
 * Where the window was and how large, kept in window.json of the user-data folder. A file that is missing, damaged or
 * about a screen that is gone counts as none.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserWindow, Rectangle } from 'electron';
import * as v from 'valibot';

const windowState = v.object({
  bounds: v.object({ x: v.number(), y: v.number(), width: v.number(), height: v.number() }),
  maximized: v.boolean(),
});
export type WindowState = v.InferOutput<typeof windowState>;

const fileName = 'window.json';
/** Within this of the upper edge is the title bar, by which a window is moved. */
const titleBarPx = 10;

/** `workAreas`: the screens that are there, in the same coordinates. */
export function readWindowState(folder: string, workAreas: readonly Rectangle[]): WindowState | null {
  try {
    const state = v.parse(windowState, JSON.parse(readFileSync(join(folder, fileName), 'utf8')));
    return workAreas.some((area) => holdsTitleBar(area, state.bounds)) ? state : null;
  } catch {
    return null;
  }
}

/** Writes the state when the window closes. A failure costs only the remembered place, so it is no more than logged. */
export function rememberWindowState(window: BrowserWindow, folder: string): void {
  window.on('close', () => {
    const state: WindowState = { bounds: window.getNormalBounds(), maximized: window.isMaximized() };
    try {
      writeFileSync(join(folder, fileName), JSON.stringify(state));
    } catch (error) {
      console.error('The place of the window could not be remembered:', error);
    }
  });
}

/** True where the middle of the title bar can be reached on this screen. */
function holdsTitleBar(area: Rectangle, bounds: Rectangle): boolean {
  const x = bounds.x + bounds.width / 2 - area.x;
  const y = bounds.y + titleBarPx - area.y;
  return x >= 0 && x < area.width && y >= 0 && y < area.height;
}
