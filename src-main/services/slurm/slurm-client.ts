/**
 * Slurm's commands as functions: sbatch, squeue, sacct, scontrol and scancel, found on the path, with what they print
 * taken apart. Each call is one short process; none of them waits for a job.
 */
import { spawn } from 'node:child_process';
import { FoveaError, toErrorData } from '../../contract/errors.ts';
import type { SlurmState } from '../../contract/model/sweep.ts';

const deadlineMs = 30_000;

/** A task of a job array. `state` as Slurm names it: "PENDING", "RUNNING", "NODE_FAIL". */
export interface SlurmTask {
  state: string;
  /** Why it waits: "Resources". Empty where it does not. */
  reason: string;
}

interface Output {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Never throws. */
export async function slurmState(): Promise<SlurmState> {
  const nothing = { version: null, partitions: [] };
  try {
    const version = (await succeed('sbatch', ['--version'])).trim();
    const partitions = (await succeed('sinfo', ['--noheader', '--format=%R']))
      .split('\n')
      .filter((name) => name !== '');
    return { available: true, version, partitions: [...new Set(partitions)], reason: null };
  } catch (error) {
    return { available: false, ...nothing, reason: toErrorData(error).message };
  }
}

/** Hands in a script that begins only when it is released; answers with the job's number. Throws FoveaError. */
export async function submitHeld(script: string): Promise<string> {
  const answer = await succeed('sbatch', ['--parsable', '--hold'], script);
  // "12" or "12;cluster"
  const [job] = answer.trim().split(';');
  if (job !== undefined && /^\d+$/.test(job)) return job;
  throw new FoveaError('internal', `internal: sbatch answered “${answer.trim()}” where a job's number was expected`);
}

export async function release(job: string): Promise<void> {
  await succeed('scontrol', ['release', job]);
}

/** `tasks`: "12_3", or "12" for a whole array. What has ended is left alone. */
export async function cancelTasks(tasks: readonly string[]): Promise<void> {
  if (tasks.length > 0) await succeed('scancel', tasks);
}

/**
 * The tasks of a job array by their index; null where Slurm does not know the job any more. Throws FoveaError where it
 * cannot be asked.
 */
export async function tasksOf(job: string): Promise<Map<number, SlurmTask> | null> {
  const format = '--format=%K|%T|%r';
  const queue = await run('squeue', ['--noheader', '--array', '--states=all', format, `--jobs=${job}`]);
  if (queue.code === 0) {
    const tasks = tasksFrom(queue.stdout, ([index, state, reason]) => [index, state, reason === 'None' ? '' : reason]);
    if (tasks.size > 0) return tasks;
  } else if (!/invalid job id/i.test(queue.stderr)) {
    throw failed('squeue', queue);
  }
  // A job that ended a while ago is only in the accounts, where those are kept.
  const accounts = await run('sacct', [
    '--noheader',
    '--parsable2',
    '--allocations',
    '--format=JobID,State',
    `--jobs=${job}`,
  ]);
  if (accounts.code !== 0) return null;
  const tasks = tasksFrom(accounts.stdout, ([id, state]) => [id?.split('_')[1], state?.split(' ')[0], '']);
  return tasks.size > 0 ? tasks : null;
}

function tasksFrom(
  text: string,
  read: (cells: readonly string[]) => readonly [index?: string, state?: string, reason?: string],
): Map<number, SlurmTask> {
  const tasks = new Map<number, SlurmTask>();
  for (const line of text.split('\n')) {
    const [index, state, reason = ''] = read(line.trim().split('|'));
    if (index !== undefined && state !== undefined && /^\d+$/.test(index)) tasks.set(Number(index), { state, reason });
  }
  return tasks;
}

async function succeed(command: string, args: readonly string[], input = ''): Promise<string> {
  const output = await run(command, args, input);
  if (output.code !== 0) throw failed(command, output);
  return output.stdout;
}

function failed(command: string, { code, stderr, stdout }: Output): FoveaError {
  const words = (stderr || stdout).trim().replace(new RegExp(`^${command}: (error|fatal): `, 'gm'), '');
  const said = words === '' ? `it ended with exit code ${code}` : words.replaceAll('\n', '; ');
  return new FoveaError('bad-input', `Slurm's ${command} says: ${said}.`, { command });
}

/** Throws FoveaError `unsupported` where there is no such command here. */
function run(command: string, args: readonly string[], input = ''): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { timeout: deadlineMs, windowsHide: true });
    const output: Output = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.on('error', () => {
      const message = `There is no Slurm on this machine: the command ${command} was not found. Use a computer from which jobs can be submitted.`;
      reject(new FoveaError('unsupported', message, { command }));
    });
    child.on('close', (code) => resolve({ ...output, code }));
    // A command that ends without reading closes the pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
