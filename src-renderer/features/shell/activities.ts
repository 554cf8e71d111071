/** What is going on right now, for the status bar: training, imports and downloads. */
import type { Job } from '../../../src-main/contract/model/job.ts';
import type { ProjectSession } from '../../state/project-session.svelte.ts';
import type { Route } from '../../state/route.ts';
import { dataRoute } from '../../state/route.ts';
import { jobFraction, jobProgressText } from '../datasets/job-text.ts';
import { progressFraction, progressText } from '../runs/run-progress-text.ts';

export interface Activity {
  id: string;
  label: string;
  /** "1,240 images/s, 12 s left" */
  detail: string;
  /** 0..1, null while unknown. */
  fraction: number | null;
  /** Where a click leads. */
  route: Route;
}

/** Reactive. The first one is shown in full, the others as a number. */
export function currentActivities(session: ProjectSession): Activity[] {
  return [...runActivities(session), ...jobActivities(session)];
}

/** The running ones before those that wait. */
function runActivities({ runs }: ProjectSession): Activity[] {
  const order = runs.active.toSorted((a, b) => Number(b.status === 'running') - Number(a.status === 'running'));
  return order.map((run) => {
    const progress = runs.progressOf(run.runId);
    return {
      id: `run ${run.runId}`,
      label: `Training ${run.name}`,
      detail: progress === null ? (run.status === 'queued' ? 'waiting' : 'starting') : progressText(progress),
      fraction: progress === null ? (run.status === 'queued' ? 0 : null) : progressFraction(progress),
      route: { screen: 'run', runId: run.runId, tab: null },
    };
  });
}

function jobActivities(session: ProjectSession): Activity[] {
  return session.jobs.running.map((job) => ({
    id: job.jobId,
    label: job.title,
    detail: jobProgressText(job),
    fraction: jobFraction(job),
    route: jobRoute(job),
  }));
}

/** Where it is shown. */
function jobRoute({ kind, predictionSetId }: Job): Route {
  if (kind === 'tuning') return { screen: 'train', datasetId: null, cloneOf: null };
  return predictionSetId === undefined ? dataRoute() : { screen: 'predict', predictionSetId, runId: null };
}
