/** Changes a run that trains in another process. It needs no project open, because the app that trains holds that. */
import { join, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import { interventionInWords, type Intervention } from '../../contract/model/intervention.ts';
import { interveneByFolder } from '../../services/runs/intervene-by-folder.ts';
import { exitCodes, printJson, say, type CliIo, type ExitCode } from './io.ts';

interface InterveneOptions {
  json?: boolean;
  rate?: number;
  epochs?: number;
  finish?: boolean;
}

/** `wanted`: a run's folder, or its name among the runs of the folder one is in. */
export async function intervene(io: CliIo, wanted: string, options: InterveneOptions): Promise<ExitCode> {
  const changes = changesOf(options);
  if (changes.length === 0)
    throw new FoveaError('invalid-request', 'Say what is to change: --rate FACTOR, --epochs NUMBER, or --finish.');
  const places = [resolve(io.cwd, wanted), join(io.cwd, 'runs', wanted)];
  const { folder } = await interveneByFolder(places, changes);
  if (options.json === true) printJson(io, { folder, requested: changes });
  else
    for (const change of changes)
      say(io, `Asked for: ${interventionInWords(change)}. The run's log says when it is done.`);
  return exitCodes.ok;
}

function changesOf({ rate, epochs, finish }: InterveneOptions): Intervention[] {
  return [
    ...(rate === undefined ? [] : [{ kind: 'learning-rate' as const, factor: rate }]),
    ...(epochs === undefined ? [] : [{ kind: 'epochs' as const, added: epochs }]),
    ...(finish === true ? [{ kind: 'finish' as const }] : []),
  ];
}
