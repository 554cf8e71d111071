/** What is going on right now, for the status bar: imports and downloads. */
import type { ProjectSession } from '../../state/project-session.svelte.ts';
import type { Route } from '../../state/route.ts';
import { dataRoute } from '../../state/route.ts';
import { jobFraction, jobProgressText } from '../datasets/job-text.ts';

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
  return session.jobs.running.map((job) => ({
    id: job.jobId,
    label: job.title,
    detail: jobProgressText(job),
    fraction: jobFraction(job),
    route: dataRoute(),
  }));
}
