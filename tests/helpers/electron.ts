/** The built app in a real Electron, driven by Playwright. Needs a display (helpers/display.ts) and a build in out/. */
import { _electron, type ElectronApplication } from 'playwright-core';
import { findElectron, type ElectronBinary } from '../../src-main/setup/electron.mjs';
import { SetupProblem } from '../../src-main/setup/say.mjs';
import {
  childEnvironment,
  defaultSize,
  isRoot,
  repository,
  temporaryUserData,
  waitUntilReady,
  type AppSession,
  type SessionOptions,
} from './app-session.ts';

export interface ElectronSession extends AppSession {
  app: ElectronApplication;
}

let binary: Promise<ElectronBinary> | undefined;

/** Found and checked once in this process. */
export function electronBinary(): Promise<ElectronBinary> {
  binary ??= findElectron({ npmRepack: 'if-needed' }).then((search) => {
    if (!search.found) throw new SetupProblem(search.reason, search.mend);
    return search.found;
  });
  return binary;
}

/** Resolves once the start screen can be used. */
export async function launchElectron(options: SessionOptions = {}): Promise<ElectronSession> {
  const { distFolder } = await electronBinary();
  // Playwright finds Electron through its package, and only then holds the app back until it has attached itself.
  process.env['ELECTRON_OVERRIDE_DIST_PATH'] = distFolder;
  const userDataFolder = options.userDataFolder ?? temporaryUserData();
  const app = await _electron.launch({
    args: [repository],
    chromiumSandbox: !isRoot, // root cannot use it; nobody else goes without it
    env: childEnvironment(userDataFolder, options.env),
    timeout: 60_000,
  });
  try {
    const page = await app.firstWindow();
    const window = await app.browserWindow(page);
    await window.evaluate((it, { width, height }) => it.setContentSize(width, height), options.size ?? defaultSize);
    await waitUntilReady(page);
    // Shown when Chromium has painted it once, which may be later; a window that never is fails the test's own limit.
    while (!(await window.evaluate((it) => it.isVisible()))) await page.waitForTimeout(20);
    return { app, page, userDataFolder, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
