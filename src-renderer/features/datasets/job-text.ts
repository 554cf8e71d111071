/** An import or a download in words: how far, how fast, how long still. */
import type { Job } from '../../../src-main/contract/model/job.ts';
import { formatBytes, formatCount, formatTimeLeft } from '../../ui/format-number.ts';

/** 0..1, null while the total is unknown. */
export function jobFraction(job: Job): number | null {
  return job.total === null || job.total === 0 ? null : Math.min(1, job.done / job.total);
}

/** "81 MB of 170 MB, 4.2 MB/s, 20 s left" */
export function jobProgressText(job: Job): string {
  const amount = job.unit === 'bytes' ? formatBytes : formatCount;
  const unit = job.unit === 'bytes' ? '' : ` ${job.unit}`;
  const parts = [
    job.total === null ? `${amount(job.done)}${unit}` : `${amount(job.done)} of ${amount(job.total)}${unit}`,
  ];
  if (job.ratePerSecond !== null) parts.push(`${amount(job.ratePerSecond)}${unit}/s`);
  if (job.secondsLeft !== null) parts.push(formatTimeLeft(job.secondsLeft));
  return parts.join(', ');
}
