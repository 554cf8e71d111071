/**
 * From the start of the program to the first usable screen, warm, in Electron and on the web host; and what the
 * renderer weighs. Electron is started as a person starts it: Playwright only looks in through the debugging port, and
 * the page itself tells since when it has been usable, by its performance mark "ready".
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { chromium, type Page } from 'playwright-core';
import { ensureBuilt } from '../../src-main/setup/build.mjs';
import { ensureDebianPackages, forBrowser, forTests } from '../../src-main/setup/debian.mjs';
import { electronFlags } from '../../src-main/setup/electron.mjs';
import { childEnvironment, repository, temporaryUserData, waitUntilReady } from '../helpers/app-session.ts';
import { launchChromium, startWebHost } from '../helpers/browser.ts';
import startDisplay from '../helpers/display.ts';
import { electronBinary } from '../helpers/electron.ts';
import { median, type BenchContext, type BenchOutcome } from './bench.ts';

export async function runStartup({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  await ensureDebianPackages([...forTests, ...forBrowser]);
  await ensureBuilt();
  const rounds = quick ? 3 : 9;
  await electronBinary(); // looked for and checked before any clock runs
  const stopDisplay = await startDisplay();
  try {
    progress(`starting Electron ${rounds + 1} times`);
    const electronMs = await warmTimes(rounds, electronStart);
    progress(`starting the web host ${rounds + 1} times`);
    const webMs = await warmTimes(rounds, webStart);
    const size = rendererSize();
    return {
      figures: [
        {
          name: 'electronStartMs',
          value: median(electronMs),
          explanation: `Electron, median of ${rounds} warm starts`,
        },
        {
          name: 'electronSlowestStartMs',
          value: Math.max(...electronMs),
          explanation: 'Electron, the slowest of them',
        },
        { name: 'webStartMs', value: median(webMs), explanation: 'web host and page, in a browser that is open' },
        { name: 'rendererBytes', value: size.raw, explanation: 'scripts, styles and page' },
        { name: 'rendererGzipBytes', value: size.gzip, explanation: 'the same, compressed' },
      ],
      bars: [{ figure: 'electronStartMs', bar: 2000, direction: 'at-most' }],
      notes: [],
    };
  } finally {
    stopDisplay();
  }
}

/** The first start fills the disk cache and is left out. All use one folder of settings, as a person does. */
async function warmTimes(rounds: number, start: (userDataFolder: string) => Promise<number>): Promise<number[]> {
  const userDataFolder = temporaryUserData();
  const times: number[] = [];
  for (let round = 0; round <= rounds; round += 1) times.push(await start(userDataFolder));
  return times.slice(1);
}

async function electronStart(userDataFolder: string): Promise<number> {
  const { executable } = await electronBinary();
  const started = Date.now();
  const child = spawn(executable, [...electronFlags(), '--remote-debugging-port=0', repository], {
    env: childEnvironment(userDataFolder),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const address = await debuggingAddress(child);
    await windowListed(address);
    const browser = await chromium.connectOverCDP(address);
    const page = browser.contexts()[0]?.pages()[0];
    if (!page) throw new Error('Electron has no window.');
    return (await usableSince(page)) - started;
  } finally {
    child.kill();
    await ended;
  }
}

function debuggingAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const [, address] = /DevTools listening on (ws:\S+)\s/.exec(output) ?? [];
      if (address) resolve(address);
    });
    child.once('exit', (code) => reject(new Error(`Electron ended with code ${code} at its start:\n${output}`)));
  });
}

/** Waits until Electron lists its window: Playwright hangs now and then where it connects before there is one. */
async function windowListed(address: string): Promise<void> {
  const list = `http://${new URL(address).host}/json/list`;
  for (;;) {
    const targets = (await (await fetch(list)).json()) as { type: string }[];
    if (targets.some(({ type }) => type === 'page')) return;
    await setTimeout(20);
  }
}

async function webStart(userDataFolder: string): Promise<number> {
  const browser = await launchChromium();
  const page = await browser.newPage();
  const started = Date.now();
  const host = await startWebHost(userDataFolder);
  try {
    await page.goto(host.url);
    return (await usableSince(page)) - started;
  } finally {
    await browser.close();
    await host.stop();
  }
}

/** Milliseconds since 1970. */
async function usableSince(page: Page): Promise<number> {
  await waitUntilReady(page);
  return await page.evaluate(
    () => performance.timeOrigin + (performance.getEntriesByName('ready')[0]?.startTime ?? NaN),
  );
}

function rendererSize(): { raw: number; gzip: number } {
  const folder = join(repository, 'out', 'renderer');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(js|css|html)$/.test(file),
  );
  const contents = files.map((file) => readFileSync(join(folder, file)));
  return {
    raw: contents.reduce((sum, content) => sum + content.length, 0),
    gzip: contents.reduce((sum, content) => sum + gzipSync(content).length, 0),
  };
}
