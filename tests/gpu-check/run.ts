/**
 * `npm run gpu:check [-- --device=ID,…] [--quick]`: tries everything on every device that onnxruntime offers here and
 * prints it as tables: each operator against PyTorch's golden values, a step of each network against the CPU, images a
 * second beside PyTorch. Says what is not available and why. Ends with 1 where a device that works computes wrong numbers.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { device as deviceSchema, type Device } from '../../src-main/contract/model/run.ts';
import { exampleNetworks } from '../../src-main/engine/train/example-step.ts';
import { describeDevices, offeredDevices } from '../../src-main/services/devices/describe.ts';
import { thisMachine } from '../../src-main/services/devices/machine.ts';
import { timePeer } from './peer.ts';
import type { Part, Row } from './rows.ts';

const child = fileURLToPath(new URL('./child.ts', import.meta.url));
const options = process.argv.slice(2);
const quick = options.includes('--quick');
const asked = options
  .filter((option) => option.startsWith('--device='))
  .flatMap((option) => option.slice('--device='.length).split(','));
const wrong = options.filter((option) => option !== '--quick' && !option.startsWith('--device='));
const unknown = asked.filter((id) => !(deviceSchema.options as readonly string[]).includes(id));
if (wrong.length + unknown.length > 0) {
  console.error(
    `Not understood: ${[...wrong, ...unknown].join(', ')}. There are --quick and --device=${deviceSchema.options.join(',')}.`,
  );
  process.exit(2);
}

const machine = thisMachine();
const offered = offeredDevices(machine);
const devices = deviceSchema.options.filter((id) => asked.length === 0 || asked.includes(id));
let failures = 0;
for (const device of devices) failures += await checkDevice(device);
console.log(failures === 0 ? '\nEverything that runs here is right.' : `\n${failures} rows are wrong.`);
process.exitCode = failures === 0 ? 0 : 1;

async function checkDevice(device: Device): Promise<number> {
  const probes = offered.includes(device) ? await runPart(device, 'probe') : [];
  const error = probes[0]?.note ?? null;
  const found = new Map(probes.length > 0 ? [[device, { device, works: error === null, error }] as const] : []);
  const { label, available, reason, providerError } = describeDevices(machine, found).find(({ id }) => id === device)!;
  console.log(`\n${device}: ${label}`);
  if (!available) {
    console.log(`  not available. ${reason ?? ''}`);
    if (providerError) console.log(`  It says: ${providerError}`);
    return 0;
  }
  const operators = await runPart(device, 'operators');
  printRows('operator, with gradients', operators);
  const networks = await runPart(device, 'networks');
  printRows('network, one step', networks);
  const speeds = await runPart(device, 'speed');
  const names = speeds.map(({ name }) => name).filter((name) => exampleNetworks.some((known) => known.name === name));
  const peer = await timePeer(device === 'cpu' ? 'cpu' : 'cuda', names);
  printSpeeds(speeds, peer.speeds);
  console.log(`  ${peer.note}`);
  return [...operators, ...networks, ...speeds].filter(isFailure).length;
}

function isFailure({ note, error, isOptional = false }: Row): boolean {
  return note !== null && (error !== null || !isOptional);
}

/** Rows of a part; where its process dies, one more that says so. */
async function runPart(device: Device, part: Part): Promise<Row[]> {
  // CUDA rounds to TensorFloat-32 unless told otherwise, which would hide a wrong formula behind a wide tolerance.
  const env = part === 'speed' ? process.env : { ...process.env, NVIDIA_TF32_OVERRIDE: '0' };
  const args = [child, device, part, ...(quick ? ['--quick'] : [])];
  const started = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<string>((resolve) =>
    started.once('close', (code, signal) => resolve(signal ?? (code === 0 ? '' : `exit code ${code}`))),
  );
  const rows: Row[] = [];
  for await (const line of createInterface({ input: started.stdout })) rows.push(JSON.parse(line) as Row);
  const death = await ended;
  if (death !== '') rows.push({ name: part, error: null, value: null, note: `the process ended (${death})` });
  return rows;
}

function printRows(title: string, rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.name,
    row.error === null ? '–' : row.error.toExponential(1),
    row.note === null ? 'right' : `${isFailure(row) ? 'WRONG' : 'does not run'}: ${row.note}`,
  ]);
  printTable([title, 'error', ''], cells);
}

function printSpeeds(rows: readonly Row[], torch: ReadonlyMap<string, number | null>): void {
  const cells = rows.map(({ name, value, note }) => {
    const theirs = torch.get(name) ?? null;
    const number = (x: number | null): string => (x === null ? '–' : x.toFixed(x < 100 ? 1 : 0));
    const ratio = value !== null && theirs !== null ? (value / theirs).toFixed(2) : '–';
    return [name, number(value), number(theirs), ratio, note ?? ''];
  });
  printTable(['network, training', 'images/s', 'PyTorch', 'ours ÷ PyTorch', ''], cells);
}

function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const last = header.length - 1;
  for (const row of [header, ...rows])
    console.log(
      `  ${row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : i === last ? cell : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd()}`,
    );
}
