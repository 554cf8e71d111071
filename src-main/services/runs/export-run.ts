/** Has a run's network written into a file for other programs, in a child process, and checked there. */
import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Calls } from '../../contract/ipc.ts';
import type { ExportedModel } from '../../contract/model/run-export.ts';
import type { HostPorts } from '../backend.ts';
import { runTask } from '../devices/run-task.ts';

/** The largest networks take a minute on a busy machine. */
const deadlineMs = 15 * 60_000;

type Request = Pick<Calls['run.export']['request'], 'checkpoint' | 'form' | 'file' | 'overwrite'>;

/** Throws FoveaError `already-exists`, `invalid-request`, and what the task throws. */
export async function exportRun(
  launchTask: HostPorts['launchTask'],
  folder: string,
  { checkpoint, form, file, overwrite }: Request,
): Promise<ExportedModel> {
  const target = resolve(file);
  const wanted = `.${form.format}`;
  if (extname(target).toLowerCase() !== wanted)
    throw new FoveaError('invalid-request', `The file's name must end in ${wanted}: ${target}.`, { file: target });
  if (!overwrite && (await stat(target).catch(() => null)) !== null)
    throw new FoveaError('already-exists', `${target} is there already.`, { file: target });
  const task = { name: 'export-model', request: { folder, checkpoint, form, file: target } } as const;
  return { file: target, ...(await runTask(launchTask, task, { deadlineMs })) };
}
