/**
 * From the start of the program to the first usable screen, warm, in Electron and on the web host; and what the
 * renderer weighs. The page tells that it is usable by <body data-ready="true">.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensureBuilt } from '../../src-main/setup/build.mjs';
import { ensureDebianPackages, forBrowser, forTests } from '../../src-main/setup/debian.mjs';
import { repository, temporaryUserData, waitUntilReady } from '../helpers/app-session.ts';
import { launchChromium, startWebHost } from '../helpers/browser.ts';
import startDisplay from '../helpers/display.ts';
import { launchElectron } from '../helpers/electron.ts';
import { median, type BenchContext, type BenchOutcome } from './bench.ts';

export async function runStartup({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  await ensureDebianPackages([...forTests, ...forBrowser]);
  await ensureBuilt();
  const rounds = quick ? 3 : 9;
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

/** With what Playwright needs to attach itself, so a person waits a little less. */
async function electronStart(userDataFolder: string): Promise<number> {
  const started = performance.now();
  const session = await launchElectron({ userDataFolder });
  const elapsed = performance.now() - started;
  await session.close();
  return elapsed;
}

async function webStart(userDataFolder: string): Promise<number> {
  const browser = await launchChromium();
  const page = await browser.newPage();
  const started = performance.now();
  const host = await startWebHost(userDataFolder);
  await page.goto(host.url);
  await waitUntilReady(page);
  const elapsed = performance.now() - started;
  await browser.close();
  await host.stop();
  return elapsed;
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
