/** Runs from the command line: what they reached, their network and pictures as files, predictions, comparisons. */
import { readFile, writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { PredictionDocument } from '../../contract/model/image-prediction.ts';
import type { CheckpointName } from '../../contract/model/run.ts';
import type { ExportForm } from '../../contract/model/run-export.ts';
import { exitCodes, say, type ExitCode } from './io.ts';
import * as reports from './reports.ts';
import { findDataset, findRun } from './selection.ts';
import { jobEnd, print, project, type ProjectOptions, type Session } from './session.ts';

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
  const { exitCode } = await jobEnd(session, started, 'Cancelled; nothing was written.');
  if (exitCode !== exitCodes.ok) return exitCode;
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
