/** Records the state of a data set as a version, for a person who asks for it and for every run that begins. */
import type { DatasetId, RunId } from '../../contract/model/ids.ts';
import type { DatasetVersion } from '../../contract/model/library.ts';
import type { JobProgress } from '../jobs.ts';
import type { OpenProject } from '../open-projects.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { askLibrary } from './ask-library.ts';

/** The fingerprints of the images are those that are known. */
export async function recordVersion(
  opened: OpenProject,
  workers: WorkerPool,
  datasetId: DatasetId,
  options: { report?: (progress: JobProgress) => void; signal?: AbortSignal } = {},
): Promise<DatasetVersion> {
  const state = await askLibrary(opened, workers, 'freeze', { datasetId }, options);
  const { name } = opened.store.datasets.get(datasetId);
  const createdAt = new Date().toISOString();
  return opened.store.library.addVersion({ ...state, datasetId, datasetName: name, createdAt });
}

/** What a run trains on, recorded beside it. A run without it is none the worse, so that nothing is thrown. */
export async function recordRunVersion(
  opened: OpenProject,
  workers: WorkerPool,
  runId: RunId,
  datasetId: DatasetId,
): Promise<void> {
  try {
    const { versionId } = await recordVersion(opened, workers, datasetId);
    opened.store.library.setRunVersion(runId, versionId);
  } catch {
    // The project was closed meanwhile, or there is no room for the version's file.
  }
}
