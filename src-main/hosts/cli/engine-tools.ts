/** Commands for who works on the engine: a training step's graph and its profile. They need no project. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Device } from '../../contract/model/run.ts';
import type { HostPorts } from '../../services/backend.ts';
import { runTask } from '../../services/devices/run-task.ts';
import type { EngineTasks } from '../../training-process/messages.ts';
import { exitCodes, printJson, table, type CliIo, type ExitCode } from './io.ts';

export interface Tools {
  io: CliIo;
  launchTask: HostPorts['launchTask'];
}
interface StepOptions {
  batch?: number;
  size?: number;
}
type StepProfile = EngineTasks['profile-step']['answer'];

const deadlineMs = 10 * 60_000;
const rowsShown = 25;

const choiceOf = (network: string, { batch, size }: StepOptions) => ({
  network,
  batchSize: batch ?? null,
  side: size ?? null,
});

export async function dumpGraph(
  { io, launchTask }: Tools,
  network: string,
  options: StepOptions & { stage: 'built' | 'lowered'; output: string },
): Promise<ExitCode> {
  const request = { ...choiceOf(network, options), stage: options.stage };
  const { model, text } = await runTask(launchTask, { name: 'dump-graph', request }, { deadlineMs });
  const file = resolve(io.cwd, options.output);
  const textFile = `${file.replace(/\.onnx$/, '')}.txt`;
  try {
    await writeFile(file, model);
    await writeFile(textFile, `${text}\n`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('io', `${file} could not be written: ${reason}`, { file }, { cause });
  }
  io.stdout.write(`${file}\n${textFile}\n`);
  return exitCodes.ok;
}

export async function profile(
  { io, launchTask }: Tools,
  network: string,
  options: StepOptions & { device: Device; steps: number; json?: boolean },
): Promise<ExitCode> {
  const { device, steps } = options;
  const request = { ...choiceOf(network, options), device, steps };
  const measured = await runTask(launchTask, { name: 'profile-step', request }, { deadlineMs });
  if (options.json) printJson(io, measured);
  else io.stdout.write(profileText(measured));
  return exitCodes.ok;
}

function profileText({ stepMs, layers, opTypes }: StepProfile): string {
  const part = (title: string, rows: StepProfile['layers']): string => {
    const shown = rows.slice(0, rowsShown);
    const rest = rows.slice(rowsShown);
    const line = ({ name, milliseconds, nodes }: StepProfile['layers'][number]): string[] => [
      name,
      milliseconds.toFixed(3),
      `${((100 * milliseconds) / stepMs).toFixed(1)} %`,
      String(nodes),
    ];
    const others = {
      name: `${rest.length} others`,
      milliseconds: rest.reduce((sum, row) => sum + row.milliseconds, 0),
      nodes: rest.reduce((sum, row) => sum + row.nodes, 0),
    };
    return table([title, 'ms', 'share', 'nodes'], [...shown, ...(rest.length > 0 ? [others] : [])].map(line));
  };
  return `${stepMs.toFixed(2)} ms in nodes a step\n\n${part('layer', layers)}\n${part('operator', opTypes)}`;
}
