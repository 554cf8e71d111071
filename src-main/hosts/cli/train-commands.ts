/** Training from the command line: what a run is made of (defaults, presets, documents, options), its checks, its progress. */
import { resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Dataset } from '../../contract/model/dataset.ts';
import { suggestedTask } from '../../contract/model/label-statistics.ts';
import type { Project } from '../../contract/model/project.ts';
import type { RunConfig, RunSummary } from '../../contract/model/run.ts';
import { measuredInWords } from '../../contract/model/step-tuning.ts';
import type { Client } from './client.ts';
import { followRun } from './follow.ts';
import { exitCodes, printJson, say, type ExitCode } from './io.ts';
import * as reports from './reports.ts';
import { readConfigFile, settingsTable, withSettings } from './run-settings.ts';
import { findDataset, findRun } from './selection.ts';
import { jobEnd, print, project, type OutputOptions, type ProjectOptions, type Session } from './session.ts';
import { chosenWeights } from './weights.ts';

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

/** Runs that begin from then on compute their layers in the way that was found. */
export async function tune(session: Session, options: TrainOptions & { forget?: boolean }): Promise<ExitCode> {
  const { client, io } = session;
  if (options.forget) {
    await client.call('tuning.forget', {});
    say(io, 'What was measured is forgotten.');
    return exitCodes.ok;
  }
  const opened = await project(session, options);
  const { config } = await planned(session, opened, options);
  const started = await client.call('tuning.start', { projectId: opened.projectId, config });
  const { job, exitCode } = await jobEnd(session, started, 'Cancelled: nothing was kept.');
  return job.tuning ? print(session, options, job.tuning, (found) => `${measuredInWords(found)}\n`) : exitCode;
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
