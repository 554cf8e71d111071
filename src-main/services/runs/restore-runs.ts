/**
 * Brings a run's rows up to what its folder says, after the app died while its training process still wrote. The
 * folder's events are complete; the rows may lack the last of them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toErrorData } from '../../contract/errors.ts';
import type { RunId } from '../../contract/model/ids.ts';
import type { RunSummary, TimedPoint } from '../../contract/model/run.ts';
import { addedEpochs } from '../../contract/model/intervention.ts';
import { readInterventions } from '../../engine/train/interventions.ts';
import { readEvents, type RunEvent } from '../../engine/train/run-events.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import type { OpenProject } from '../open-projects.ts';
import { RecordClock } from './point-clock.ts';

type Ending = Pick<RunSummary, 'status' | 'reason'>;

const pointsPerTransaction = 500;

/**
 * Runs that a dead app left queued or running: none of them is, so each gets the ending that its folder tells of. Those
 * that Slurm has are left alone.
 */
export async function restoreUnfinishedRuns(opened: OpenProject): Promise<void> {
  const { runs } = opened.store;
  for (const runId of runs.inProgress()) {
    const { startedAt, slurmJob } = runs.get(runId);
    if (slurmJob !== null) continue;
    const neverBegan = startedAt === null;
    const ending = neverBegan ? endingAfter(null) : await restoredEnding(opened, runId);
    const resumable = ending.status !== 'finished' && (neverBegan || hasCheckpoint(opened, runId));
    runs.update(runId, { ...ending, endedAt: new Date().toISOString(), resumable });
  }
}

/** A record that cannot be read must not keep the project from opening. */
async function restoredEnding(opened: OpenProject, runId: RunId): Promise<Ending> {
  try {
    return endingAfter(await restorePoints(opened, runId));
  } catch (error) {
    const { status, reason } = endingAfter(null);
    return { status, reason: `${reason} Its record could not be read: ${toErrorData(error).message}` };
  }
}

/** Adds the points of epochs that the rows do not have whole; returns the last event, or null where there is none. */
export async function restorePoints(opened: OpenProject, runId: RunId): Promise<RunEvent | null> {
  const { runs } = opened.store;
  const { epochsDone } = runs.get(runId);
  const clock = new RecordClock();
  let batch: TimedPoint[] = [];
  let lastEvent: RunEvent | null = null;
  let lastEpoch = epochsDone;
  for await (const recorded of readEvents(runFiles.events(runFolder(opened, runId)))) {
    const { event } = recorded;
    const points = clock.hear(recorded);
    lastEvent = event;
    if (event.kind === 'checkpoint') lastEpoch = Math.floor(event.epoch);
    if (event.kind === 'finished' || event.kind === 'cancelled') lastEpoch = Math.floor(event.epochsDone);
    if (event.kind !== 'points') continue;
    batch.push(...points.filter((point) => point.epoch > epochsDone));
    if (batch.length < pointsPerTransaction) continue;
    runs.appendPoints(runId, batch);
    batch = [];
  }
  runs.appendPoints(runId, batch);
  const interventions = await readInterventions(runFolder(opened, runId));
  const planned = runs.config(runId).phases.reduce((sum, { epochs }) => sum + epochs, 0);
  const epochsTotal = planned + addedEpochs(interventions);
  runs.update(runId, { epochsDone: lastEpoch, interventions, epochsTotal });
  return lastEvent;
}

export const runFolder = (opened: OpenProject, runId: RunId): string =>
  join(opened.folder, opened.store.runs.folder(runId));

export const hasCheckpoint = (opened: OpenProject, runId: RunId): boolean =>
  existsSync(runFiles.checkpoint(runFolder(opened, runId), 'last'));

function endingAfter(event: RunEvent | null): Ending {
  if (event?.kind === 'finished') return { status: 'finished', reason: event.reason ?? null };
  if (event?.kind === 'failed') return { status: 'failed', reason: event.error.message };
  return { status: 'interrupted', reason: 'Fovea ended while this run trained or waited.' };
}
