/** From what a configuration says it starts from to the file that it means, and into a run's folder. */
import { existsSync } from 'node:fs';
import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import type { CatalogueEntry, WeightsListing, WeightsSource } from '../../contract/model/weights.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import { writeStartFile, type StartFile } from '../../engine/train/start-weights.ts';
import { paddingOf, scalingOf } from '../../engine/train/weight-targets.ts';
import { planModel, preprocessingOf } from '../../engine/zoo/registry.ts';
import type { HostPorts } from '../backend.ts';
import { fileError } from '../file-errors.ts';
import type { OpenProject } from '../open-projects.ts';
import { resourceFile } from '../resources.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { catalogued } from './catalogue.ts';
import { WeightsIndex } from './weights-index.ts';

export interface Start {
  file: StartFile;
  listing: WeightsListing;
}

/** Where a publisher's file lies once it is downloaded, one folder for all projects, or with the app where it comes along. */
export function cataloguedFile(userDataFolder: string, { fileName, bundled }: CatalogueEntry): string {
  return bundled ? resourceFile(join('weights', fileName)) : join(userDataFolder, 'weights', fileName);
}

/** Resolves sources to files. */
export class StartFiles {
  readonly #index: WeightsIndex;
  readonly #userDataFolder: string;

  constructor(workers: WorkerPool, { userDataFolder }: Pick<HostPorts, 'userDataFolder'>) {
    this.#index = new WeightsIndex(workers);
    this.#userDataFolder = userDataFolder;
  }

  /** What a file holds. Throws FoveaError: see `openWeights`. */
  inspect(path: string): Promise<WeightsListing> {
    return this.#index.listing(path);
  }

  /** Throws FoveaError, in words that say what to do: not downloaded, not there, changed, no checkpoint, unreadable. */
  async find(opened: OpenProject, source: WeightsSource): Promise<Start> {
    switch (source.source) {
      case 'catalogue':
        return this.#ofCatalogue(source.id);
      case 'file':
        return this.#ofFile(source);
      case 'run':
        return this.#ofRun(opened, source);
    }
  }

  /**
   * Puts what the run starts from into its folder. A checkpoint of another run comes too (as a link where the disk allows
   * it), because the other run may go on, or be deleted.
   */
  async putInto(folder: string, opened: OpenProject, source: WeightsSource): Promise<void> {
    const { file } = await this.find(opened, source);
    if (source.source !== 'run') return writeStartFile(folder, file);
    const path = runFiles.startCheckpoint(folder);
    await link(file.path, path).catch(() =>
      copyFile(file.path, path).catch((error: unknown) => {
        throw fileError(error, 'copy the checkpoint to start from', path);
      }),
    );
    const { sha256 } = await this.#index.listing(path);
    await writeStartFile(folder, { ...file, path, sha256 });
  }

  async #ofCatalogue(id: string): Promise<Start> {
    const entry = catalogued(id);
    const path = cataloguedFile(this.#userDataFolder, entry);
    if (!existsSync(path)) {
      throw new FoveaError('not-found', `“${entry.label}” is not downloaded yet. Download it, or start from scratch.`, {
        id,
      });
    }
    const { label, publisher, padding, scaling, normEpsilon } = entry;
    const listing = await this.#index.listing(path);
    return { listing, file: startFile(`${label} (${publisher})`, listing, { padding, scaling, normEpsilon }) };
  }

  async #ofFile({ path, sha256 }: Extract<WeightsSource, { source: 'file' }>): Promise<Start> {
    const listing = await this.#index.listing(path);
    if (listing.sha256 !== sha256) {
      throw new FoveaError('bad-input', `${path} has changed since it was chosen. Choose it again.`, { file: path });
    }
    return { listing, file: startFile(path, listing, { padding: null, scaling: null }) };
  }

  async #ofRun(opened: OpenProject, { runId, checkpoint }: Extract<WeightsSource, { source: 'run' }>): Promise<Start> {
    const { runs } = opened.store;
    if (!runs.exists(runId)) {
      throw new FoveaError(
        'not-found',
        `Run ${runId}, whose weights are meant, was deleted for good. Choose other weights, or start from scratch.`,
        { runId },
      );
    }
    const { name } = runs.get(runId);
    const path = runFiles.checkpoint(join(opened.folder, runs.folder(runId)), checkpoint);
    if (!existsSync(path)) {
      throw new FoveaError(
        'not-found',
        `Run ${runId} “${name}” has no ${checkpoint} checkpoint yet. Wait until it has done an epoch, or choose another run.`,
        { runId },
      );
    }
    const listing = await this.#index.listing(path);
    return { listing, file: startFile(`run ${runId} “${name}”, ${checkpoint}`, listing, knownOf(runs.config(runId))) };
  }
}

const startFile = (label: string, { path, sha256 }: WeightsListing, known: StartFile['known']): StartFile => ({
  label,
  path,
  sha256,
  known,
});

/** How a run's network pads and what it is fed. */
function knownOf({ model: { id, options } }: RunConfig): StartFile['known'] {
  try {
    // Neither depends on the image's size.
    const plan = planModel(id, options, [3, 64, 64], 2);
    return { padding: paddingOf(plan), scaling: scalingOf(preprocessingOf({ id, options })) };
  } catch {
    return { padding: null, scaling: null };
  }
}
