/**
 * The calls about runs, presets and models. Joins the store's rows, the runs' folders and the training processes;
 * each call is short, and what takes long happens in a training process or piece by piece.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Calls, Handlers } from '../../contract/ipc.ts';
import type { CategoryId, DatasetId, ProjectId, RunId } from '../../contract/model/ids.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { LogLine, RunConfig } from '../../contract/model/run.ts';
import { readEvents } from '../../engine/train/run-events.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { describeModel, modelSummaries } from '../../engine/zoo/registry.ts';
import type { ServiceContext } from '../context.ts';
import type { DeviceCatalogue } from '../devices/catalogue.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { OpenProject } from '../open-projects.ts';
import { collectTrainingData } from './collect-training-data.ts';
import { readKernels } from './kernels.ts';
import { PredictionReader } from './predictions.ts';
import { createOrganisingHandlers, emptyTrash } from './organising.ts';
import { refuseErrors, refuseUnlessResumable, refuseWhileClosing } from './refusals.ts';
import { comparisonReport, reportSeries } from './report/comparison-report.ts';
import { reportHtml, reportMarkdown } from './report/write-report.ts';
import { restorePoints, restoreUnfinishedRuns, runFolder } from './restore-runs.ts';
import type { Finding } from './findings.ts';
import { checkRun } from './run-check.ts';
import { compareRuns } from './run-comparison.ts';
import { createRunFolder, sweepRunFolders, writeRunInputs } from './run-folders.ts';
import { RunSupervisor } from './run-supervisor.ts';
import { estimateRun } from './run-estimate.ts';
import { runTemplate } from './run-template.ts';

type RunCalls = Extract<keyof Handlers, `run.${string}` | `preset.${string}` | `model.${string}`>;
type InRun = { projectId: ProjectId; runId: RunId };

export interface RunServices {
  handlers: Pick<Handlers, RunCalls>;
  /** Running runs write a checkpoint and become interrupted; waiting ones too. Bounded in time. */
  close(): Promise<void>;
}

export function createRunHandlers(context: ServiceContext): RunServices {
  const { ports, projects, emit, devices } = context;
  const supervisor = new RunSupervisor({ launchTrainer: () => ports.launchTrainer(), emit });
  const predictions = new PredictionReader();

  projects.onOpen(async (opened) => {
    await sweepRunFolders(opened);
    await emptyTrash(opened);
    await restoreUnfinishedRuns(opened);
  });

  async function start({ projectId, config, name }: Calls['run.start']['request']) {
    const opened = projects.get(projectId);
    refuseWhileClosing(supervisor);
    refuseErrors(await findings(opened, config, devices));
    const runId = await addRun(opened, config, name);
    supervisor.enqueue(opened, runId, { resume: false });
    return opened.store.runs.get(runId);
  }

  async function resume({ projectId, runId }: InRun) {
    const opened = projects.get(projectId);
    refuseWhileClosing(supervisor);
    refuseUnlessResumable(opened, runId);
    await supervisor.settled(opened, runId);
    await restorePoints(opened, runId);
    // A second call may have come while this one waited.
    refuseUnlessResumable(opened, runId);
    supervisor.enqueue(opened, runId, { resume: true });
    return opened.store.runs.get(runId);
  }

  const handlers: RunServices['handlers'] = {
    ...createOrganisingHandlers(projects, supervisor, emit),
    // TODO: all of them, once a data set can hold masks.
    'model.list': async () => modelSummaries('classification'),
    'model.describe': async ({ modelId, options, inputShape, categoryCount, freeze }) =>
      describeModel(modelId, options, inputShape, categoryCount, freeze),
    'run.template': async ({ projectId, datasetId, modelId }) =>
      runTemplate(modelId, projects.get(projectId).store.datasets.get(datasetId), devices.known()),
    'run.check': async ({ projectId, config }) => findings(projects.get(projectId), config, devices),
    'run.estimate': async ({ projectId, config }) => {
      const { datasets } = projects.get(projectId).store;
      return estimateRun(() => ports.launchTask(), config, datasets.get(config.data.datasetId));
    },
    'run.start': start,
    'run.resume': resume,
    'run.cancel': async ({ projectId, runId }) => {
      const opened = projects.get(projectId);
      // A run that has just ended by itself needs no cancelling.
      if (!supervisor.cancel(opened, runId)) opened.store.runs.get(runId);
      return {};
    },
    'run.queue': async () => supervisor.queue(),
    'run.moveInQueue': async ({ projectId, runId, before }) => {
      supervisor.move({ projectId, runId }, before);
      return supervisor.queue();
    },
    'run.pauseQueue': async ({ paused }) => {
      supervisor.pause(paused);
      return supervisor.queue();
    },
    'run.list': async ({ projectId }) => projects.get(projectId).store.runs.list(),
    'run.get': async ({ projectId, runId }) => {
      const opened = projects.get(projectId);
      const { runs } = opened.store;
      return { summary: runs.get(runId), config: runs.config(runId), folder: runFolder(opened, runId) };
    },
    'run.series': async ({ projectId, runId, series }) => {
      const opened = projects.get(projectId);
      supervisor.flush(opened, runId);
      opened.store.runs.get(runId);
      return opened.store.runs.series(runId, series);
    },
    'run.log': async ({ projectId, runId }) => readLog(runFiles.events(runFolder(projects.get(projectId), runId))),
    'run.kernels': async ({ projectId, runId, checkpoint }) => {
      const opened = projects.get(projectId);
      return readKernels(runFiles.checkpoint(runFolder(opened, runId), checkpoint), opened.store.runs.config(runId));
    },
    'run.predictions': async ({ projectId, runId, filter, offset, limit }) => {
      const opened = projects.get(projectId);
      const file = runFiles.predictions(runFolder(opened, runId));
      return predictions.list(file, categoriesOf(opened, runId), filter, { offset, limit });
    },
    'run.confusion': async ({ projectId, runId }) => {
      const opened = projects.get(projectId);
      return predictions.confusion(runFiles.predictions(runFolder(opened, runId)), categoriesOf(opened, runId));
    },
    'run.compare': async ({ projectId, runIds }) => {
      const { runs } = projects.get(projectId).store;
      return compareRuns(runIds.map((runId) => ({ summary: runs.get(runId), config: runs.config(runId) })));
    },
    'run.report': async ({ projectId, runIds, format }) => {
      const opened = projects.get(projectId);
      for (const runId of runIds) supervisor.flush(opened, runId);
      const { runs } = opened.store;
      const compared = runIds.map((runId) => ({ summary: runs.get(runId), config: runs.config(runId) }));
      const report = comparisonReport({
        comparison: compareRuns(compared),
        series: runIds.map((runId) => runs.series(runId, reportSeries)),
        hashes: compared.map(({ config }) => createHash('sha256').update(JSON.stringify(config)).digest('hex')),
        version: ports.version,
        madeAt: new Date().toISOString(),
      });
      return { text: format === 'html' ? reportHtml(report) : reportMarkdown(report) };
    },
  };
  return { handlers, close: () => supervisor.close() };
}

async function findings(opened: OpenProject, config: RunConfig, devices: DeviceCatalogue): Promise<Finding[]> {
  const { datasetId, trainSplit } = config.data;
  const dataset = opened.store.datasets.get(datasetId);
  const trainCounts = await countByCategory(opened, datasetId, trainSplit);
  return checkRun({ config, dataset, trainCounts, devices: await devices.certainOf(config.device) });
}

/** Piece by piece, so that a large data set holds nobody up. */
async function countByCategory(
  { store: { images } }: OpenProject,
  datasetId: DatasetId,
  split: Split,
): Promise<Map<CategoryId, number>> {
  const idsPerPiece = 10_000;
  const counts = new Map<CategoryId, number>();
  const filter = { splits: [split], categoryIds: [] };
  const whole = images.idRange(datasetId);
  for (let after = whole?.after ?? 0; whole && after < whole.last; after += idsPerPiece) {
    const range = { after, last: Math.min(after + idsPerPiece, whole.last) };
    for (const { categoryId, count } of images.facetsInRange(datasetId, filter, range).byCategory) {
      counts.set(categoryId, (counts.get(categoryId) ?? 0) + count);
    }
    await yieldToEventLoop();
  }
  return counts;
}

/** Makes the run's folder and row. Nothing is left behind where the folder cannot be filled. */
async function addRun(opened: OpenProject, config: RunConfig, name: string | null): Promise<RunId> {
  const data = await collectTrainingData(opened, config.data);
  const path = await createRunFolder(opened, config.model.id);
  const folder = join(opened.folder, path);
  try {
    await writeRunInputs(folder, config, data);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const { runs, datasets } = opened.store;
  const datasetName = datasets.get(config.data.datasetId).name;
  return runs.insert({
    name: name ?? basename(path),
    config,
    datasetName,
    folder: path,
    createdAt: new Date().toISOString(),
  });
}

async function readLog(events: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const { event } of readEvents(events, 'log')) if (event.kind === 'log') lines.push(...event.lines);
  return lines;
}

/** None where the data set is deleted. */
function categoriesOf({ store }: OpenProject, runId: RunId) {
  return store.datasets.categories(store.runs.config(runId).data.datasetId);
}
