/** What every command of the command line has: the project that is meant, and its answer as text or JSON. */
import type { Job } from '../../contract/model/job.ts';
import type { Project } from '../../contract/model/project.ts';
import type { Client } from './client.ts';
import { followJob } from './follow.ts';
import { exitCodes, printJson, say, type CliIo, type ExitCode } from './io.ts';
import { openProject } from './selection.ts';

export interface Session {
  client: Client;
  io: CliIo;
}
export interface OutputOptions {
  json?: boolean;
}
export interface ProjectOptions extends OutputOptions {
  project?: string;
}

export function project({ client, io }: Session, options: ProjectOptions): Promise<Project> {
  return openProject(client, options.project, io.cwd);
}

export function print<T>({ io }: Session, options: OutputOptions, value: T, text: (value: T) => string): ExitCode {
  if (options.json) printJson(io, value);
  else io.stdout.write(text(value));
  return exitCodes.ok;
}

/** Follows a job to its end, and says where it did not do what it was for. */
export async function jobEnd(
  { client, io }: Session,
  started: Job,
  whenCancelled: string,
): Promise<{ job: Job; exitCode: ExitCode }> {
  const job = await followJob(client, io, started);
  if (job.state === 'cancelled') {
    say(io, whenCancelled);
    return { job, exitCode: exitCodes.cancelled };
  }
  if (job.state === 'failed') {
    say(io, job.error?.message ?? 'It failed without saying why.');
    return { job, exitCode: exitCodes.failed };
  }
  return { job, exitCode: exitCodes.ok };
}
