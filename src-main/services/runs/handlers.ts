/**
 * The calls about runs, presets and models. Joins the store's rows, the runs' folders and the training processes;
 * each call is short, and what takes long happens in a training process or piece by piece.
 */
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Calls, Handlers } from '../../contract/ipc.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { ProjectId, RunId, SweepId } from '../../contract/model/ids.ts';
import { networkPoints } from '../../contract/model/network-ends.ts';
import { usualDetectionSettings } from '../../contract/model/run-results.ts';
import type { LogLine, RunConfig } from '../../contract/model/run.ts';
import { saysObjects } from '../../contract/model/tasks.ts';
import { historyFiles, keptEpochs } from '../../engine/train/epoch-history.ts';
import { requestIntervention } from '../../engine/train/interventions.ts';
import { readEvents } from '../../engine/train/run-events.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { readProvenance } from '../../engine/train/start-weights.ts';
import { defaultOptions, describeModel, modelSummaries } from '../../engine/zoo/registry.ts';
import type { ServiceContext } from '../context.ts';
import { countLearnable } from '../training-data/learnable.ts';
import { poseLayout } from '../training-data/pose-layout.ts';
import { recordRunVersion } from '../library/record-version.ts';
import { prepareRun } from '../training-data/prepare-run.ts';
import { Previews } from '../training-data/preview-service.ts';
import { createResultHandlers } from '../results/handlers.ts';
import { resultPlace } from '../results/result-files.ts';
import type { OpenProject } from '../open-projects.ts';
import { artifactSeries } from './artifacts/results-csv.ts';
import { writeArtifacts, type ArtifactsOf } from './artifacts/write-artifacts.ts';
import { exportRun } from './export-run.ts';
import { openForeignRun } from './foreign-run.ts';
import { readKernels } from './kernels.ts';
import { LeakChecks } from './leak-check.ts';
import { readLabelStatistics } from './label-statistics.ts';
import { classesOfRun } from '../results/classes-of-run.ts';
import { PredictionReader } from './predictions.ts';
import { createOrganisingHandlers } from './organising.ts';
import { refuseErrors, refuseUnlessResumable, refuseUnlessTraining, refuseWhileClosing } from './refusals.ts';
import { restorePoints, restoreUnfinishedRuns, runFolder } from './restore-runs.ts';
import { heaviestFirst, type Finding } from './findings.ts';
import { checkRun } from './run-check.ts';
import { compareRuns } from './run-comparison.ts';
import { createRunFolder, deleteRun, sweepRunFolders, writeRunConfig } from './run-folders.ts';
import { RunSupervisor } from './run-supervisor.ts';
import { estimateRun } from './run-estimate.ts';
import { estimateTime } from './time-estimate.ts';
import { tuningFile } from './tuning.ts';
import { SlurmRuns } from '../slurm/slurm-runs.ts';
import { runTemplate } from './run-template.ts';
import type { StartFiles } from '../weights/start-file.ts';
import { checkWeights } from '../weights/weights-check.ts';

type RunCalls = Exclude<
  Extract<keyof Handlers, `run.${string}` | `preset.${string}` | `model.${string}`>,
  'run.predict' | 'run.report'
>;
type InRun = { projectId: ProjectId; runId: RunId };

export interface RunServices {
  handlers: Pick<Handlers, RunCalls>;
  /** For those that start many runs. */
  starter: RunStarter;
  /** Whether a run trains on this machine now. */
  isTraining(): boolean;
  /** Running runs write a checkpoint and become interrupted; waiting ones too. Bounded in time. */
  close(): Promise<void>;
}

/** What starts, stops and checks runs, wherever they are trained. */
export interface RunStarter {
  readonly slurm: SlurmRuns;
  refuseWhileClosing(): void;
  /** `labels` keeps what was counted, for who asks about many configurations. */
  findings(opened: OpenProject, config: RunConfig, labels?: LabelCounts): Promise<Finding[]>;
  /** Makes the run's folder and row; it does not train yet. */
  add(opened: OpenProject, run: RunToAdd): Promise<RunId>;
  /** Takes back what `add` made. */
  remove(opened: OpenProject, runId: RunId): Promise<void>;
  /** On this machine. */
  enqueue(opened: OpenProject, runId: RunId): void;
  /** Goes on where the run was trained before. */
  resume(opened: OpenProject, runId: RunId): Promise<void>;
  /** Of those that wait or train. */
  cancel(opened: OpenProject, runIds: readonly RunId[]): Promise<void>;
  /** Resolves when the run's process, if it has one here, is gone. */
  settled(opened: OpenProject, runId: RunId): Promise<void>;
}

export interface RunToAdd {
  config: RunConfig;
  name: string | null;
  priority?: number;
  sweep?: { sweepId: SweepId; trial: number };
}

type LabelCounts = Map<string, ReturnType<typeof countLearnable>>;

export function createRunHandlers(context: ServiceContext, options: { slurmPollMs?: number } = {}): RunServices {
  const { ports, projects, emit, devices, workers } = context;
  const tuning = tuningFile(ports);
  const supervisor = new RunSupervisor({
    launchTrainer: () => ports.launchTrainer(),
    prepare: (run, report, signal) => prepareRun({ ...run, workers }, report, signal),
    emit,
    tuning,
  });
  const leaks = new LeakChecks(workers);
  const findings = (opened: OpenProject, config: RunConfig, counts?: LabelCounts): Promise<Finding[]> =>
    findingsOf(opened, config, { ...context, leaks }, counts);
  const slurm = new SlurmRuns({
    emit,
    command: ports.cliCommand,
    pollMs: options.slurmPollMs,
    prepare: (opened, runId, report, signal) =>
      prepareRun(
        { opened, folder: runFolder(opened, runId), config: opened.store.runs.config(runId), workers },
        report,
        signal,
      ),
  });
  const predictions = new PredictionReader();
  const previews = new Previews(workers);

  projects.onOpen(async (opened) => {
    await sweepRunFolders(opened);
    await restoreUnfinishedRuns(opened);
    slurm.attach(opened);
  });

  async function start({ projectId, config, name }: Calls['run.start']['request']) {
    const opened = projects.get(projectId);
    refuseWhileClosing(supervisor);
    refuseErrors(await findings(opened, config));
    const runId = await addRun(opened, { config, name }, context.startFiles);
    supervisor.enqueue(opened, runId, { resume: false });
    void recordRunVersion(opened, workers, runId, config.data.datasetId);
    return opened.store.runs.get(runId);
  }

  async function resume({ projectId, runId }: InRun) {
    const opened = projects.get(projectId);
    refuseWhileClosing(supervisor);
    refuseUnlessResumable(opened, runId);
    const { sweepId, name } = opened.store.runs.get(runId);
    const settings = sweepId === null ? null : opened.store.sweeps.get(sweepId).plan.slurm;
    if (settings !== null) {
      slurm.submit(opened, name, [runId], settings);
      return opened.store.runs.get(runId);
    }
    await supervisor.settled(opened, runId);
    await restorePoints(opened, runId);
    // A second call may have come while this one waited.
    refuseUnlessResumable(opened, runId);
    supervisor.enqueue(opened, runId, { resume: true });
    return opened.store.runs.get(runId);
  }

  /** Nothing before the first evaluation. */
  async function measuredOf(run: InRun, { task }: RunConfig): Promise<Pick<ArtifactsOf, 'confusion' | 'detection'>> {
    try {
      const confusion = await handlers['run.confusion'](run);
      const settings = usualDetectionSettings;
      return {
        confusion,
        detection: saysObjects(task) ? await handlers['run.detectionMeasures']({ ...run, settings }) : null,
      };
    } catch (error) {
      if (error instanceof FoveaError && error.code === 'not-found') return { confusion: null, detection: null };
      throw error;
    }
  }

  const handlers: RunServices['handlers'] = {
    ...createOrganisingHandlers(projects, supervisor, emit),
    ...createResultHandlers(context, predictions),
    'model.list': async () => modelSummaries(),
    'model.describe': async ({ modelId, options, inputShape, categoryCount, freeze }) =>
      describeModel(modelId, options, inputShape, categoryCount, freeze),
    'run.labels': async ({ projectId, datasetId, split }) =>
      readLabelStatistics(projects.get(projectId), datasetId, split),
    'run.template': async ({ projectId, datasetId, modelId }) => {
      const { store } = projects.get(projectId);
      const saysPoints = networkPoints({ model: { id: modelId, options: defaultOptions(modelId) } }) > 0;
      const pose = saysPoints ? poseLayout(store, datasetId) : null;
      return runTemplate(modelId, store.datasets.get(datasetId), devices.known(), pose);
    },
    'run.check': async ({ projectId, config }) => findings(projects.get(projectId), config),
    'run.previewBatch': async ({ projectId, ...request }) => previews.make(projects.get(projectId), request),
    'run.estimate': async ({ projectId, config }) => {
      const opened = projects.get(projectId);
      const dataset = opened.store.datasets.get(config.data.datasetId);
      const labels = await countLearnable(opened, config, config.data.trainSplit);
      return estimateRun(() => ports.launchTask(), config, dataset, labels.mostLabels);
    },
    'run.estimateTime': async ({ projectId, config }) => {
      const opened = projects.get(projectId);
      return estimateTime(() => ports.launchTask(), opened, config, tuning);
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
        series: runs.series(runId, artifactSeries(config.task)),
        ...(await measuredOf({ projectId, runId }, config)),
      };
      return writeArtifacts({ launchTask: () => ports.launchTask(), workers }, run, folder);
    },
    'run.openForeign': async ({ projectId, datasetId, folder }) => {
      const opened = projects.get(projectId);
      const dataset = opened.store.datasets.get(datasetId);
      const runId = await openForeignRun(opened, dataset, folder, (path) => context.startFiles.inspect(path));
      const summary = opened.store.runs.get(runId);
      emit('run.changed', { projectId, summary });
      return summary;
    },
    'run.start': start,
    'run.resume': resume,
    'run.cancel': async ({ projectId, runId }) => {
      const opened = projects.get(projectId);
      // A run that has just ended by itself needs no cancelling.
      if (!supervisor.cancel(opened, runId)) opened.store.runs.get(runId);
      await slurm.cancel(opened, [runId]);
      return {};
    },
    'run.intervene': async ({ projectId, runId, change }) => {
      const opened = projects.get(projectId);
      refuseUnlessTraining(opened, runId);
      await requestIntervention(runFolder(opened, runId), change);
      return {};
    },
    'run.queue': async () => supervisor.queue(),
    'run.moveInQueue': async ({ projectId, runId, before }) => {
      supervisor.move({ projectId, runId }, before);
      return supervisor.queue();
    },
    'run.setPriority': async ({ projectId, runId, priority }) => {
      const opened = projects.get(projectId);
      supervisor.setPriority(opened, runId, priority);
      const summary = opened.store.runs.get(runId);
      emit('run.changed', { projectId, summary });
      return summary;
    },
    'run.pauseQueue': async ({ paused }) => {
      supervisor.pause(paused);
      return supervisor.queue();
    },
    'run.list': async ({ projectId }) => projects.get(projectId).store.runs.list(),
    'run.get': async ({ projectId, runId }) => {
      const opened = projects.get(projectId);
      const { runs } = opened.store;
      const { classes, doubt: classesDoubt } = await classesOfRun(opened, runId);
      const folder = runFolder(opened, runId);
      return { summary: runs.get(runId), config: runs.config(runId), classes, classesDoubt, folder };
    },
    'run.series': async ({ projectId, runId, series }) => {
      const opened = projects.get(projectId);
      supervisor.flush(opened, runId);
      opened.store.runs.get(runId);
      return opened.store.runs.series(runId, series);
    },
    'run.log': async ({ projectId, runId }) => readLog(runFiles.events(runFolder(projects.get(projectId), runId))),
    'run.history': async ({ projectId, runId }) => {
      const opened = projects.get(projectId);
      const limitBytes = opened.store.runs.config(runId).monitoring.historyMegabytes * 1e6;
      return { ...(await keptEpochs(runFolder(opened, runId))), limitBytes };
    },
    'run.kernels': async ({ projectId, runId, checkpoint, epoch = null }) => {
      const opened = projects.get(projectId);
      const folder = runFolder(opened, runId);
      const file = epoch === null ? runFiles.checkpoint(folder, checkpoint) : historyFiles.kernels(folder, epoch);
      return readKernels(file, opened.store.runs.config(runId), epoch !== null);
    },
    'run.predictions': async ({ projectId, runId, epoch = null, filter, offset, limit }) => {
      const opened = projects.get(projectId);
      const { predictions: file } = resultPlace(runFolder(opened, runId), epoch);
      const { categories } = await classesOfRun(opened, runId);
      return predictions.list(file, categories, filter, { offset, limit });
    },
    'run.compare': async ({ projectId, runIds }) => {
      const { runs } = projects.get(projectId).store;
      return compareRuns(runIds.map((runId) => ({ summary: runs.get(runId), config: runs.config(runId) })));
    },
  };
  const starter: RunStarter = {
    slurm,
    refuseWhileClosing: () => refuseWhileClosing(supervisor),
    findings,
    add: (opened, run) => addRun(opened, run, context.startFiles),
    remove: deleteRun,
    enqueue: (opened, runId) => {
      supervisor.enqueue(opened, runId, { resume: false });
    },
    resume: async (opened, runId) => void (await resume({ projectId: opened.project.projectId, runId })),
    cancel: async (opened, runIds) => {
      for (const runId of runIds) supervisor.cancel(opened, runId);
      await slurm.cancel(opened, runIds);
    },
    settled: (opened, runId) => supervisor.settled(opened, runId),
  };
  return {
    handlers,
    starter,
    isTraining: () => supervisor.isTraining,
    close: async () => {
      previews.close();
      await Promise.all([supervisor.close(), slurm.close()]);
    },
  };
}

async function findingsOf(
  opened: OpenProject,
  config: RunConfig,
  { devices, startFiles, leaks }: ServiceContext & { leaks: LeakChecks },
  counts: LabelCounts = new Map(),
): Promise<Finding[]> {
  const dataset = opened.store.datasets.get(config.data.datasetId);
  const count = (split: Split): ReturnType<typeof countLearnable> => {
    const key = JSON.stringify([config.task, config.data, split]);
    const counted = counts.get(key) ?? countLearnable(opened, config, split);
    counts.set(key, counted);
    return counted;
  };
  const labels = { train: await count(config.data.trainSplit), evaluation: await count(config.data.evaluationSplit) };
  const pose = networkPoints(config) > 0 ? poseLayout(opened.store, config.data.datasetId) : null;
  const findings = checkRun({ config, dataset, labels, devices: await devices.certainOf(config.device), pose });
  return heaviestFirst([
    ...findings,
    ...(await leaks.check(opened, config)),
    ...(await checkWeights(startFiles, opened, config)),
  ]);
}

/** Makes the run's folder and row. Nothing is left behind where the folder cannot be filled. */
async function addRun(
  opened: OpenProject,
  { config, name, ...place }: RunToAdd,
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
    ...place,
  });
}

async function readLog(events: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const { event } of readEvents(events, 'log')) if (event.kind === 'log') lines.push(...event.lines);
  return lines;
}
