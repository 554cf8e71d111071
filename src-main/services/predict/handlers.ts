/** The call that has a network look at image files. */
import type { Handlers } from '../../contract/ipc.ts';
import type { ServiceContext } from '../context.ts';
import type { JobRegistry } from '../jobs.ts';
import { runFolder } from '../runs/restore-runs.ts';
import { filesToPredict, predictFiles } from './predict-files.ts';

export function createPredictHandlers(
  { projects, ports, workers }: ServiceContext,
  jobs: JobRegistry,
): Pick<Handlers, 'run.predict'> {
  return {
    'run.predict': async ({ projectId, runId, ...request }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.runs.get(runId);
      const files = await filesToPredict(request);
      const start = { projectId, kind: 'export', title: `Predicting with ${name}`, unit: 'images' } as const;
      return jobs.start(start, async (report, signal) => {
        await predictFiles(
          { ...ports, workers },
          { name, folder: runFolder(opened, runId) },
          files,
          request,
          report,
          signal,
        );
        return null;
      });
    },
  };
}
