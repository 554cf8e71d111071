/** The calls about weights: the catalogue with its downloads, looking into a file, and what runs start from. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Handlers } from '../../contract/ipc.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { Job } from '../../contract/model/job.ts';
import type { CatalogueEntry } from '../../contract/model/weights.ts';
import type { ProjectId } from '../../contract/model/ids.ts';
import { readProvenance } from '../../engine/train/start-weights.ts';
import type { ServiceContext } from '../context.ts';
import { fileError } from '../file-errors.ts';
import { downloadFile } from '../import/download.ts';
import type { JobRegistry } from '../jobs.ts';
import { runFolder } from '../runs/restore-runs.ts';
import { catalogue, catalogued, networkName } from './catalogue.ts';
import { cataloguedFile } from './start-file.ts';
import { fitOfPlan } from './weights-check.ts';

type WeightsCalls = Extract<keyof Handlers, `weights.${string}`>;

export function createWeightsHandlers(
  { ports, projects, emit, startFiles }: ServiceContext,
  jobs: JobRegistry,
): Pick<Handlers, WeightsCalls> {
  /** Files that are being downloaded now; two jobs must not write the same one. */
  const downloads = new Set<string>();

  function download(projectId: ProjectId, id: string): Job {
    projects.get(projectId);
    const entry = downloadable(id);
    const { url, label, sha256Prefix } = entry;
    const file = cataloguedFile(ports.userDataFolder, entry);
    if (downloads.has(file))
      throw new FoveaError('busy', `“${label}” is being downloaded already. Wait for it, or cancel it.`, { id });
    downloads.add(file);
    const start = { projectId, kind: 'download', title: `Downloading ${label}`, unit: 'bytes', weightsId: id } as const;
    return jobs.start(start, async (report, signal) => {
      try {
        await downloadFile({ url, file, hash: { algorithm: 'sha256', start: sha256Prefix }, report, signal });
        emit('weights.changed', { id });
        return null;
      } finally {
        downloads.delete(file);
      }
    });
  }

  return {
    'weights.catalogue': async ({ model }) => {
      const network = networkName(model);
      return catalogue().map((entry) => {
        const path = cataloguedFile(ports.userDataFolder, entry);
        return { ...entry, path: existsSync(path) ? path : null, suits: entry.networks.includes(network) };
      });
    },
    'weights.download': async ({ projectId, id }) => download(projectId, id),
    'weights.remove': async ({ id }) => {
      const file = cataloguedFile(ports.userDataFolder, downloadable(id));
      await rm(file, { force: true }).catch((error: unknown) => {
        throw fileError(error, 'remove the weights', file);
      });
      emit('weights.changed', { id });
      return {};
    },
    'weights.inspect': async ({ path }) => startFiles.inspect(path),
    'weights.fit': async ({ projectId, config }) => {
      if (config.weights === null) return null;
      const opened = projects.get(projectId);
      const start = await startFiles.find(opened, config.weights);
      const { label, path, sha256 } = start.file;
      const fit = fitOfPlan(config, opened.store.datasets.get(config.data.datasetId), start);
      return fit && { file: { label, path, sha256 }, fit };
    },
    'weights.ofRuns': async ({ projectId, runIds }) => {
      const opened = projects.get(projectId);
      return Promise.all(runIds.map((runId) => readProvenance(runFolder(opened, runId))));
    },
  };
}

/** Throws FoveaError `not-found`, `invalid-request` for what comes along with the app. */
function downloadable(id: string): CatalogueEntry {
  const entry = catalogued(id);
  if (!entry.bundled) return entry;
  throw new FoveaError(
    'invalid-request',
    `“${entry.label}” comes along with the app: it is neither downloaded nor removed.`,
    {
      id,
    },
  );
}
