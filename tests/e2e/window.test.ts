/** What Electron's host itself does: the window and its place, the menu, the theme, dialogs, and its way to end. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Envelope } from '../../src-main/contract/errors.ts';
import { temporaryUserData } from '../helpers/app-session.ts';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';

let userDataFolder: string;
let session: ElectronSession;

beforeAll(async () => {
  userDataFolder = temporaryUserData();
  session = await launchElectron({ userDataFolder });
});
afterAll(() => session.close());

const inWindow = <T>(read: (window: Electron.BrowserWindow) => T) =>
  session.app.browserWindow(session.page).then((window) => window.evaluate(read));

/** Not through Playwright's page, which does not survive a crash of the page. */
const inPage = <T>(code: string) =>
  session.app.evaluate(
    ({ BrowserWindow }, script) =>
      BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(script) as Promise<T>,
    code,
  );

it('shows a window named Fovea', async () => {
  expect(await inWindow((window) => [window.isVisible(), window.getTitle()])).toEqual([true, 'Fovea']);
});

it('has a menu with the system’s own actions, and no developer tools', async () => {
  const roles = await session.app.evaluate(({ Menu }) =>
    (Menu.getApplicationMenu()?.items ?? []).flatMap(({ submenu }) => (submenu?.items ?? []).map(({ role }) => role)),
  );
  expect(roles).toEqual(
    expect.arrayContaining(['undo', 'copy', 'paste', 'zoomin', 'togglefullscreen', 'quit', 'about']),
  );
  expect(roles).not.toContain('toggledevtools');
  expect(roles).not.toContain('reload');
});

describe('a dialog', () => {
  const choose = (kind: string) =>
    session.page.evaluate<Envelope<string | null>>(
      `fovea.calls['dialog.choosePath'](${JSON.stringify({ title: 'Import', kind })})`,
    );
  /** Answers in the person's place, and keeps what the dialogs were asked with. */
  const answerWith = (paths: string[], button: number) =>
    session.app.evaluate(
      ({ dialog }, [filePaths, response]) => {
        const asked: unknown[] = [];
        Object.assign(globalThis, { asked });
        Object.assign(dialog, {
          showOpenDialog: async (_window: unknown, { title, properties }: Electron.OpenDialogOptions) => {
            asked.push({ title, properties });
            return { canceled: filePaths.length === 0, filePaths };
          },
          showMessageBox: async (_window: unknown, { buttons }: Electron.MessageBoxOptions) => {
            asked.push({ buttons });
            return { response };
          },
        });
      },
      [paths, button] as const,
    );
  const asked = () => session.app.evaluate(() => Reflect.get(globalThis, 'asked') as unknown[]);

  it('gives the chosen path, and null where the person cancels', async () => {
    await answerWith(['/data/images'], 0);
    expect(await choose('folder')).toEqual({ ok: true, value: '/data/images' });
    expect(await asked()).toEqual([{ title: 'Import', properties: ['openDirectory', 'createDirectory'] }]);
    await answerWith([], 0);
    expect(await choose('file')).toEqual({ ok: true, value: null });
    expect(await asked()).toEqual([{ title: 'Import', properties: ['openFile'] }]);
  });

  it.runIf(process.platform === 'linux')(
    'asks first which of the two, where the system cannot offer both',
    async () => {
      await answerWith(['/data/x.tar.gz'], 1);
      expect(await choose('file-or-folder')).toEqual({ ok: true, value: '/data/x.tar.gz' });
      expect(await asked()).toEqual([
        { buttons: ['Folder', 'File', 'Cancel'] },
        { title: 'Import', properties: ['openFile'] },
      ]);
      await answerWith(['/data'], 2);
      expect(await choose('file-or-folder')).toEqual({ ok: true, value: null });
      expect(await asked()).toHaveLength(1);
    },
  );
});

it('comes back at its next start to the place where it was and to the theme that the person chose', async () => {
  const bounds = { x: 120, y: 90, width: 1111, height: 777 };
  const themeSource = () => session.app.evaluate(({ nativeTheme }) => nativeTheme.themeSource);
  await session.app.browserWindow(session.page).then((window) => window.evaluate((it, to) => it.setBounds(to), bounds));
  await session.page.evaluate(`fovea.calls['settings.update']({ patch: { theme: 'light' } })`);
  expect(await themeSource()).toBe('light');
  await session.close();
  expect(JSON.parse(readFileSync(join(userDataFolder, 'window.json'), 'utf8'))).toEqual({ bounds, maximized: false });

  session = await launchElectron({ userDataFolder });
  expect(await inWindow((window) => window.getPosition())).toEqual([bounds.x, bounds.y]);
  expect(await themeSource()).toBe('light');
  expect(await session.page.evaluate(`matchMedia('(prefers-color-scheme: light)').matches`)).toBe(true);
  expect(await inWindow((window) => window.getBackgroundColor().toLowerCase())).toBe('#e9e9e9');
});

it('loads the page again after the process of the page died', async () => {
  await session.app.evaluate(async ({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents;
    const loaded = new Promise<void>((resolve) => contents?.once('did-finish-load', () => resolve()));
    contents?.forcefullyCrashRenderer();
    await loaded;
  });
  await expect.poll(() => inPage<string>('document.body.dataset.ready'), { timeout: 30_000 }).toBe('true');
});

it('ends in order when the system asks it to: projects are closed and can be opened again', async () => {
  const create = `fovea.calls['project.create'](${JSON.stringify({ name: 'P', parentFolder: userDataFolder })})`;
  expect(await inPage<Envelope<unknown>>(create)).toMatchObject({ ok: true });
  const writeAheadLog = join(userDataFolder, 'P', 'project.sqlite-wal');
  expect(existsSync(writeAheadLog)).toBe(true);
  const child = session.app.process();
  const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  child.kill('SIGTERM');
  expect(await exit).toEqual({ code: 0, signal: null });
  expect(existsSync(writeAheadLog)).toBe(false); // the last connection takes it along when it closes
});
