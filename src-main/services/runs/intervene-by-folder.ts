/** Asks for a change in a run that another process trains, on this machine or one that shares its folder, without its project. */
import { existsSync } from 'node:fs';
import { FoveaError } from '../../contract/errors.ts';
import type { Intervention } from '../../contract/model/intervention.ts';
import { requestIntervention } from '../../engine/train/interventions.ts';
import { runFiles } from '../../engine/train/run-folder.ts';

/** The first of `places` that is a run's folder. Throws FoveaError `not-found`, or `busy` where nobody trains in it. */
export async function interveneByFolder(
  places: readonly string[],
  changes: readonly Intervention[],
): Promise<{ folder: string }> {
  const folder = places.find((place) => existsSync(runFiles.config(place)));
  if (folder === undefined)
    throw new FoveaError('not-found', `There is no run's folder at ${places.join(', nor at ')}.`);
  if (!existsSync(runFiles.lock(folder)))
    throw new FoveaError('busy', `No process trains in ${folder}, so there is nothing to change.`, { file: folder });
  for (const change of changes) await requestIntervention(folder, change);
  return { folder };
}
