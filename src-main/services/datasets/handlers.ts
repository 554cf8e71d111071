/** Calls about data sets and their images: looking, renaming, deleting, importing, downloading, exporting. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Handlers } from '../../contract/ipc.ts';
import { FoveaError, invariant } from '../../contract/errors.ts';
import type { DatasetFormat, ImportReport } from '../../contract/model/dataset.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import type { Job } from '../../contract/model/job.ts';
import type { ServiceContext } from '../context.ts';
import { exportDataset, reportExport } from '../export/export-dataset.ts';
import { publishedCifar10 } from '../import/cifar10-address.ts';
import { downloadFile } from '../import/download.ts';
import { importDataset, type ImportOptions } from '../import/import-dataset.ts';
import { runImportWorker } from '../import/run-worker.ts';
import type { JobProgress, JobRegistry } from '../jobs.ts';
import type { OpenProject } from '../open-projects.ts';
import { discardDataset, sweepLeftovers } from './discard-dataset.ts';
import { ImageLists } from './image-lists.ts';

type DatasetCalls =
  | 'dataset.list'
  | 'dataset.rename'
  | 'dataset.delete'
  | 'dataset.inspect'
  | 'dataset.import'
  | 'dataset.download'
  | 'dataset.exportReport'
  | 'dataset.export'
  | 'dataset.facets'
  | 'image.list'
  | 'image.get'
  | 'image.annotations';

export function createDatasetHandlers(context: ServiceContext, jobs: JobRegistry): Pick<Handlers, DatasetCalls> {
  const { projects, emit, ports } = context;
  const lists = new ImageLists();
  /** Files that are being downloaded now; two jobs must not write the same one. */
  const downloads = new Set<string>();

  projects.onOpen(sweepLeftovers);

  const changed = ({ project }: OpenProject): void => emit('dataset.changed', { projectId: project.projectId });

  async function importInto(
    opened: OpenProject,
    options: ImportOptions,
    report: (progress: JobProgress) => void,
    signal: AbortSignal,
  ): Promise<DatasetId> {
    const { datasetId } = await importDataset(opened, options, ports.importWorker, report, signal);
    changed(opened);
    return datasetId;
  }

  function startImport(opened: OpenProject, options: Omit<ImportOptions, 'source'>): Job {
    const { name, path } = options;
    opened.store.datasets.requireFreeName(name);
    const { projectId } = opened.project;
    return jobs.start({ projectId, kind: 'import', title: `Importing ${name}`, unit: 'images' }, (report, signal) =>
      importInto(opened, { ...options, source: path }, report, signal),
    );
  }

  function startDownload(opened: OpenProject): Job {
    const { url, fileName, md5 } = publishedCifar10();
    const file = join(ports.userDataFolder, 'downloads', fileName);
    if (downloads.has(file))
      throw new FoveaError('busy', `${fileName} is being downloaded already. Wait for it, or cancel it.`, { file });
    const { projectId } = opened.project;
    downloads.add(file);
    return jobs.start(
      { projectId, kind: 'download', title: 'Downloading CIFAR-10', unit: 'bytes' },
      async (report, signal) => {
        try {
          await downloadFile({ url, file, md5, report, signal });
          report({ step: 'Importing', done: 0, total: null, unit: 'images' });
          const name = freeName(opened, 'CIFAR-10');
          const datasetId = await importInto(
            opened,
            { path: file, format: 'cifar10', name, copyFiles: false, source: url },
            report,
            signal,
          );
          await rm(file, { force: true });
          return datasetId;
        } finally {
          downloads.delete(file);
        }
      },
    );
  }

  return {
    'dataset.list': async ({ projectId }) => projects.get(projectId).store.datasets.list(),

    'dataset.rename': async ({ projectId, datasetId, name }) => {
      const opened = projects.get(projectId);
      const renamed = opened.store.datasets.rename(datasetId, name);
      changed(opened);
      return renamed;
    },

    'dataset.delete': async ({ projectId, datasetId }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.datasets.get(datasetId);
      if (opened.store.runs.isDatasetInUse(datasetId)) {
        throw new FoveaError(
          'busy',
          `A run in progress uses “${name}”. Cancel the run or wait for its end, then delete the data set.`,
          { datasetId },
        );
      }
      opened.store.datasets.markDeleting(datasetId);
      lists.forget(opened, datasetId);
      changed(opened);
      await discardDataset(opened, datasetId);
      return {};
    },

    'dataset.inspect': async ({ path, format }) => inspect(ports.importWorker, path, format ?? null),

    'dataset.import': async ({ projectId, path, format, name, copyFiles = false }) =>
      startImport(projects.get(projectId), { path, format, name, copyFiles }),

    'dataset.download': async ({ projectId }) => startDownload(projects.get(projectId)),

    'dataset.exportReport': async ({ projectId, datasetId, format }) =>
      reportExport(projects.get(projectId), datasetId, format),

    'dataset.export': async ({ projectId, datasetId, format, folder }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.datasets.get(datasetId);
      const start = { projectId, kind: 'export', title: `Exporting ${name}`, unit: 'images' } as const;
      return jobs.start(start, async (report, signal) => {
        await exportDataset(opened, { datasetId, format, folder: resolve(folder) }, report, signal);
        return null;
      });
    },

    'dataset.facets': async ({ projectId, datasetId, filter }) =>
      lists.facets(projects.get(projectId), datasetId, filter),

    'image.list': async ({ projectId, datasetId, filter, offset, limit }) =>
      lists.page(projects.get(projectId), datasetId, filter, offset, limit),

    'image.get': async ({ projectId, imageId }) => projects.get(projectId).store.images.get(imageId),

    'image.annotations': async ({ projectId, imageId }) => {
      const { images, annotations } = projects.get(projectId).store;
      images.get(imageId);
      return annotations.ofImage(imageId);
    },
  };
}

async function inspect(worker: URL, path: string, format: DatasetFormat | null): Promise<ImportReport> {
  const reports: ImportReport[] = [];
  await runImportWorker(worker, { kind: 'inspect', path, format }, null, (message) => {
    if (message.kind === 'report') reports.push(message.report);
  });
  const [report] = reports;
  invariant(report, 'an inspection ended without a report');
  return report;
}

/** "CIFAR-10", or "CIFAR-10 (2)" … where that is taken. */
function freeName(opened: OpenProject, base: string): string {
  let name = base;
  for (let number = 2; opened.store.datasets.isNameTaken(name); number++) name = `${base} (${number})`;
  return name;
}
