/** The web host as a child process, and Chromium in front of it, driven by Playwright. Needs a build in out/. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
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

const chromiumFlags = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface WebHost {
  /** With its token. */
  url: string;
  process: ChildProcess;
  stop(): Promise<void>;
}

export interface BrowserSession extends AppSession {
  host: WebHost;
  browser: Browser;
}

/** Starts the web host on a free port and waits for the address that it prints. */
export async function startWebHost(userDataFolder: string, env: Record<string, string> = {}): Promise<WebHost> {
  const child = spawn(process.execPath, [join(repository, 'src-main', 'hosts', 'web', 'main.ts')], {
    cwd: repository,
    env: childEnvironment(userDataFolder, env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url: await printedAddress(child), process: child, stop };
}

function printedAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (text: string) => {
      output += text;
      const [url] = /http:\/\/127\.0\.0\.1:\S+(?=\s)/.exec(output) ?? [];
      if (url) resolve(url);
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('exit', (code) =>
      reject(new Error(`The web host ended with code ${code} before it was ready:\n${output}`)),
    );
  });
}

/** Root cannot use Chromium's sandbox; nobody else goes without it. Debian's Chromium, or the one that FOVEA_CHROMIUM names. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env['FOVEA_CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(
      `There is no browser at ${executablePath}. Install the Debian package chromium, or set FOVEA_CHROMIUM.`,
    );
  }
  return await chromium.launch({ executablePath, args: chromiumFlags, chromiumSandbox: !isRoot });
}

/** Resolves once the start screen can be used. */
export async function launchBrowser(options: SessionOptions = {}): Promise<BrowserSession> {
  const userDataFolder = options.userDataFolder ?? temporaryUserData();
  const host = await startWebHost(userDataFolder, options.env);
  try {
    const browser = await launchChromium();
    const page = await browser.newPage({ viewport: options.size ?? defaultSize });
    await page.goto(host.url);
    await waitUntilReady(page);
    const close = async () => {
      await browser.close();
      await host.stop();
    };
    return { host, browser, page, userDataFolder, close };
  } catch (error) {
    await host.stop();
    throw error;
  }
}
