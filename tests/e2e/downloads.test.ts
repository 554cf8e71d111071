/** Files that the page makes itself (a configuration, a report) can be kept in Electron too, behind all its walls. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';

/** What the test needs of Electron's DownloadItem. */
interface KeptItem {
  setSavePath(path: string): void;
  getFilename(): string;
  once(event: 'done', listener: (event: unknown, state: string) => void): void;
}

let session: ElectronSession;
const folder = mkdtempSync(join(tmpdir(), 'fovea-downloads-'));
beforeAll(async () => {
  session = await launchElectron();
});
afterAll(async () => {
  await session.close();
  rmSync(folder, { recursive: true, force: true });
});

it('hands a file of the page to the person, with the name that the page suggests', async () => {
  const path = join(folder, 'kept.json');
  const window = await session.app.browserWindow(session.page);
  const kept = window.evaluate(
    (it, savePath) =>
      new Promise<string>((resolve) => {
        it.webContents.session.once('will-download', (_event: unknown, item: KeptItem) => {
          // Instead of the dialog that asks where.
          item.setSavePath(savePath);
          item.once('done', (_done: unknown, state: string) => resolve(`${item.getFilename()} ${state}`));
        });
      }),
    path,
  );
  await session.page.evaluate(`(() => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob(['{"seed":1}'], { type: 'application/json' }));
    link.download = 'plan.json';
    link.click();
  })()`);
  expect(await kept).toBe('plan.json completed');
  expect(readFileSync(path, 'utf8')).toBe('{"seed":1}');
});
