/**
 * Electron's main process: puts the walls up, wires the services to its windows, and ends everything in order. Holds no
 * behaviour of the app itself.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { app, BrowserWindow, dialog, ipcMain, nativeTheme, session } from 'electron';
import { createBackend } from '../../index.ts';
import { withKeptMemory } from '../../processes/kept-memory.ts';
import { smallestYoungHeap, smallYoungHeap } from '../../processes/young-heap.ts';
import type { Backend } from '../../services/backend.ts';
import { productName, userDataFolder, version } from '../app-facts.ts';
import { openContent } from '../content.ts';
import { appOrigin, registerAppScheme, serveAppScheme } from './app-protocol.ts';
import { launchAppNodeChild } from './app-node-child.ts';
import { pathChooser } from './dialogs.ts';
import { connectBridge } from './ipc.ts';
import { cutOffBrowserNetwork, lockContents, lockSession } from './lockdown.ts';
import { installMenu } from './menu.ts';
import { launchUtilityChild } from './utility-child.ts';
import { openWindow } from './window.ts';

// The bundler puts the entries side by side: out/main/*.js, out/preload/preload.cjs, out/renderer/index.html.
const mainFolder = import.meta.dirname;
const preload = join(mainFolder, '..', 'preload', 'preload.cjs');
const rendererFolder = join(mainFolder, '..', 'renderer');
const trainingProcess = join(mainFolder, 'training-process.js');
const taskProcess = join(mainFolder, 'task-process.js');
const workerProcess = join(mainFolder, 'worker-process.js');
const pictureProcess = join(mainFolder, 'picture-process.js');
const appFolder = join(mainFolder, '..', '..');
/** Electron has no command line of its own: Node runs it from the sources. */
const commandLine = join(appFolder, 'src-main', 'setup', 'fovea.mjs');

/** Of the app itself: only their pages are answered. */
const windows = new Set<BrowserWindow>();

app.setName(productName);
app.setPath('userData', userDataFolder());
registerAppScheme();
cutOffBrowserNetwork();
app.on('web-contents-created', (_event, contents) => lockContents(contents));

if (app.requestSingleInstanceLock()) {
  app.on('second-instance', showWindow);
  app.on('window-all-closed', () => app.quit());
  app.whenReady().then(start).catch(giveUp);
} else {
  app.quit();
}

async function start(): Promise<void> {
  const folder = app.getPath('userData');
  mkdirSync(folder, { recursive: true });
  const engine = { appFolder, execArgv: smallestYoungHeap, env: withKeptMemory(process.env) };
  const backend = createBackend({
    userDataFolder: folder,
    version,
    launchTrainer: () => launchAppNodeChild(trainingProcess, 'Fovea training', engine),
    launchTask: () => launchAppNodeChild(taskProcess, 'Fovea engine task', engine),
    launchWorker: () => launchUtilityChild(workerProcess, 'Fovea worker', smallYoungHeap),
    launchPictures: () => launchAppNodeChild(pictureProcess, 'Fovea pictures', { appFolder, standsBack: true }),
    cliCommand: ['node', commandLine],
    choosePath: pathChooser(frontWindow),
  });
  closeBeforeQuit(backend);
  await followTheme(backend);

  lockSession(session.defaultSession);
  serveAppScheme(
    session.defaultSession,
    openContent(rendererFolder, (path) => backend.media(path)),
  );
  connectBridge({
    ipcMain,
    backend,
    pages: () => [...windows].map(({ webContents }) => webContents),
    pageOrigin: appOrigin,
  });
  installMenu({ newWindow: addWindow });
  addWindow();
}

/** Another window begins at the place that the one in front shows. */
function addWindow(): void {
  const window = openWindow({ preload, userDataFolder: app.getPath('userData'), beside: frontWindow() });
  windows.add(window);
  window.once('closed', () => windows.delete(window));
}

/** The window with the focus, or else the one that was opened last. */
function frontWindow(): BrowserWindow | null {
  const focused = BrowserWindow.getFocusedWindow();
  return focused !== null && windows.has(focused) ? focused : ([...windows].at(-1) ?? null);
}

/** The menus, the window's background and the page's `prefers-color-scheme` follow the person's choice. */
async function followTheme(backend: Backend): Promise<void> {
  backend.subscribe('settings.changed', ({ theme }) => (nativeTheme.themeSource = theme));
  nativeTheme.themeSource = (await backend.handlers['settings.get']({})).theme;
}

/** Quitting waits until runs have saved their checkpoints and the databases are closed. */
function closeBeforeQuit(backend: Backend): void {
  let closing = false;
  app.on('will-quit', (event) => {
    event.preventDefault();
    if (closing) return;
    closing = true;
    backend
      .close()
      .then(() => app.exit(0))
      .catch(giveUp);
  });
}

function showWindow(): void {
  const window = frontWindow();
  if (window === null) return;
  if (window.isMinimized()) window.restore();
  window.focus();
}

function giveUp(error: unknown): void {
  console.error(error);
  const message = error instanceof Error ? error.message : String(error);
  dialog.showErrorBox(`${productName} has to stop`, message);
  app.exit(1);
}
