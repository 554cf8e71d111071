/** What each command does: calls, then a report. Parsing is program.ts's part; behaviour is the services'. */
import { readFile, writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Dataset, DatasetFormat, Split } from '../../contract/model/dataset.ts';
import type { ExportFormat } from '../../contract/model/dataset-export.ts';
import { suggestedTask } from '../../contract/model/label-statistics.ts';
import type { PredictionDocument } from '../../contract/model/image-prediction.ts';
import type { Job } from '../../contract/model/job.ts';
import type { Project } from '../../contract/model/project.ts';
import type { ExportForm } from '../../contract/model/run-export.ts';
import type { SampleWorld } from '../../contract/model/sample.ts';
import type { CheckpointName, RunConfig, RunSummary } from '../../contract/model/run.ts';
import type { Client } from './client.ts';
import { followJob, followRun } from './follow.ts';
import { exitCodes, printJson, say, type CliIo, type ExitCode } from './io.ts';
import * as reports from './reports.ts';
import { readConfigFile, settingsTable, withSettings } from './run-settings.ts';
import { findDataset, findRun, openProject } from './selection.ts';
import { chosenWeights } from './weights.ts';

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

export type ImportOptions = ProjectOptions & { name?: string; format?: DatasetFormat; labels?: string; copy?: boolean };

export async function importDataset(session: Session, source: string, options: ImportOptions): Promise<ExitCode> {
  const { client, io } = session;
  const opened = await project(session, options);
  const path = resolve(io.cwd, source);
  const labels = options.labels === undefined ? {} : { labelSource: options.labels };
  const wanted = options.format === undefined ? {} : { format: options.format };
  const report = await client.call('dataset.inspect', { path, ...wanted, ...labels });
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
    ...labels,
    ...(options.copy === true ? { copyFiles: true } : {}),
  });
  return finishImport(session, options, opened, job);
}

export type ExportDatasetOptions = ProjectOptions & {
  format: ExportFormat;
  output: string;
  split?: Split;
  query?: string;
  labelledOnly?: boolean;
  labelsOnly?: boolean;
};

export async function exportDataset(
  session: Session,
  wanted: string,
  options: ExportDatasetOptions,
): Promise<ExitCode> {
  const { client, io } = session;
  const opened = await project(session, options);
  const { projectId } = opened;
  const { datasetId } = await findDataset(client, opened, wanted);
  const { format } = options;
  const folder = resolve(io.cwd, options.output);
  const { split, query, labelledOnly, labelsOnly } = options;
  const filter = {
    splits: split === undefined ? [] : [split],
    categoryIds: [],
    ...(query === undefined ? {} : { query }),
  };
  const scope = {
    filter,
    labelledOnly: labelledOnly === true,
    ...(labelsOnly === true ? { images: 'none' as const } : {}),
  };
  const report = await client.call('dataset.exportReport', { projectId, datasetId, format, ...scope });
  for (const loss of report.losses) say(io, `Lost: ${loss}`);
  const job = await followJob(
    client,
    io,
    await client.call('dataset.export', { projectId, datasetId, format, folder, ...scope }),
  );
  if (job.state === 'cancelled') {
    say(io, 'Cancelled; nothing was written.');
    return exitCodes.cancelled;
  }
  if (job.state === 'failed') {
    say(io, job.error?.message ?? 'It failed without saying why.');
    return exitCodes.failed;
  }
  return print(
    session,
    options,
    { folder, ...report, ...(labelsOnly === true ? { labelsOnly } : {}) },
    reports.exportText,
  );
}

export async function downloadDataset(session: Session, source: 'cifar10', options: ProjectOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  const job = await session.client.call('dataset.download', { projectId: opened.projectId, source });
  return finishImport(session, options, opened, job);
}

export type SampleOptions = ProjectOptions & { world: SampleWorld; train: number; val: number; seed: number };

export async function drawSample(session: Session, options: SampleOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  const set = { world: options.world, trainImages: options.train, valImages: options.val, seed: options.seed };
  const job = await session.client.call('dataset.importSample', { projectId: opened.projectId, set });
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
  model?: string;
  config?: string;
  preset?: string;
  set: string[];
  name?: string;
  weights?: string;
  resume?: string;
  listSettings?: boolean;
  wholeBatches?: boolean;
}

export async function train(session: Session, options: TrainOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  if (options.resume !== undefined) return resumeRun(session, opened, options, options.resume);

  const { client } = session;
  const { projectId } = opened;
  const { template, config } = await planned(session, opened, options);
  if (options.listSettings) return print(session, options, template.knobs, settingsTable);
  const checked = await check(session, opened, config, options.wholeBatches ?? false);
  return watchRun(session, options, opened, () =>
    client.call('run.start', { projectId, config: checked, name: options.name ?? null }),
  );
}

/** The run that the options describe, with what it was made of. */
export async function planned(session: Session, opened: Project, options: TrainOptions) {
  const { client } = session;
  const document = await startingDocument(session, opened, options);
  const { datasetId, modelId, settings } = await startingPoint(client, opened, options, document);
  const template = await client.call('run.template', { projectId: opened.projectId, datasetId, modelId });
  const config = withSettings(template, settings, options.set);
  if (options.weights !== undefined) config.weights = await chosenWeights(session, opened, options.weights);
  return { template, settings, config };
}

/** What the run starts from: a file, a preset, or nothing but defaults. */
async function startingDocument({ client, io }: Session, { projectId }: Project, options: TrainOptions) {
  if (options.config !== undefined) return readConfigFile(resolve(io.cwd, options.config));
  if (options.preset === undefined) return {};
  const presets = await client.call('preset.list', { projectId });
  const wanted = options.preset.toLowerCase();
  const found = presets.find(({ name }) => name.toLowerCase() === wanted);
  if (found !== undefined) return found.config;
  const known = presets.map(({ name }) => name).join(', ') || 'none';
  throw new FoveaError('not-found', `There is no preset "${options.preset}". There are: ${known}.`);
}

/** A data set or model that is asked for outweighs the document's; so does the only data set where the document's is not here. */
async function startingPoint(client: Client, opened: Project, options: TrainOptions, document: object) {
  const { data, model, ...others } = document as {
    data?: Partial<RunConfig['data']>;
    model?: Partial<RunConfig['model']>;
  };
  const datasets = await client.call('dataset.list', { projectId: opened.projectId });
  const own = options.dataset === undefined && datasets.find(({ datasetId }) => datasetId === data?.datasetId);
  const { datasetId } = own || (await chosenDataset(client, opened, options.dataset));
  const modelId = options.model ?? model?.id ?? (await suggestedModel(client, opened, datasetId));
  const keepsModel = model !== undefined && (model.id === undefined || model.id === modelId);
  const settings = { ...others, ...(data && { data: { ...data, datasetId } }), ...(keepsModel && { model }) };
  return { datasetId, modelId, settings };
}

/** The first one of the task that the training images' labels suit best. */
async function suggestedModel(
  client: Client,
  { projectId }: Project,
  datasetId: Dataset['datasetId'],
): Promise<string> {
  const labels = await client.call('run.labels', { projectId, datasetId, split: 'train' });
  const models = await client.call('model.list', {});
  const suggested = suggestedTask(labels);
  return (models.find(({ task }) => task === suggested) ?? models[0])?.id ?? 'lenet5';
}

export async function listPresets(session: Session, options: ProjectOptions) {
  const { projectId } = await project(session, options);
  return print(session, options, await session.client.call('preset.list', { projectId }), reports.presetsText);
}

export async function savePreset(session: Session, name: string, wanted: string, options: ProjectOptions) {
  const opened = await project(session, options);
  const { projectId } = opened;
  const { runId } = await findRun(session.client, opened, wanted);
  const { config } = await session.client.call('run.get', { projectId, runId });
  const preset = await session.client.call('preset.save', { projectId, name, config });
  return print(session, options, preset, () => `${preset.name}\n`);
}

/** The document, which `train --config` takes. */
export async function printConfig(session: Session, wanted: string, options: ProjectOptions) {
  const opened = await project(session, options);
  const { runId } = await findRun(session.client, opened, wanted);
  const { config } = await session.client.call('run.get', { projectId: opened.projectId, runId });
  printJson(session.io, config);
  return exitCodes.ok;
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

/**
 * Says what `run.check` found and where memory will not do; throws where that would stop the run. Returns what is to be
 * trained: with smaller micro-batches where the batches do not fit and are not to stay whole.
 */
async function check(
  { client, io }: Session,
  { projectId }: Project,
  config: RunConfig,
  wholeBatches: boolean,
): Promise<RunConfig> {
  const findings = await client.call('run.check', { projectId, config });
  for (const { severity, message } of findings) say(io, `${severity}: ${message}`);
  if (findings.some(({ severity }) => severity === 'error')) {
    throw new FoveaError('invalid-request', 'The run was not started.');
  }
  const { fits, summary, suggestion } = await client.call('run.estimate', { projectId, config });
  if (fits !== false) return config;
  say(io, `warning: ${summary}`);
  if (suggestion === null || wholeBatches) return config;
  const { batchSize, accumulation } = suggestion;
  say(
    io,
    `The run takes batchSize=${batchSize} and accumulation=${accumulation}; --whole-batches keeps ${config.batchSize}.`,
  );
  return { ...config, batchSize, accumulation };
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
  const { epoch, imageIds, right } = await client.call('run.scores', { projectId, runId });
  const images = imageIds.length;
  /** Null where an image is not simply right or wrong. */
  const wrong = right === null ? null : right.filter((isRight) => isRight === 0).length;
  return print(session, options, { summary, epoch, images, wrong, confusion }, () =>
    [
      reports.outcomeText(summary) + reports.metricsText(summary),
      wrong === null
        ? `Epoch ${epoch}: measured by ${images} images. Counted are ${confusion.unit}.\n`
        : `Epoch ${epoch}: ${wrong} of ${images} images are wrong.\n`,
      reports.confusionText(confusion),
    ].join('\n'),
  );
}

export type ExportOptions = ProjectOptions & {
  checkpoint: CheckpointName;
  output: string;
  decisions?: boolean;
  half?: boolean;
  batch: number;
  force?: boolean;
};

export async function exportNetwork(session: Session, wanted: string, options: ExportOptions) {
  const { client, io } = session;
  const opened = await project(session, options);
  const { runId } = await findRun(client, opened, wanted);
  const { checkpoint, output, decisions = false, half = false, batch, force = false } = options;
  const file = resolve(io.cwd, output);
  const isOnnx = extname(file).toLowerCase() === '.onnx';
  if (isOnnx ? half : decisions)
    throw new FoveaError('invalid-request', '--decisions is for .onnx files, --half for .safetensors.');
  const form: ExportForm = isOnnx
    ? { format: 'onnx', decisions, batchSize: batch }
    : { format: 'safetensors', precision: half ? 'float16' : 'float32' };
  const request = { projectId: opened.projectId, runId, checkpoint, form, file, overwrite: force };
  const exported = await client.call('run.export', request).catch((error: unknown) => {
    if (!(error instanceof FoveaError) || error.code !== 'already-exists') throw error;
    throw new FoveaError(error.code, `${error.message} Overwrite it with --force.`, error.context, { cause: error });
  });
  return print(session, options, exported, reports.exportedText);
}

export async function artifacts(session: Session, wanted: string, options: ProjectOptions & { output: string }) {
  const { client, io } = session;
  const opened = await project(session, options);
  const { runId } = await findRun(client, opened, wanted);
  const folder = resolve(io.cwd, options.output);
  const written = await client.call('run.artifacts', { projectId: opened.projectId, runId, folder });
  return print(session, options, written, (made) =>
    [made.folder, ...made.leftOut.map((text) => `Left out: ${text}`), ''].join('\n'),
  );
}

export async function openForeign(session: Session, folder: string, options: ProjectOptions & { dataset: string }) {
  const { client, io } = session;
  const opened = await project(session, options);
  const { datasetId } = await findDataset(client, opened, options.dataset);
  const request = { projectId: opened.projectId, datasetId, folder: resolve(io.cwd, folder) };
  const run = await client.call('run.openForeign', request);
  return print(session, options, run, () => `Run ${run.runId} "${run.name}": ${run.epochsDone} epochs.\n`);
}

export interface PredictOptions extends ProjectOptions {
  checkpoint: CheckpointName;
  confidence: number;
  /** Overlap; made to fit where absent. */
  tiles?: number;
  output: string;
  force?: boolean;
}

export async function predict(
  session: Session,
  wanted: string,
  paths: readonly string[],
  options: PredictOptions,
): Promise<ExitCode> {
  const { client, io } = session;
  const opened = await project(session, options);
  const { projectId } = opened;
  const { runId } = await findRun(client, opened, wanted);
  const output = resolve(io.cwd, options.output);
  const started = await client.call('run.predict', {
    projectId,
    runId,
    checkpoint: options.checkpoint,
    paths: paths.map((path) => resolve(io.cwd, path)),
    scoreThreshold: options.confidence,
    tiles: options.tiles === undefined ? null : { overlap: options.tiles },
    output,
    overwrite: options.force ?? false,
  });
  const job = await followJob(client, io, started);
  if (job.state === 'cancelled') {
    say(io, 'Cancelled; nothing was written.');
    return exitCodes.cancelled;
  }
  if (job.state === 'failed') {
    say(io, job.error?.message ?? 'It failed without saying why.');
    return exitCodes.failed;
  }
  const document = JSON.parse(await readFile(output, 'utf8')) as PredictionDocument;
  for (const { file, reason } of document.failures) say(io, `Left out: ${file}: ${reason}`);
  return print(session, options, document, () => reports.predictionText(output, document));
}

export type CompareOptions = ProjectOptions & { report?: string; force?: boolean };

export async function compare(session: Session, wanted: readonly string[], options: CompareOptions) {
  const { client, io } = session;
  const opened = await project(session, options);
  const runs = await Promise.all(wanted.map((run) => findRun(client, opened, run)));
  const runIds = runs.map(({ runId }) => runId);
  const comparison = await client.call('run.compare', { projectId: opened.projectId, runIds });
  if (options.report !== undefined) {
    const file = resolve(io.cwd, options.report);
    const format = /\.(md|markdown)$/i.test(file) ? 'markdown' : 'html';
    const { text } = await client.call('run.report', { projectId: opened.projectId, runIds, format });
    await writeFile(file, text, { flag: options.force ? 'w' : 'wx' }).catch((cause: NodeJS.ErrnoException) => {
      throw writeError(cause, file);
    });
    say(io, file);
  }
  return print(session, options, comparison, reports.comparisonText);
}

function writeError(cause: NodeJS.ErrnoException, file: string): FoveaError {
  if (cause.code === 'EEXIST') {
    return new FoveaError(
      'already-exists',
      `${file} is there already. Overwrite it with --force.`,
      { file },
      { cause },
    );
  }
  return new FoveaError('io', `${file} could not be written: ${cause.message}`, { file }, { cause });
}

export function project({ client, io }: Session, options: ProjectOptions): Promise<Project> {
  return openProject(client, options.project, io.cwd);
}

export function print<T>({ io }: Session, options: OutputOptions, value: T, text: (value: T) => string): ExitCode {
  if (options.json) printJson(io, value);
  else io.stdout.write(text(value));
  return exitCodes.ok;
}
