/** Waits for a job or a run while showing how far it is; Ctrl-C cancels it in an orderly way, twice leaves at once. */
import type { Job } from '../../contract/model/job.ts';
import type { LogLine, RunProgress, RunStatus, RunSummary } from '../../contract/model/run.ts';
import type { ProjectId, RunId } from '../../contract/model/ids.ts';
import type { Client } from './client.ts';
import { formatDuration, formatNumber, LiveLine, say, type CliIo } from './io.ts';

/** Resolves with the job as it ended: done, failed or cancelled. */
export async function followJob(client: Client, io: CliIo, started: Job): Promise<Job> {
  const { jobId, projectId } = started;
  const live = new LiveLine(io);
  const ended = Promise.withResolvers<Job>();
  const look = (job: Job) => {
    if (job.jobId !== jobId) return;
    if (job.state === 'running') live.show(jobLine(job));
    else ended.resolve(job);
  };
  const subscriptions = [
    client.subscribe('job.changed', look),
    cancelOnInterrupt(io, 'Cancelling …', () => client.call('job.cancel', { jobId })),
  ];
  try {
    look(started);
    // It may have ended before we listened.
    for (const job of await client.call('job.list', { projectId })) look(job);
    return await ended.promise;
  } finally {
    for (const end of subscriptions) end();
    live.clear();
  }
}

function jobLine({ step, done, total, unit, ratePerSecond, secondsLeft }: Job): string {
  const amount = (value: number) => (unit === 'bytes' ? `${formatNumber(value / 1e6)} MB` : formatNumber(value));
  const parts = [step, total === null ? amount(done) : `${amount(done)} of ${amount(total)}`];
  if (ratePerSecond !== null) parts.push(`${amount(ratePerSecond)}/s`);
  if (secondsLeft !== null) parts.push(`${formatDuration(secondsLeft)} left`);
  return parts.join('  ');
}

const endedStatuses: ReadonlySet<RunStatus> = new Set(['finished', 'cancelled', 'failed', 'interrupted']);

/** Resolves with the run as it ended. */
export async function followRun(client: Client, io: CliIo, projectId: ProjectId, runId: RunId): Promise<RunSummary> {
  const live = new LiveLine(io);
  const ended = Promise.withResolvers<RunSummary>();
  const look = (summary: RunSummary) => {
    if (summary.runId === runId && endedStatuses.has(summary.status)) ended.resolve(summary);
  };
  const isOurs = (event: { projectId: ProjectId; runId: RunId }) =>
    event.projectId === projectId && event.runId === runId;
  const keep = (lines: readonly string[]) => {
    live.clear();
    for (const line of lines) say(io, line);
  };
  const subscriptions = [
    client.subscribe('run.changed', (event) => event.projectId === projectId && look(event.summary)),
    client.subscribe('run.progress', ({ projectId, progress }) => {
      if (isOurs({ projectId, runId: progress.runId })) live.show(progressLine(progress));
    }),
    client.subscribe('run.log', (event) => isOurs(event) && keep(event.lines.map(logText))),
    cancelOnInterrupt(io, 'Cancelling: saving a checkpoint …', () => client.call('run.cancel', { projectId, runId })),
  ];
  try {
    look((await client.call('run.get', { projectId, runId })).summary); // it may have ended before we listened
    return await ended.promise;
  } finally {
    for (const end of subscriptions) end();
    live.clear();
  }
}

export function progressLine(progress: Omit<RunProgress, 'runId'>): string {
  const { activity, epoch, epochsTotal, step, stepsPerEpoch, imagesPerSecond, secondsLeft } = progress;
  const place = [`epoch ${epoch}/${epochsTotal}`, `step ${step}/${stepsPerEpoch}`];
  const parts = [activity, ...(activity === 'preparing' ? [`image ${step}/${stepsPerEpoch}`] : place)];
  if (imagesPerSecond !== null) parts.push(`${formatNumber(Math.round(imagesPerSecond))} images/s`);
  if (secondsLeft !== null) parts.push(`${formatDuration(secondsLeft)} left`);
  return parts.join('  ');
}

export function logText({ level, text }: LogLine): string {
  return level === 'info' ? text : `${level}: ${text}`;
}

export function cancelOnInterrupt(io: CliIo, message: string, cancel: () => Promise<unknown>): () => void {
  let asked = false;
  return io.onInterrupt(() => {
    if (asked) return io.abort();
    asked = true;
    say(io, `\n${message} (Ctrl-C again leaves at once)`);
    cancel().catch((error: unknown) => say(io, String(error)));
  });
}
