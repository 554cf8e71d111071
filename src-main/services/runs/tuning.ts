/**
 * What was measured on this machine of how layers are computed fastest: one file in the person's own folder, which every run that
 * begins reads. It is measured for a plan, and serves all that have layers of the same shapes.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Handlers } from '../../contract/ipc.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { HostPorts } from '../backend.ts';
import type { ServiceContext } from '../context.ts';
import { runTask } from '../devices/run-task.ts';
import { fileError } from '../file-errors.ts';
import type { JobRegistry } from '../jobs.ts';
import { timeQuestion } from './time-estimate.ts';

export const tuningFile = ({ userDataFolder }: Pick<HostPorts, 'userDataFolder'>): string =>
  join(userDataFolder, 'tuning.json');

type TuningCalls = Extract<keyof Handlers, `tuning.${string}`>;

/** A large network takes its time; whoever does not want to wait cancels. */
const deadlineMs = 2 * 60 * 60_000;

export function createTuningHandlers(
  { ports, projects }: ServiceContext,
  jobs: JobRegistry,
  isTraining: () => boolean,
): Pick<Handlers, TuningCalls> {
  const file = tuningFile(ports);
  let isMeasuring = false;
  return {
    'tuning.start': async ({ projectId, config }) => {
      const question = timeQuestion(projects.get(projectId), config, file);
      if (isMeasuring) throw new FoveaError('busy', 'Layers are being measured already. Wait for it, or cancel it.');
      if (isTraining())
        throw new FoveaError(
          'busy',
          'A run trains on this machine and would disturb the measurement. Start it once the run is done.',
        );
      isMeasuring = true;
      const start = { projectId, kind: 'tuning', title: 'Measuring layers', unit: 'timings', tuning: null } as const;
      return jobs.start(start, async (report, signal) => {
        try {
          const tuning = await runTask(
            () => ports.launchTask(),
            { name: 'tune-run', request: question },
            { deadlineMs, signal, onProgress: report },
          );
          report({ tuning });
          return null;
        } finally {
          isMeasuring = false;
        }
      });
    },
    'tuning.get': async () => ({ isMeasured: existsSync(file) }),
    'tuning.forget': async () => {
      await rm(file, { force: true }).catch((error: unknown) => {
        throw fileError(error, 'remove what was measured', file);
      });
      return {};
    },
  };
}
