/** Which device to train on, as far as the checks tell. Pure. */
import type { DeviceCheck, DeviceChecks, DeviceInfo } from '../../contract/model/device.ts';

type Recommendation = Pick<DeviceChecks, 'recommended' | 'why'>;

/** A checked device that is right and faster than the CPU wins, the fastest first; else the CPU. */
export function recommendDevice(devices: readonly DeviceInfo[], checks: readonly DeviceCheck[]): Recommendation {
  const others = devices.filter(({ id, available }) => id !== 'cpu' && available);
  const good = others.flatMap(({ id, label }) => {
    const report = checks.find(({ device }) => device === id)?.report;
    return report?.verdict === 'good' ? [{ id, label, speedup: speedupOf(report) }] : [];
  });
  const [best] = good.toSorted((a, b) => b.speedup - a.speedup);
  if (best) {
    return {
      recommended: best.id,
      why: `${best.label} computes the same numbers as the CPU and trains ${best.speedup.toFixed(1)} times as fast.`,
    };
  }
  const unchecked = others.filter(({ id }) => !checks.some(({ device, report }) => device === id && report !== null));
  if (unchecked.length > 0) {
    return { recommended: 'cpu', why: `Not checked yet: ${unchecked.map(({ label }) => label).join(', ')}.` };
  }
  return {
    recommended: 'cpu',
    why:
      others.length > 0
        ? 'No other device here is both right and faster.'
        : 'It is the only device that works on this machine.',
  };
}

/** Of training, against the CPU in the same check. */
function speedupOf({ speed }: NonNullable<DeviceCheck['report']>): number {
  const training = speed.find(({ unit }) => unit === 'images/s');
  return training?.value && training.cpuValue ? training.value / training.cpuValue : 1;
}
