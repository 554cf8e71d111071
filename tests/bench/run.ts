/** `npm run bench -- NAME [--quick]`, `npm run bench -- list`. Ends with 1 where a bar is missed. */
import { sayProblem, SetupProblem } from '../../src-main/setup/say.mjs';
import { judge } from './bench.ts';
import { machineFacts } from './machine.ts';
import { benches } from './registry.ts';
import { jsonLine, table } from './report.ts';

const options = process.argv.slice(2);
const [name = 'list'] = options.filter((option) => !option.startsWith('--'));
const unknown = options.filter((option) => option.startsWith('--') && option !== '--quick');

if (unknown.length > 0) {
  console.error(`Unknown option ${unknown.join(', ')}. There is --quick.`);
  process.exitCode = 2;
} else if (name === 'list') {
  for (const { name, summary } of benches) console.log(`${name.padEnd(12)} ${summary}`);
} else {
  process.exitCode = await runBench(name, options.includes('--quick'));
}

async function runBench(name: string, quick: boolean): Promise<number> {
  const bench = benches.find((entry) => entry.name === name);
  if (!bench) {
    console.error(`There is no bench "${name}". There are: ${benches.map((entry) => entry.name).join(', ')}.`);
    return 2;
  }
  try {
    const run = await bench.load();
    const outcome = await run({ quick, progress: (text) => console.error(`${name}: ${text}`) });
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
