/**
 * The npm packages and the Node that Fovea runs on. Installs when package-lock.json has changed since the last
 * successful set-up, and checks that the native packages load. Runs on Node 20, before anything is installed.
 *
 * The machine's own Node may be too old: better-sqlite3's prebuilds need N-API 10 and our TypeScript runs by type
 * stripping. The npm package `node`, a development dependency, brings a Node 24 as node_modules/node/bin/node.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { capture, run } from './child.mjs';
import { nodeModules, root } from './paths.mjs';
import { say, SetupProblem } from './say.mjs';

const stampFile = join(nodeModules, '.fovea-setup');
const bundledNode = join(nodeModules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const reinstall = 'rm -rf node_modules && npm start';

/** Makes node_modules right and returns the Node to run Fovea with. Instant when nothing has changed. */
export async function ensureNodePackages() {
  const wanted = fingerprint();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return ensureBundledNode();

  rmSync(stampFile, { force: true });
  const fresh = !existsSync(nodeModules);
  say(fresh ? 'Installing the npm packages. The first time takes a minute or two.' : 'Updating the npm packages.');
  await installPackages(fresh ? ['ci'] : ['install', '--no-save']);
  let node = await ensureBundledNode();
  let failures = await packagesThatFailToLoad(node);
  if (failures.length > 0 && !fresh) {
    say(`${failures.map(({ name }) => name).join(' and ')} cannot be loaded. Installing everything afresh.`);
    await installPackages(['ci']);
    node = await ensureBundledNode();
    failures = await packagesThatFailToLoad(node);
  }
  const [failure] = failures;
  if (failure) throw new SetupProblem(`The package ${failure.name} cannot be loaded: ${failure.reason}`, reinstall);
  writeFileSync(stampFile, wanted);
  say('The npm packages are ready.');
  return node;
}

/** Changes when other packages, or packages for another machine, are needed. */
function fingerprint() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform} ${process.arch}`).digest('hex');
}

/** @param {readonly string[]} action */
async function installPackages(action) {
  const npm = npmCommand();
  const env = {
    ...process.env,
    PATH: pathWithoutOurPackages(),
    // Its script would fetch CUDA libraries and fail the whole installation where it cannot: see `npm run setup:cuda`.
    ONNXRUNTIME_NODE_INSTALL: 'skip',
    // Electron is fetched by electron.mjs, when and if it is wanted.
    ELECTRON_SKIP_BINARY_DOWNLOAD: '1',
  };
  const args = [...npm.args, ...action, '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await run(npm.command, args, { cwd: root, env, toStderr: true, shell: npm.shell });
  if (code === 127) {
    throw new SetupProblem('npm is not on this machine. It comes with Node.', 'install Node 24: https://nodejs.org/');
  }
  if (code !== 0) {
    throw new SetupProblem(
      `npm could not install the packages (exit code ${code}; its own message stands above). ` +
        'Most often the network or the npm registry is out of reach.',
      'npm ci',
    );
  }
}

/** The npm that started us, run by the Node that npm itself runs on; else the one on the PATH. */
function npmCommand() {
  const { npm_execpath: npmScript, npm_node_execpath: npmNode } = process.env;
  if (npmScript && npmNode && basename(npmScript) === 'npm-cli.js' && existsSync(npmNode) && npmNode !== bundledNode) {
    return { command: npmNode, args: [npmScript], shell: false };
  }
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

/** npm must not run on the Node that it is about to replace. */
function pathWithoutOurPackages() {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(nodeModules))
    .join(delimiter);
}

/**
 * The package `node` fetches its binary in an install script, which npm may have been told not to run (ignore-scripts,
 * or npm 12 without approval): then it is run here.
 */
async function ensureBundledNode() {
  if (!existsSync(bundledNode)) {
    say('Fetching Node 24 (the npm package node@24).');
    const env = { ...process.env, PATH: pathWithoutOurPackages() };
    await run(process.execPath, ['installArchSpecificPackage.js'], {
      cwd: join(nodeModules, 'node'),
      env,
      toStderr: true,
    });
  }
  return nodeToUse();
}

function nodeToUse() {
  if (existsSync(bundledNode)) return bundledNode;
  if (canRunFovea(process.versions.node)) return process.execPath;
  throw new SetupProblem(
    `Node 24 could not be fetched as the npm package node@24, and this machine's own Node ${process.versions.node} is ` +
      'too old to stand in for it (22.18 or later would do).',
    'npm rebuild node --foreground-scripts --ignore-scripts=false',
  );
}

/**
 * 22.18 is the first version that runs TypeScript without a flag; N-API 10, for better-sqlite3, came with 22.14.
 * @param {string} version
 */
function canRunFovea(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

/**
 * Packages with native code, loaded for real, each in a process of its own.
 * @param {string} node
 */
async function packagesThatFailToLoad(node) {
  const probes = {
    'better-sqlite3': "new (require('better-sqlite3'))(':memory:').close()",
    'onnxruntime-node': "require('onnxruntime-node').Tensor",
    sharp: "require('sharp').versions",
  };
  const results = await Promise.all(
    Object.entries(probes).map(async ([name, code]) => {
      const result = await capture(node, ['-e', code], { cwd: root });
      const reason = result.stderr.split('\n').find((line) => line.includes('Error')) ?? result.stderr.trim();
      return { name, reason, ok: result.code === 0 };
    }),
  );
  return results.filter(({ ok }) => !ok);
}
