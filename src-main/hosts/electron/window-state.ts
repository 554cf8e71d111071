/**
 * Where the window was and how large, kept in window.json of the user-data folder. A file that is missing, damaged or
 * about a screen that is gone gives the default place.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { screen, type BrowserWindow, type Rectangle } from 'electron';
import * as v from 'valibot';

const windowState = v.object({
  bounds: v.object({ x: v.number(), y: v.number(), width: v.number(), height: v.number() }),
  maximized: v.boolean(),
});
type WindowState = v.InferOutput<typeof windowState>;

const fileName = 'window.json';

export function readWindowState(folder: string): WindowState | null {
  try {
    const state = v.parse(windowState, JSON.parse(readFileSync(join(folder, fileName), 'utf8')));
    return isOnScreen(state.bounds) ? state : null;
  } catch {
    return null;
  }
}

/** Writes the state when the window closes. A failure costs only the remembered place, so it is not an error. */
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

/** True where enough of the title bar is on some screen to take hold of it. */
function isOnScreen(bounds: Rectangle): boolean {
  const grip = { x: bounds.x + bounds.width / 2, y: bounds.y + 10 };
  return screen.getAllDisplays().some(({ workArea }) => {
    const insideX = grip.x >= workArea.x && grip.x < workArea.x + workArea.width;
    return insideX && grip.y >= workArea.y && grip.y < workArea.y + workArea.height;
  });
}
