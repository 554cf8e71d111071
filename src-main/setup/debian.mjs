/**
 * The Debian (and Ubuntu) packages that Electron, a browser and the tests need. As root they are installed; otherwise
 * the one line to run is told. Runs on Node 20, before anything is installed.
 */
import { capture, run } from './child.mjs';
import { say, SetupProblem } from './say.mjs';

/** Libraries that Electron links to. */
export const forElectron = [
  'libgtk-3-0',
  'libnss3',
  'libasound2',
  'libgbm1',
  'libxss1',
  'libdrm2',
  'libxkbcommon0',
  'libxshmfence1',
  'libatk-bridge2.0-0',
  'libcups2',
];
/** A display without a screen, and what the end-to-end tests show on it. */
export const forTests = [...forElectron, 'xvfb', 'xauth', 'dbus-x11', 'fonts-dejavu-core'];
export const forBrowser = ['chromium'];

/**
 * Where Debian packages are missing: installs them as root, else throws the SetupProblem that says what to run.
 * Does nothing on systems without dpkg.
 * @param {readonly string[]} names
 */
export async function ensureDebianPackages(names) {
  const missing = await missingPackages(names);
  if (missing.length === 0) return;
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0) {
    throw new SetupProblem(
      `Debian packages are missing: ${missing.join(', ')}.`,
      `sudo apt-get update && sudo ${install.join(' ')}`,
    );
  }
  say(`Installing Debian packages: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env, toStderr: true });
  const code = await run('apt-get', ['-qq', ...install.slice(1)], { env, toStderr: true });
  if (code !== 0) {
    throw new SetupProblem(
      `apt-get could not install ${missing.join(', ')} (exit code ${code}; its own message stands above).`,
      `apt-get update && ${install.join(' ')}`,
    );
  }
}

/**
 * Since Debian 13 and Ubuntu 24.04 some libraries carry the suffix t64; apt-get still takes the old name.
 * @param {readonly string[]} names
 */
async function missingPackages(names) {
  const wanted = names.flatMap((name) => [name, `${name}t64`]);
  const { code, stdout } = await capture('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted]);
  if (code === null) return [];
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name) && !installed.has(`${name}t64`));
}
