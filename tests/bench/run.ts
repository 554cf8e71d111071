/**
 * `npm run bench -- NAME [--quick] [--fresh]`, `npm run bench -- list`. Ends with 1 where a bar is missed. FOVEA_BENCH_ONLY
 * names trainings by parts of their names, with commas between them; of the others a bench takes what was kept.
 */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sayProblem, SetupProblem } from '../../src-main/setup/say.mjs';
import { judge } from './bench.ts';
import { machineFacts } from './machine.ts';
import { benches } from './registry.ts';
import { jsonLine, table } from './report.ts';

const options = process.argv.slice(2);
const [name = 'list'] = options.filter((option) => !option.startsWith('--'));
const unknown = options.filter((option) => option.startsWith('--') && !['--quick', '--fresh'].includes(option));
/** Not part of the repository, and lasting longer than a temporary folder. */
const keptResults = resolve(import.meta.dirname, '..', '..', '.cache', 'bench');
/** Those of whole benches, for the README. */
const pictures = resolve(import.meta.dirname, '..', '..', 'resources', 'figures');
const only = (process.env['FOVEA_BENCH_ONLY'] ?? '').split(',').filter((part) => part !== '');

if (unknown.length > 0) {
  console.error(
    `Unknown option ${unknown.join(', ')}. There are --quick and --fresh (forgets what was kept of calls before).`,
  );
  process.exitCode = 2;
} else if (name === 'list') {
  for (const { name, summary } of benches) console.log(`${name.padEnd(12)} ${summary}`);
} else {
  process.exitCode = await runBench(name, options.includes('--quick'), options.includes('--fresh'));
}

async function runBench(name: string, quick: boolean, fresh: boolean): Promise<number> {
  const bench = benches.find((entry) => entry.name === name);
  if (!bench) {
    console.error(`There is no bench "${name}". There are: ${benches.map((entry) => entry.name).join(', ')}.`);
    return 2;
  }
  try {
    const run = await bench.load();
    const kept = join(keptResults, name);
    if (fresh) await rm(kept, { recursive: true, force: true });
    const outcome = await run({
      quick,
      kept,
      only: only.length === 0 ? null : only,
      pictures: quick ? kept : pictures,
      progress: (text) => console.error(`${name}: ${text}`),
    });
    const verdict = judge(outcome);
    const machine = machineFacts();
    console.log(table(outcome, verdict, machine));
    console.log(jsonLine(name, outcome, verdict, machine));
    return verdict.ok === false ? 1 : 0;
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    sayProblem(error);
    return 1;
  }
}
