/** What each command does: calls, then a report. Parsing is program.ts's part; behaviour is the services'. */
import { constants, copyFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Category, Dataset, DatasetFormat } from '../../contract/model/dataset.ts';
import type { Job } from '../../contract/model/job.ts';
import type { Project } from '../../contract/model/project.ts';
import type { CheckpointName, RunConfig, RunSummary } from '../../contract/model/run.ts';
import type { Client } from './client.ts';
import { followJob, followRun } from './follow.ts';
import { exitCodes, printJson, say, type CliIo, type ExitCode } from './io.ts';
import * as reports from './reports.ts';
import { readConfigFile, settingsTable, withSettings } from './run-settings.ts';
import { findDataset, findRun, openProject } from './selection.ts';

export interface Session {
  client: Client;
  io: CliIo;
}
export interface OutputOptions {
  json?: boolean;
}
export interface ProjectOptions extends OutputOptions {
  project?: string;
}

export async function createProject(session: Session, name: string, options: OutputOptions & { folder?: string }) {
  const { client, io } = session;
  const parentFolder = resolve(io.cwd, options.folder ?? '.');
  const project = await client.call('project.create', { name, parentFolder });
  return print(session, options, project, reports.projectText);
}

export async function listProjects(session: Session, options: OutputOptions) {
  return print(session, options, await session.client.call('project.recent', {}), reports.projectsText);
}

export async function listDevices(session: Session, options: OutputOptions) {
  return print(session, options, await session.client.call('device.list', { probe: true }), reports.devicesText);
}

export async function listDatasets(session: Session, options: ProjectOptions) {
  const { projectId } = await project(session, options);
  return print(session, options, await session.client.call('dataset.list', { projectId }), reports.datasetsText);
}

export type ImportOptions = ProjectOptions & { name?: string; format?: DatasetFormat; copy?: boolean };

export async function importDataset(session: Session, source: string, options: ImportOptions): Promise<ExitCode> {
  const { client, io } = session;
  const opened = await project(session, options);
  const path = resolve(io.cwd, source);
  const wanted = options.format === undefined ? {} : { format: options.format };
  const report = await client.call('dataset.inspect', { path, ...wanted });
  for (const line of reports.importFindings(report)) say(io, line);
  const format = options.format ?? report.format;
  if (format === null) {
    throw new FoveaError('bad-input', `${path} cannot be imported: it has none of the known formats.`, { file: path });
  }
  const { projectId } = opened;
  const job = await client.call('dataset.import', {
    projectId,
    path,
    format,
    name: options.name ?? report.suggestedName,
    ...(options.copy === true ? { copyFiles: true } : {}),
  });
  return finishImport(session, options, opened, job);
}

export async function downloadDataset(session: Session, source: 'cifar10', options: ProjectOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  const job = await session.client.call('dataset.download', { projectId: opened.projectId, source });
  return finishImport(session, options, opened, job);
}

async function finishImport(
  session: Session,
  options: OutputOptions,
  { projectId }: Project,
  started: Job,
): Promise<ExitCode> {
  const { client, io } = session;
  const job = await followJob(client, io, started);
  if (job.state === 'cancelled') {
    say(io, 'Cancelled; the project is as it was.');
    return exitCodes.cancelled;
  }
  if (job.state === 'failed') {
    say(io, job.error?.message ?? 'It failed without saying why.');
    return exitCodes.failed;
  }
  const datasets = await client.call('dataset.list', { projectId });
  const made = datasets.filter(({ datasetId }) => datasetId === job.datasetId);
  return print(session, options, made, reports.datasetsText);
}

export interface TrainOptions extends ProjectOptions {
  dataset?: string;
  model: string;
  config?: string;
  set: string[];
  name?: string;
  resume?: string;
  listSettings?: boolean;
}

export async function train(session: Session, options: TrainOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  if (options.resume !== undefined) return resumeRun(session, opened, options, options.resume);

  const { client, io } = session;
  const { projectId } = opened;
  const { datasetId } = await chosenDataset(client, opened, options.dataset);
  const template = await client.call('run.template', { projectId, datasetId, modelId: options.model });
  if (options.listSettings) return print(session, options, template.knobs, settingsTable);

  const fromFile = options.config === undefined ? {} : await readConfigFile(resolve(io.cwd, options.config));
  const config = withSettings(template, fromFile, options.set);
  await check(session, opened, config);
  return watchRun(session, options, opened, () =>
    client.call('run.start', { projectId, config, name: options.name ?? null }),
  );
}

async function resumeRun(session: Session, opened: Project, options: OutputOptions, wanted: string): Promise<ExitCode> {
  const { client } = session;
  const { projectId } = opened;
  const { runId } = await findRun(client, opened, wanted);
  return watchRun(session, options, opened, () => client.call('run.resume', { projectId, runId }));
}

async function watchRun(
  session: Session,
  options: OutputOptions,
  { projectId }: Project,
  begin: () => Promise<RunSummary>,
): Promise<ExitCode> {
  const { client, io } = session;
  const { runId, name } = await begin();
  say(io, `Run ${runId} "${name}"`);
  const ended = await followRun(client, io, projectId, runId);
  print(session, options, ended, (run) => reports.outcomeText(run) + reports.metricsText(run));
  if (ended.status === 'finished') return exitCodes.ok;
  return ended.status === 'cancelled' ? exitCodes.cancelled : exitCodes.failed;
}

/** The only data set needs no name. */
async function chosenDataset(client: Client, opened: Project, wanted: string | undefined): Promise<Dataset> {
  if (wanted !== undefined) return findDataset(client, opened, wanted);
  const datasets = await client.call('dataset.list', { projectId: opened.projectId });
  const [only] = datasets;
  if (only !== undefined && datasets.length === 1) return only;
  const known = datasets.map(({ datasetId, name }) => `${datasetId} ${name}`).join(', ') || 'none';
  throw new FoveaError('invalid-request', `Say which data set with --dataset. There are: ${known}.`);
}

/** Says what `run.check` found and where memory will not do; throws where that would stop the run. */
async function check({ client, io }: Session, { projectId }: Project, config: RunConfig): Promise<void> {
  const findings = await client.call('run.check', { projectId, config });
  for (const { severity, message } of findings) say(io, `${severity}: ${message}`);
  if (findings.some(({ severity }) => severity === 'error')) {
    throw new FoveaError('invalid-request', 'The run was not started.');
  }
  const { fits, summary } = await client.call('run.estimate', { projectId, config });
  if (fits === false) say(io, `warning: ${summary}`);
}

export async function listRuns(session: Session, options: ProjectOptions) {
  const { projectId } = await project(session, options);
  return print(session, options, await session.client.call('run.list', { projectId }), reports.runsText);
}

export async function evaluate(session: Session, wanted: string, options: ProjectOptions) {
  const { client } = session;
  const opened = await project(session, options);
  const { projectId } = opened;
  const { runId } = await findRun(client, opened, wanted);
  const { summary } = await client.call('run.get', { projectId, runId });
  const confusion = await client.call('run.confusion', { projectId, runId });
  const wrongOnes = await client.call('run.predictions', {
    projectId,
    runId,
    filter: { outcome: 'wrong', groundTruthCategoryId: null, predictedCategoryId: null, order: 'wrong-first' },
    offset: 0,
    limit: 1,
  });
  const images = confusion.counts.flat().reduce((sum, count) => sum + count, 0);
  const categories = await categoriesOf(client, opened, summary);
  const evaluation = { summary, epoch: wrongOnes.epoch, images, wrong: wrongOnes.total, categories, confusion };
  return print(session, options, evaluation, ({ epoch, wrong }) =>
    [
      reports.outcomeText(summary) + reports.metricsText(summary),
      `Epoch ${epoch}: ${wrong} of ${images} images are wrong.\n`,
      reports.confusionText(confusion, categories),
    ].join('\n'),
  );
}

/** Empty where the data set has been deleted since. */
async function categoriesOf(client: Client, { projectId }: Project, run: RunSummary): Promise<Category[]> {
  const datasets = await client.call('dataset.list', { projectId });
  return datasets.find(({ datasetId }) => datasetId === run.datasetId)?.categories ?? [];
}

export type ExportOptions = ProjectOptions & { checkpoint: CheckpointName; output: string; force?: boolean };

export async function exportCheckpoint(session: Session, wanted: string, options: ExportOptions) {
  const { client, io } = session;
  const opened = await project(session, options);
  const { runId, name } = await findRun(client, opened, wanted);
  const { folder } = await client.call('run.get', { projectId: opened.projectId, runId });
  const source = join(folder, 'checkpoints', `${options.checkpoint}.safetensors`);
  const output = resolve(io.cwd, options.output);
  await copyFile(source, output, options.force ? 0 : constants.COPYFILE_EXCL).catch((cause: NodeJS.ErrnoException) => {
    throw copyError(cause, source, output, options.checkpoint);
  });
  const result = { runId, name, checkpoint: options.checkpoint, output };
  return print(session, options, result, () => `${output}\n`);
}

function copyError(cause: NodeJS.ErrnoException, source: string, output: string, checkpoint: string): FoveaError {
  const context = { source, output };
  if (cause.code === 'EEXIST') {
    return new FoveaError('already-exists', `${output} is there already. Overwrite it with --force.`, context, {
      cause,
    });
  }
  if (cause.code === 'ENOENT' && cause.path === source) {
    // copyFile names the source also where the output's folder is missing, so both are possible.
    const message = `The "${checkpoint}" checkpoint could not be copied: either ${source} or the folder of ${output} does not exist.`;
    return new FoveaError('not-found', message, context, { cause });
  }
  return new FoveaError('io', `${output} could not be written: ${cause.message}`, context, { cause });
}

export async function compare(session: Session, wanted: readonly string[], options: ProjectOptions) {
  const { client } = session;
  const opened = await project(session, options);
  const runs = await Promise.all(wanted.map((run) => findRun(client, opened, run)));
  const runIds = runs.map(({ runId }) => runId);
  const comparison = await client.call('run.compare', { projectId: opened.projectId, runIds });
  return print(session, options, comparison, reports.comparisonText);
}

function project({ client, io }: Session, options: ProjectOptions): Promise<Project> {
  return openProject(client, options.project, io.cwd);
}

function print<T>({ io }: Session, options: OutputOptions, value: T, text: (value: T) => string): ExitCode {
  if (options.json) printJson(io, value);
  else io.stdout.write(text(value));
  return exitCodes.ok;
}
