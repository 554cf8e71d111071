/** What is to be trained in a run's folder, from the folder alone: for who has no project to ask. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import { readRunConfig } from '../../contract/model/run-config-versions.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import type { TrainJob } from '../../training-process/messages.ts';

/** Goes on from the checkpoint where there is one. Throws FoveaError `bad-input` for a folder that is none of a run. */
export async function jobOfFolder(folder: string): Promise<TrainJob> {
  const file = runFiles.config(folder);
  try {
    const config = readRunConfig(JSON.parse(await readFile(file, 'utf8')));
    return { folder, config, resume: existsSync(runFiles.checkpoint(folder, 'last')) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('bad-input', `${folder} is no folder of a run: ${why}`, { file }, { cause });
  }
}
