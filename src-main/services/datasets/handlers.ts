/** Calls about data sets and their images: looking, renaming, deleting, importing, downloading, exporting. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Calls, Handlers } from '../../contract/ipc.ts';
import { FoveaError, invariant } from '../../contract/errors.ts';
import type { DatasetFormat, ImageFilter, ImportReport } from '../../contract/model/dataset.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import type { Job } from '../../contract/model/job.ts';
import { sampleProjectSet, sampleWorlds, type SampleSet } from '../../contract/model/sample.ts';
import type { ServiceContext } from '../context.ts';
import { discardPartialExport, exportPlace, type ExportReportAsk } from '../export/export-dataset.ts';
import { publishedCifar10 } from '../import/cifar10-address.ts';
import { downloadFile } from '../import/download.ts';
import { importDataset, type ImportOptions } from '../import/import-dataset.ts';
import { runImportWorker } from '../import/run-worker.ts';
import type { JobProgress, JobRegistry } from '../jobs.ts';
import { askLibrary } from '../library/ask-library.ts';
import type { OpenProject } from '../open-projects.ts';
import { samplePresets } from '../sample/sample-presets.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { sweepLeftovers } from './discard-dataset.ts';
import { asAdded, type ImageLists } from './image-lists.ts';

type DatasetCalls =
  | 'dataset.list'
  | 'dataset.rename'
  | 'dataset.delete'
  | 'dataset.inspect'
  | 'dataset.import'
  | 'dataset.download'
  | 'dataset.importSample'
  | 'dataset.exportReport'
  | 'dataset.export'
  | 'dataset.facets'
  | 'image.list'
  | 'image.get'
  | 'image.annotations';

const everything: ImageFilter = { splits: [], categoryIds: [] };

export function createDatasetHandlers(
  context: ServiceContext,
  jobs: JobRegistry,
  lists: ImageLists,
): Pick<Handlers, DatasetCalls> {
  const { projects, emit, ports, workers } = context;
  /** Files that are being downloaded now; two jobs must not write the same one. */
  const downloads = new Set<string>();
  /** Folders that are being exported into. */
  const exports = new Set<string>();

  projects.onOpen(sweepLeftovers);

  const changed = ({ project }: OpenProject): void => emit('dataset.changed', { projectId: project.projectId });

  async function importInto(
    opened: OpenProject,
    options: ImportOptions,
    report: (progress: JobProgress) => void,
    signal: AbortSignal,
  ): Promise<DatasetId> {
    const { datasetId } = await importDataset(opened, options, workers, report, signal);
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
          await downloadFile({ url, file, hash: { algorithm: 'md5', start: md5 }, report, signal });
          report({ step: 'Importing', done: 0, total: null, unit: 'images' });
          const name = freeName(opened, 'CIFAR-10');
          const datasetId = await importInto(
            opened,
            { path: file, format: 'cifar10', labelSource: null, name, copyFiles: false, source: url },
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

  /** Drawn beside the project's other files, then imported like anything else. */
  function startSample(opened: OpenProject, set: SampleSet): Job {
    const { projectId } = opened.project;
    const { label } = sampleWorlds[set.world];
    return jobs.start(
      { projectId, kind: 'import', title: `Drawing ${label}`, unit: 'images' },
      async (report, signal) => {
        const drawn = await mkdtemp(join(opened.folder, 'sample-'));
        try {
          await runImportWorker(workers, { kind: 'draw-sample', path: drawn, set }, signal, (message) => {
            if (message.kind === 'progress') report(message);
          });
          const name = freeName(opened, label);
          const source = `drawn by Fovea, seed ${set.seed}`;
          const options = { path: drawn, format: 'coco', labelSource: null, name, copyFiles: true, source } as const;
          const datasetId = await importInto(opened, options, report, signal);
          if (set.world === sampleProjectSet.world) {
            const { datasets, presets } = opened.store;
            for (const preset of samplePresets(datasets.get(datasetId)))
              presets.save(preset.name, preset.config, new Date().toISOString());
          }
          return datasetId;
        } finally {
          await rm(drawn, { recursive: true, force: true });
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
      opened.store.trash.putDataset(datasetId, new Date().toISOString());
      lists.forget(opened.project, datasetId);
      changed(opened);
      return {};
    },

    'dataset.inspect': async ({ path, format = null, labelSource = null }) =>
      inspect(workers, { path, format, labelSource }),

    'dataset.import': async ({ projectId, path, format, name, labelSource = null, copyFiles = false }) =>
      startImport(projects.get(projectId), { path, format, labelSource, name, copyFiles }),

    'dataset.download': async ({ projectId }) => startDownload(projects.get(projectId)),

    'dataset.importSample': async ({ projectId, set }) => startSample(projects.get(projectId), set),

    'dataset.exportReport': async ({ projectId, ...request }) => {
      const opened = projects.get(projectId);
      const scope = exportScope(request);
      await lists.prepare(opened, scope.filter);
      return askLibrary(opened, workers, 'export-report', scope);
    },

    'dataset.export': async ({ projectId, folder, ...request }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.datasets.get(request.datasetId);
      const scope = exportScope(request);
      await lists.prepare(opened, scope.filter);
      const start = { projectId, kind: 'export', title: `Exporting ${name}`, unit: 'images' } as const;
      const ask = { ...scope, folder: await exportPlace(resolve(folder)) };
      if (exports.has(ask.folder)) {
        throw new FoveaError('busy', `An export into ${ask.folder} is in progress. Choose another folder.`, { folder });
      }
      exports.add(ask.folder);
      return jobs.start(start, async (report, signal) => {
        try {
          await askLibrary(opened, workers, 'export', ask, { report, signal });
        } finally {
          await discardPartialExport(ask.folder);
          exports.delete(ask.folder);
        }
        return null;
      });
    },

    'dataset.facets': async ({ projectId, datasetId, filter }) =>
      lists.facets(projects.get(projectId), datasetId, filter),

    'image.list': async ({ projectId, datasetId, filter, order = asAdded, offset, limit }) =>
      lists.page(projects.get(projectId), datasetId, { filter, order }, offset, limit),

    'image.get': async ({ projectId, imageId }) => projects.get(projectId).store.images.get(imageId),

    'image.annotations': async ({ projectId, imageId }) => {
      const { images, annotations } = projects.get(projectId).store;
      images.get(imageId);
      return annotations.ofImage(imageId);
    },
  };
}

function exportScope({
  filter = everything,
  labelledOnly = false,
  images = 'copy',
  ...what
}: Omit<Calls['dataset.exportReport']['request'], 'projectId'>): ExportReportAsk {
  return { ...what, filter, labelledOnly, images };
}

async function inspect(
  workers: WorkerPool,
  task: { path: string; format: DatasetFormat | null; labelSource: string | null },
): Promise<ImportReport> {
  const reports: ImportReport[] = [];
  await runImportWorker(workers, { kind: 'inspect', ...task }, null, (message) => {
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
