/** The report of a run or a comparison: what its document needs is gathered from the other calls and the pictures. */
import { createHash } from 'node:crypto';
import { FoveaError } from '../../../contract/errors.ts';
import type { Handlers } from '../../../contract/ipc.ts';
import { saysObjects } from '../../../contract/model/tasks.ts';
import { mediaUrl } from '../../../contract/media-url.ts';
import type { ImageId, ProjectId, RunId } from '../../../contract/model/ids.ts';
import type { Backend } from '../../backend.ts';
import type { OpenProjects } from '../../open-projects.ts';
import { compareRuns, settingsOf } from '../run-comparison.ts';
import { comparisonReport, reportSeries, type ReportExample } from './comparison-report.ts';
import { detectedBoxes, trueBoxes, type ExampleBoxes } from './example-boxes.ts';
import { chooseExamples } from './example-images.ts';
import { reportHtml, reportMarkdown } from './write-report.ts';

interface ReportNeeds {
  projects: OpenProjects;
  version: string;
  calls: Pick<Handlers, 'run.series' | 'run.scores' | 'run.get' | 'run.boxes'>;
  media: Backend['media'];
}

/** What cannot be read is left out; a fault of our own is not hidden. */
function leftOut(error: unknown): null {
  if (error instanceof FoveaError && error.code !== 'internal') return null;
  throw error;
}

export function createReportHandlers({ projects, version, calls, media }: ReportNeeds): Pick<Handlers, 'run.report'> {
  /** Null where some run says no objects. */
  async function boxesOf(
    projectId: ProjectId,
    runIds: readonly RunId[],
    imageId: ImageId,
  ): Promise<ExampleBoxes | null> {
    const { runs, images } = projects.get(projectId).store;
    if (!runIds.every((runId) => saysObjects(runs.get(runId).task))) return null;
    const said = await Promise.all(
      runIds.map(async (runId) => {
        const { classes } = await calls['run.get']({ projectId, runId });
        return {
          names: classes.map(({ name }) => name),
          boxes: await calls['run.boxes']({ projectId, runId, imageId }),
        };
      }),
    );
    return {
      size: images.get(imageId),
      truth: trueBoxes(said[0]!.boxes, said[0]!.names),
      runs: said.map(({ boxes, names }) => detectedBoxes(boxes, names)),
    };
  }

  /** None where a run has no predictions, as one from elsewhere; an image that is gone is left out. */
  async function examplesOf(projectId: ProjectId, runIds: readonly RunId[]): Promise<ReportExample[]> {
    const scores = await Promise.all(runIds.map((runId) => calls['run.scores']({ projectId, runId }))).catch(leftOut);
    const chosen = await Promise.all(
      chooseExamples(scores ?? []).map(async ({ imageId, words }) => {
        const picture = await media(mediaUrl.thumbnail(projectId, imageId)).catch(leftOut);
        if (picture === null) return [];
        const base64 = Buffer.from(picture.body).toString('base64');
        const source = `data:${picture.contentType};base64,${base64}`;
        const boxes = await boxesOf(projectId, runIds, imageId).catch(leftOut);
        return [{ title: `Image ${imageId}`, source, words, boxes }];
      }),
    );
    return chosen.flat();
  }

  return {
    'run.report': async ({ projectId, runIds, format }) => {
      const { runs } = projects.get(projectId).store;
      const series = await Promise.all(
        runIds.map((runId) => calls['run.series']({ projectId, runId, series: [...reportSeries] })),
      );
      const compared = runIds.map((runId) => ({ summary: runs.get(runId), config: runs.config(runId) }));
      const [only, ...others] = compared;
      const report = comparisonReport({
        comparison: compareRuns(compared),
        settings: only === undefined || others.length > 0 ? [] : settingsOf(only),
        series,
        examples: await examplesOf(projectId, runIds),
        hashes: compared.map(({ config }) => createHash('sha256').update(JSON.stringify(config)).digest('hex')),
        version,
        madeAt: new Date().toISOString(),
      });
      return { text: format === 'html' ? reportHtml(report) : reportMarkdown(report) };
    },
  };
}
