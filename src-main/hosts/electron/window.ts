/** A window: sandboxed, isolated, without Node, shown once it has something to show. */
import { app, BrowserWindow, dialog, nativeTheme, screen, type Rectangle } from 'electron';
import { productName } from '../app-facts.ts';
import { appUrl } from './app-protocol.ts';
import { devToolsWanted } from './lockdown.ts';
import { readWindowState, rememberWindowState, type WindowState } from './window-state.ts';

const defaultSize = { width: 1440, height: 900 };
/** The canvas surround of both themes, so that nothing flashes before the page paints. */
const background = { dark: '#1b1b1b', light: '#e9e9e9' };

export interface WindowOptions {
  preload: string;
  userDataFolder: string;
  /** The window that this one is opened from; null for the first. */
  beside: BrowserWindow | null;
}

/** So much lower and further right, that both can be seen. */
const besidePx = 28;

export function openWindow({ preload, userDataFolder, beside }: WindowOptions): BrowserWindow {
  const workAreas = screen.getAllDisplays().map(({ workArea }) => workArea);
  const state = beside === null ? readWindowState(userDataFolder, workAreas) : shifted(beside.getNormalBounds());
  const window = new BrowserWindow({
    ...(state?.bounds ?? defaultSize),
    minWidth: 960,
    minHeight: 600,
    title: productName,
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? background.dark : background.light,
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false, // its dictionaries would be downloaded
      devTools: devToolsWanted,
    },
  });
  rememberWindowState(window, userDataFolder);
  window.once('ready-to-show', () => {
    if (state?.maximized) window.maximize();
    window.show();
  });
  // about:blank is the one address that no handler can refuse: Chromium goes there without asking.
  window.webContents.on('did-navigate', (_event, url) => {
    if (!url.startsWith(appUrl)) void window.loadURL(appUrl);
  });
  reloadAfterCrash(window);
  const place = beside?.webContents.getURL() ?? '';
  void window.loadURL(place.startsWith(appUrl) ? place : appUrl);
  return window;
}

function shifted({ x, y, width, height }: Rectangle): WindowState {
  return { bounds: { x: x + besidePx, y: y + besidePx, width, height }, maximized: false };
}

/** A page that dies so soon after the last time will not live after the next either. */
const crashLoopMs = 10_000;

/** The services go on without the page, so a page that died (of memory, mostly) only has to be loaded again. */
function reloadAfterCrash(window: BrowserWindow): void {
  let lastCrash = Number.NEGATIVE_INFINITY;
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit') return;
    console.error(`The window's process ended (${reason}).`);
    const crashedAgain = performance.now() - lastCrash < crashLoopMs;
    lastCrash = performance.now();
    // Not from inside this event: Electron 42 itself would crash.
    setImmediate(() => {
      if (window.isDestroyed()) return;
      if (!crashedAgain) return window.webContents.reload();
      dialog.showErrorBox(`${productName} has to stop`, `Its window cannot be shown (${reason}). Your work is saved.`);
      app.quit();
    });
  });
}
