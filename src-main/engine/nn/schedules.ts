/** Learning-rate schedules, as factors on a phase's own rate. */
import type { ScheduleConfig } from '../../contract/model/run.ts';

/** The factor in epoch `epoch` (0-based) of the phase. Exponential: γ^epoch, as PyTorch's ExponentialLR per epoch. */
export function scheduleFactor(config: ScheduleConfig, epoch: number): number {
  switch (config.kind) {
    case 'constant':
      return 1;
    case 'exponential':
      return config.gamma ** epoch;
  }
}
