/** The one window: sandboxed, isolated, without Node, shown once it has something to show. */
import { BrowserWindow, nativeTheme } from 'electron';
import { productName } from '../app-facts.ts';
import { appUrl } from './app-protocol.ts';
import { devToolsWanted } from './lockdown.ts';
import { readWindowState, rememberWindowState } from './window-state.ts';

const defaultSize = { width: 1440, height: 900 };
/** The canvas surround of both themes, so that nothing flashes before the page paints. */
const background = { dark: '#1b1b1b', light: '#e9e9e9' };

export interface WindowOptions {
  preload: string;
  userDataFolder: string;
}

export function openWindow({ preload, userDataFolder }: WindowOptions): BrowserWindow {
  const state = readWindowState(userDataFolder);
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
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit') return;
    console.error(`The window's process ended (${reason}); loading it again.`);
    window.webContents.reload();
  });
  void window.loadURL(appUrl);
  return window;
}
