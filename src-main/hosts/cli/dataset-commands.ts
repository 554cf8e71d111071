/** Data sets from the command line: what there is, import, export, download, drawn samples. */
import { resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { DatasetFormat, Split } from '../../contract/model/dataset.ts';
import type { ExportFormat } from '../../contract/model/dataset-export.ts';
import type { Job } from '../../contract/model/job.ts';
import type { Project } from '../../contract/model/project.ts';
import type { SampleWorld } from '../../contract/model/sample.ts';
import { exitCodes, say, type ExitCode } from './io.ts';
import * as reports from './reports.ts';
import { findDataset } from './selection.ts';
import { jobEnd, print, project, type OutputOptions, type ProjectOptions, type Session } from './session.ts';

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
  const started = await client.call('dataset.export', { projectId, datasetId, format, folder, ...scope });
  const { exitCode } = await jobEnd(session, started, 'Cancelled; nothing was written.');
  if (exitCode !== exitCodes.ok) return exitCode;
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
  const { job, exitCode } = await jobEnd(session, started, 'Cancelled; the project is as it was.');
  if (exitCode !== exitCodes.ok) return exitCode;
  const datasets = await session.client.call('dataset.list', { projectId });
  const made = datasets.filter(({ datasetId }) => datasetId === job.datasetId);
  return print(session, options, made, reports.datasetsText);
}
