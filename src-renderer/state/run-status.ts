/** What a run's status means to a person: its word, its tone, and what can be done with the run. Pure. */
import type { RunStatus } from '../../src-main/contract/model/run.ts';

export const statusWords = {
  queued: { word: 'Queued', tone: 'neutral' },
  running: { word: 'Running', tone: 'accent' },
  finished: { word: 'Finished', tone: 'good' },
  cancelled: { word: 'Cancelled', tone: 'neutral' },
  failed: { word: 'Failed', tone: 'danger' },
  interrupted: { word: 'Interrupted', tone: 'warning' },
} as const satisfies Record<RunStatus, { word: string; tone: 'neutral' | 'accent' | 'good' | 'warning' | 'danger' }>;

/** It waits or trains: it can be cancelled, and it cannot be deleted. */
export function isActive(status: RunStatus): boolean {
  return status === 'queued' || status === 'running';
}
