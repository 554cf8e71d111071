/**
 * The calls about runs, presets and models. Joins the store's rows, the runs' folders and the training processes;
 * each call is short, and what takes long happens in a training process or piece by piece.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Calls, Handlers } from '../../contract/ipc.ts';
import type { ProjectId, RunId } from '../../contract/model/ids.ts';
import type { LogLine, RunConfig } from '../../contract/model/run.ts';
import { readEvents } from '../../engine/train/run-events.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { readProvenance } from '../../engine/train/start-weights.ts';
import { describeModel, modelSummaries } from '../../engine/zoo/registry.ts';
import type { ServiceContext } from '../context.ts';
import { countLearnable } from '../training-data/learnable.ts';
import { recordRunVersion } from '../library/record-version.ts';
import { prepareRun } from '../training-data/prepare-run.ts';
import { Previews } from '../training-data/preview-service.ts';
import { createResultHandlers } from '../results/handlers.ts';
import type { OpenProject } from '../open-projects.ts';
import { resultsSeries } from './artifacts/results-csv.ts';
import { writeArtifacts } from './artifacts/write-artifacts.ts';
import { exportRun } from './export-run.ts';
import { readKernels } from './kernels.ts';
import { readLabelStatistics } from './label-statistics.ts';
import { PredictionReader } from './predictions.ts';
import { createOrganisingHandlers, emptyTrash } from './organising.ts';
import { refuseErrors, refuseUnlessResumable, refuseWhileClosing } from './refusals.ts';
import { comparisonReport, reportSeries } from './report/comparison-report.ts';
import { reportHtml, reportMarkdown } from './report/write-report.ts';
import { restorePoints, restoreUnfinishedRuns, runFolder } from './restore-runs.ts';
import { heaviestFirst, type Finding } from './findings.ts';
import { checkRun } from './run-check.ts';
import { compareRuns } from './run-comparison.ts';
import { createRunFolder, sweepRunFolders, writeRunConfig } from './run-folders.ts';
import { RunSupervisor } from './run-supervisor.ts';
import { estimateRun } from './run-estimate.ts';
import { runTemplate } from './run-template.ts';
import type { StartFiles } from '../weights/start-file.ts';
import { checkWeights } from '../weights/weights-check.ts';

type RunCalls = Exclude<
  Extract<keyof Handlers, `run.${string}` | `preset.${string}` | `model.${string}`>,
  'run.predict'
>;
type InRun = { projectId: ProjectId; runId: RunId };

export interface RunServices {
  handlers: Pick<Handlers, RunCalls>;
  /** Running runs write a checkpoint and become interrupted; waiting ones too. Bounded in time. */
  close(): Promise<void>;
}

export function createRunHandlers(context: ServiceContext): RunServices {
  const { ports, projects, emit, devices, workers } = context;
  const supervisor = new RunSupervisor({
    launchTrainer: () => ports.launchTrainer(),
    prepare: (run, report, signal) => prepareRun({ ...run, workers }, report, signal),
    emit,
  });
  const predictions = new PredictionReader();
  const previews = new Previews(workers);

  projects.onOpen(async (opened) => {
    await sweepRunFolders(opened);
    await emptyTrash(opened);
    await restoreUnfinishedRuns(opened);
  });

  async function start({ projectId, config, name }: Calls['run.start']['request']) {
    const opened = projects.get(projectId);
    refuseWhileClosing(supervisor);
    refuseErrors(await findings(opened, config, context));
    const runId = await addRun(opened, config, name, context.startFiles);
    supervisor.enqueue(opened, runId, { resume: false });
    void recordRunVersion(opened, workers, runId, config.data.datasetId);
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
    ...createResultHandlers(context, predictions),
    'model.list': async () => modelSummaries(),
    'model.describe': async ({ modelId, options, inputShape, categoryCount, freeze }) =>
      describeModel(modelId, options, inputShape, categoryCount, freeze),
    'run.labels': async ({ projectId, datasetId, split }) =>
      readLabelStatistics(projects.get(projectId), datasetId, split),
    'run.template': async ({ projectId, datasetId, modelId }) =>
      runTemplate(modelId, projects.get(projectId).store.datasets.get(datasetId), devices.known()),
    'run.check': async ({ projectId, config }) => findings(projects.get(projectId), config, context),
    'run.previewBatch': async ({ projectId, ...request }) => previews.make(projects.get(projectId), request),
    'run.estimate': async ({ projectId, config }) => {
      const opened = projects.get(projectId);
      const dataset = opened.store.datasets.get(config.data.datasetId);
      const labels = await countLearnable(opened, config, config.data.trainSplit);
      return estimateRun(() => ports.launchTask(), config, dataset, labels.mostLabels);
    },
    'run.export': async ({ projectId, runId, ...request }) => {
      const opened = projects.get(projectId);
      opened.store.runs.get(runId);
      return exportRun(() => ports.launchTask(), runFolder(opened, runId), request);
    },
    'run.artifacts': async ({ projectId, runId, folder }) => {
      const opened = projects.get(projectId);
      const { runs, datasets } = opened.store;
      const config = runs.config(runId);
      const own = runFolder(opened, runId);
      const run = {
        name: runs.get(runId).name,
        folder: own,
        config,
        datasetName: datasets.get(config.data.datasetId).name,
        startsFrom: (await readProvenance(own))?.file?.label ?? null,
        series: runs.series(runId, resultsSeries(config.task)),
      };
      return { folder: await writeArtifacts(() => ports.launchTask(), run, folder) };
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
  return {
    handlers,
    close: () => {
      previews.close();
      return supervisor.close();
    },
  };
}

async function findings(
  opened: OpenProject,
  config: RunConfig,
  { devices, startFiles }: ServiceContext,
): Promise<Finding[]> {
  const dataset = opened.store.datasets.get(config.data.datasetId);
  const labels = {
    train: await countLearnable(opened, config, config.data.trainSplit),
    evaluation: await countLearnable(opened, config, config.data.evaluationSplit),
  };
  const findings = checkRun({ config, dataset, labels, devices: await devices.certainOf(config.device) });
  return heaviestFirst([...findings, ...(await checkWeights(startFiles, opened, config))]);
}

/** Makes the run's folder and row. Nothing is left behind where the folder cannot be filled. */
async function addRun(
  opened: OpenProject,
  config: RunConfig,
  name: string | null,
  startFiles: StartFiles,
): Promise<RunId> {
  const path = await createRunFolder(opened, config.model.id);
  const folder = join(opened.folder, path);
  try {
    await writeRunConfig(folder, config);
    if (config.weights !== null) await startFiles.putInto(folder, opened, config.weights);
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
