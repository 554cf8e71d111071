/**
 * What a run keeps of its past epochs, so that they can be looked at again: the predictions (the file of the epoch
 * itself, which is kept instead of being replaced) and the kernels in half precision. Where it grows beyond its limit,
 * epochs are left out so that those that stay lie evenly. It changes nothing of what is learned.
 */
import { copyFile, link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Shape } from '../graph/types.ts';
import type { NamedTensors } from '../nn/parameters.ts';
import { floatToHalf } from '../weights/half-float.ts';
import { writeSafetensors, type Tensor } from '../weights/safetensors.ts';
import { runFiles } from './run-folder.ts';

/** Weights of an epoch's kernels, of the first convolutions on; a large network has millions. */
const mostWeights = 65_536;
const predictionsEnding = '.predictions.bin';
const kernelsEnding = '.kernels.safetensors';

const stem = (epoch: number): string => String(epoch).padStart(6, '0');

export const historyFiles = {
  predictions: (folder: string, epoch: number): string =>
    join(runFiles.history(folder), stem(epoch) + predictionsEnding),
  kernels: (folder: string, epoch: number): string => join(runFiles.history(folder), stem(epoch) + kernelsEnding),
};

export interface KeptEpochs {
  /** Ascending. */
  predictions: number[];
  kernels: number[];
  sizeBytes: number;
}

/** None where nothing is kept. Throws FoveaError `io`. */
export async function keptEpochs(folder: string): Promise<KeptEpochs> {
  const files = await filesOf(folder);
  const epochsOf = (ending: string): number[] =>
    files.filter(({ name }) => name.endsWith(ending)).map(({ epoch }) => epoch);
  return {
    predictions: epochsOf(predictionsEnding),
    kernels: epochsOf(kernelsEnding),
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

export interface EpochHistoryOptions {
  folder: string;
  limitBytes: number;
  /** Names of the convolutions' weights, in the network's order. */
  kernels: readonly string[];
  shapes: ReadonlyMap<string, Shape>;
}

export class EpochHistory {
  readonly #options: EpochHistoryOptions;
  readonly #kernels: readonly string[];

  constructor(options: EpochHistoryOptions) {
    this.#options = options;
    let weights = 0;
    this.#kernels = options.kernels.filter((name) => {
      const shape = options.shapes.get(name);
      if (shape === undefined) return false;
      weights += shape.reduce((product, size) => product * size, 1);
      return weights <= mostWeights;
    });
  }

  /** After the epoch's predictions are written. Throws FoveaError `io`. */
  async keep(epoch: number, tensors: NamedTensors): Promise<void> {
    const { folder, limitBytes, shapes } = this.#options;
    if (limitBytes <= 0) return;
    try {
      await mkdir(runFiles.history(folder), { recursive: true });
      await keepFile(runFiles.predictions(folder), historyFiles.predictions(folder, epoch));
      const kernels = new Map(
        this.#kernels.map((name): [string, Tensor] => {
          const data = Uint16Array.from(tensors.get(name)!, floatToHalf);
          return [name, { dtype: 'F16', shape: shapes.get(name)!, data }];
        }),
      );
      if (kernels.size > 0) await writeSafetensors(historyFiles.kernels(folder, epoch), kernels);
      await this.#thinOut();
    } catch (cause) {
      if (cause instanceof FoveaError) throw cause;
      const file = runFiles.history(folder);
      throw new FoveaError('io', `Could not keep epoch ${epoch} in ${file}: ${String(cause)}`, { file }, { cause });
    }
  }

  async #thinOut(): Promise<void> {
    const { folder, limitBytes } = this.#options;
    const files = await filesOf(folder);
    const sizes = new Map<number, number>();
    for (const { epoch, sizeBytes } of files) sizes.set(epoch, (sizes.get(epoch) ?? 0) + sizeBytes);
    const superfluous = epochsToDrop([...sizes.keys()], (epoch) => sizes.get(epoch)!, limitBytes);
    for (const { name, epoch } of files)
      if (superfluous.has(epoch)) await rm(join(runFiles.history(folder), name), { force: true });
  }
}

/** Of ascending epochs those that leave the smallest gaps, until the rest fits; the first and the last stay longest. */
export function epochsToDrop(
  epochs: readonly number[],
  sizeOf: (epoch: number) => number,
  limitBytes: number,
): Set<number> {
  const left = [...epochs].sort((a, b) => a - b);
  const dropped = new Set<number>();
  let size = left.reduce((sum, epoch) => sum + sizeOf(epoch), 0);
  while (size > limitBytes && left.length > 1) {
    let place = left.length === 2 ? 0 : 1;
    for (let i = 1; i + 1 < left.length; i++)
      if (left[i + 1]! - left[i - 1]! < left[place + 1]! - left[place - 1]!) place = i;
    const [epoch] = left.splice(place, 1);
    dropped.add(epoch!);
    size -= sizeOf(epoch!);
  }
  return dropped;
}

interface HistoryFile {
  name: string;
  epoch: number;
  sizeBytes: number;
}

/** Ascending by epoch. */
async function filesOf(folder: string): Promise<HistoryFile[]> {
  const history = runFiles.history(folder);
  let names: string[];
  try {
    names = await readdir(history);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new FoveaError('io', `Could not look into ${history}.`, { file: history }, { cause: error });
  }
  const files = names
    .filter((name) => name.endsWith(predictionsEnding) || name.endsWith(kernelsEnding))
    .map(async (name): Promise<HistoryFile | null> => {
      const epoch = Number.parseInt(name, 10);
      const stats = Number.isNaN(epoch) ? null : await stat(join(history, name)).catch(() => null);
      return stats && { name, epoch, sizeBytes: stats.size };
    });
  const found = await Promise.all(files);
  return found.filter((file) => file !== null).sort((a, b) => a.epoch - b.epoch);
}

/** The same bytes under a second name where the file system can; they are never written over, only replaced. */
async function keepFile(file: string, kept: string): Promise<void> {
  await rm(kept, { force: true });
  try {
    await link(file, kept);
  } catch {
    await copyFile(file, kept);
  }
}
