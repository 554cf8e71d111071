/**
 * The checks that need no run of the app: types, rules, dead code, format. `npm run check`, `npm run lint` and
 * `npm test` share this list.
 */
import { join } from 'node:path';
import { capture } from './child.mjs';
import { nodeModules, root } from './paths.mjs';

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {'types' | 'lint'} kind
 * @property {string} script relative to node_modules
 * @property {readonly string[]} args
 */
/** @type {readonly Check[]} */
export const checks = [
  { name: 'types', kind: 'types', script: 'typescript/bin/tsc', args: ['-p', 'tsconfig.json'] },
  {
    name: 'renderer-types',
    kind: 'types',
    script: 'svelte-check/bin/svelte-check',
    args: ['--tsconfig', './tsconfig.renderer.json', '--output', 'human', '--fail-on-warnings'],
  },
  { name: 'renderer-test-types', kind: 'types', script: 'typescript/bin/tsc', args: ['-p', 'tests/unit/renderer'] },
  {
    name: 'lint',
    kind: 'lint',
    script: 'eslint/bin/eslint.js',
    args: [
      ...['--config', '.eslint.config.mjs', '--max-warnings=0'],
      ...['--cache', '--cache-location', '.cache/eslint.json', '--cache-strategy', 'content', '.'],
    ],
  },
  {
    name: 'import-rules',
    kind: 'lint',
    script: 'dependency-cruiser/bin/dependency-cruise.mjs',
    args: ['--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', 'src-main', 'src-renderer'],
  },
  { name: 'dead-code', kind: 'lint', script: 'knip/bin/knip.js', args: ['--config', '.knip.json', '--no-progress'] },
  { name: 'format', kind: 'lint', script: 'prettier/bin/prettier.cjs', args: ['--check', '--log-level', 'warn', '.'] },
];

/**
 * Runs checks, two at a time, and prints each outcome as it comes, with the tool's own words where it failed.
 * @param {readonly Check[]} wanted
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runChecks(wanted) {
  const waiting = [...wanted];
  const counts = { passed: 0, failed: 0 };
  const worker = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const started = performance.now();
      const { code, stdout, stderr } = await capture(
        process.execPath,
        [join(nodeModules, check.script), ...check.args],
        { cwd: root },
      );
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      counts[code === 0 ? 'passed' : 'failed'] += 1;
      process.stdout.write(`${code === 0 ? '✓' : '✗'} ${check.name} (${seconds} s)\n`);
      if (code !== 0) process.stdout.write(`${stdout}${stderr}\n`);
    }
  };
  await Promise.all([worker(), worker()]);
  return counts;
}
