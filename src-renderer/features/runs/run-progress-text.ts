/** Where a running run is, in words and as a fraction. Pure. */
import type { RunProgress } from '../../../src-main/contract/model/run.ts';
import { formatCount, formatTimeLeft } from '../../ui/format-number.ts';

const activityWords = {
  preparing: 'preparing the images',
  training: 'training',
  evaluating: 'measuring the test split',
  saving: 'saving a checkpoint',
} as const satisfies Record<RunProgress['activity'], string>;

/** 0..1, while images are prepared of those; null before the first step, when nobody knows. */
export function progressFraction(progress: RunProgress): number | null {
  if (progress.activity === 'preparing')
    return progress.stepsPerEpoch === 0 ? null : progress.step / progress.stepsPerEpoch;
  if (progress.epochsTotal === 0) return null;
  const inEpoch = progress.stepsPerEpoch === 0 ? 0 : progress.step / progress.stepsPerEpoch;
  return Math.min(1, (progress.epoch - 1 + inEpoch) / progress.epochsTotal);
}

/** Both 1-based: in which phase an epoch of the run lies. */
export function phaseOfEpoch(phaseEpochs: readonly number[], epoch: number): number {
  let end = 0;
  const index = phaseEpochs.findIndex((epochs) => (end += epochs) >= epoch);
  return index === -1 ? phaseEpochs.length : index + 1;
}

function positionText(progress: RunProgress): string {
  const { activity, epoch, epochsTotal, step, stepsPerEpoch } = progress;
  if (activity === 'preparing') return `image ${formatCount(step)} of ${formatCount(stepsPerEpoch)}`;
  return `epoch ${epoch} of ${epochsTotal}, step ${formatCount(step)} of ${formatCount(stepsPerEpoch)}`;
}

export function paceText(progress: RunProgress): string {
  const parts = [
    progress.imagesPerSecond === null ? null : `${formatCount(progress.imagesPerSecond)} images/s`,
    progress.secondsLeft === null ? null : formatTimeLeft(progress.secondsLeft),
  ];
  return parts.filter((part) => part !== null).join(', ');
}

export function activityText(progress: RunProgress): string {
  return activityWords[progress.activity];
}

/** All of it in one line. */
export function progressText(progress: RunProgress): string {
  const parts = [activityText(progress), positionText(progress), paceText(progress)];
  return parts.filter((part) => part !== '').join(' · ');
}
