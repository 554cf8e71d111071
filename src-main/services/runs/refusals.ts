/** Why something cannot be done with a run as it stands, as errors in words. */
import { FoveaError } from '../../contract/errors.ts';
import type { RunId } from '../../contract/model/ids.ts';
import type { OpenProject } from '../open-projects.ts';
import type { Finding } from './findings.ts';
import { hasCheckpoint } from './restore-runs.ts';
import type { RunSupervisor } from './run-supervisor.ts';

export function refuseWhileClosing(supervisor: RunSupervisor): void {
  if (supervisor.isClosing) throw new FoveaError('busy', 'Fovea is closing; no run can start.');
}

export function refuseErrors(found: readonly Finding[]): void {
  const errors = found.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new FoveaError('bad-input', errors.map(({ message }) => message).join(' '));
}

export function refuseInProgress({ store }: OpenProject, runId: RunId, advice: string): void {
  const { name, status } = store.runs.get(runId);
  if (status !== 'queued' && status !== 'running') return;
  throw new FoveaError('busy', `“${name}” is ${status === 'queued' ? 'waiting to train' : 'training'}. ${advice}`, {
    runId,
  });
}

/** Only a run that trains can be changed: one that waits is changed by cancelling it and starting another. */
export function refuseUnlessTraining({ store }: OpenProject, runId: RunId): void {
  const { name, status } = store.runs.get(runId);
  if (status === 'running') return;
  const reason = status === 'queued' ? 'still waits for its turn' : 'does not train any more';
  throw new FoveaError('busy', `“${name}” ${reason}, so there is nothing to change in it.`, { runId });
}

export function refuseUnlessResumable(opened: OpenProject, runId: RunId): void {
  refuseInProgress(opened, runId, 'There is nothing to resume.');
  const { name, status, resumable, startedAt } = opened.store.runs.get(runId);
  if (status === 'finished')
    throw new FoveaError('busy', `“${name}” is finished. There is nothing to resume.`, { runId });
  if (resumable && (startedAt === null || hasCheckpoint(opened, runId))) return;
  throw new FoveaError(
    'not-found',
    `“${name}” cannot go on, because it has no checkpoint. Start it anew with the same settings.`,
    { runId },
  );
}
