/**
 * The first state of a run: fresh values from the seed, and over them what a file of weights has for the network. Says
 * what it has taken over, in words and as a record.
 */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import {
  fitText,
  inputScaling,
  paddingStyle,
  provenance,
  weightsFile,
  type Provenance,
  type WeightsFit,
} from '../../contract/model/weights.ts';
import { SplitImages } from '../data/split-images.ts';
import type { TrainingData } from '../data/training-data.ts';
import type { NetworkPlan } from '../nn/network.ts';
import { initialise, type NamedTensors } from '../nn/parameters.ts';
import type { Preprocessing } from '../nn/preprocessing.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { writeFileAtomic } from '../weights/atomic-file.ts';
import { hashFile } from '../weights/file-hash.ts';
import { matchWeights, type WeightMatch } from '../weights/match-weights.ts';
import { openWeights } from '../weights/open-weights.ts';
import type { TensorSource } from '../weights/tensor-source.ts';
import { namingSchemes } from '../zoo/naming.ts';
import { rebuildNorms } from './rebuild-norms.ts';
import { runFiles } from './run-folder.ts';
import { paddingOf, scalingOf, weightTargets } from './weight-targets.ts';

/** Which file a run starts from, as it stands in the run's folder before the run begins. */
const startFile = v.object({
  ...weightsFile.entries,
  /** What is known of the weights beside what their names say. */
  known: v.object({
    padding: v.nullable(paddingStyle),
    scaling: v.nullable(inputScaling),
    /** What the weights' batch norms add to the variance, where that is not what the network adds. */
    normEpsilon: v.optional(v.nullable(v.number())),
  }),
});
export type StartFile = v.InferOutput<typeof startFile>;

export interface StartOptions {
  /** Null starts from scratch. */
  file: StartFile | null;
  plan: NetworkPlan;
  preprocessing: Preprocessing;
  config: Pick<RunConfig, 'seed' | 'device'>;
  data: TrainingData;
  runtime: Runtime;
  threads: number;
  signal: AbortSignal;
}

/**
 * Throws FoveaError: `not-found` or `bad-input` where the file is gone, has changed, or cannot be read; `bad-input` where
 * nothing in it fits the network.
 */
export async function startWeights(options: StartOptions): Promise<{ tensors: NamedTensors; provenance: Provenance }> {
  const { file, plan, config } = options;
  const tensors = initialise(plan.parameters, plan.buffers, config.seed);
  if (file === null) return { tensors, provenance: record(null, fitOf(options).fit, null) };
  await requireUnchanged(file);
  const source = await openWeights(file.path);
  try {
    const match = fitOf(options, source);
    requireSome(match, file);
    const calibration = await load(options, source, match, tensors);
    return { tensors, provenance: record(file, match.fit, calibration) };
  } finally {
    await source.close();
  }
}

const record = (file: StartFile | null, fit: WeightsFit, calibration: Provenance['calibration']): Provenance => ({
  version: 1,
  file: file && { label: file.label, path: file.path, sha256: file.sha256 },
  fit,
  calibration,
});

/** For the run's log. */
export function startInWords({ file, fit, calibration }: Provenance): string[] {
  if (file === null) return [];
  const lines = [`Starts from ${file.label} (sha256 ${file.sha256.slice(0, 12)}…): ${fitText(fit)}.`];
  if (calibration !== null) {
    lines.push(
      `${fit.rebuiltNorms} batch norms rebuilt from ${calibration.images} training images; outputs differ by at most ${calibration.difference.toExponential(1)} of the largest.`,
    );
  }
  return lines;
}

/** What of a file fits the network; of no file, nothing. */
export function fitOf(
  {
    plan,
    preprocessing,
    file,
  }: Pick<StartOptions, 'plan' | 'preprocessing'> & { file?: Pick<StartFile, 'known'> | null },
  source: Pick<TensorSource, 'tensors' | 'metadata'> = { tensors: [], metadata: {} },
): WeightMatch {
  return matchWeights({
    ...weightTargets(plan),
    network: { padding: paddingOf(plan), scaling: scalingOf(preprocessing) },
    file: source,
    schemes: namingSchemes,
    ...(file && { known: file.known }),
  });
}

async function requireUnchanged({ path, sha256, label }: StartFile): Promise<void> {
  let found: string;
  try {
    found = await hashFile(path, 'sha256');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError(
      'not-found',
      `The weights to start from (${label}) cannot be read: ${reason}.`,
      { file: path },
      { cause },
    );
  }
  if (found === sha256) return;
  throw new FoveaError(
    'bad-input',
    `${path} is not the file that this run was to start from: it has changed since. Choose it again and start a new run.`,
    { file: path, expected: sha256, got: found },
  );
}

function requireSome({ sources }: WeightMatch, { path, label }: StartFile): void {
  if (sources.size > 0) return;
  throw new FoveaError(
    'bad-input',
    `No tensor of ${label} fits this network by name and shape. Choose weights of this network, or start from scratch.`,
    { file: path },
  );
}

/** Puts the file's values over the fresh ones. */
async function load(
  options: StartOptions,
  source: TensorSource,
  { sources, folded }: WeightMatch,
  tensors: NamedTensors,
): Promise<Provenance['calibration']> {
  for (const [name, sourceName] of sources) tensors.set(name, await source.read(sourceName));
  adjustNorms(options, sources, tensors);
  if (folded.length === 0) return null;
  const { plan, preprocessing, config, data, runtime, threads, signal } = options;
  const withValues = [];
  for (const norm of folded) withValues.push({ ...norm, values: await source.read(norm.bias) });
  // Read as they are needed: the trainer has its own.
  const images = await SplitImages.open(data.train, data.packs, 0);
  try {
    const { seed, device } = config;
    const shared = { plan, preprocessing, runtime, device, threads, seed, signal };
    return await rebuildNorms({ ...shared, tensors, folded: withValues, images });
  } finally {
    await images.close();
  }
}

/** A norm that was trained with another ε computes what it computed: its weight times √((v + ours) / (v + theirs)). */
function adjustNorms({ plan, file }: StartOptions, sources: WeightMatch['sources'], tensors: NamedTensors): void {
  const theirs = file?.known.normEpsilon ?? null;
  if (theirs === null) return;
  for (const { spec } of plan.layers) {
    if (spec.kind !== 'batchNorm') continue;
    const [weightName, varianceName] = [`${spec.path}.weight`, `${spec.path}.running_var`];
    const ours = spec.epsilon ?? 1e-5;
    if (ours === theirs || !sources.has(weightName) || !sources.has(varianceName)) continue;
    const variance = tensors.get(varianceName)!;
    const adjusted = tensors
      .get(weightName)!
      .map((value, c) => value * Math.sqrt((variance[c]! + ours) / (variance[c]! + theirs)));
    tensors.set(weightName, adjusted);
  }
}

/** Null where the run starts from scratch. Throws FoveaError `bad-input` where the file in the folder is damaged. */
export async function readStartFile(folder: string): Promise<StartFile | null> {
  return readDocument(runFiles.startWeights(folder), startFile);
}

/** Puts a run's start into its folder, before it begins. */
export const writeStartFile = (folder: string, file: StartFile): Promise<void> =>
  writeDocument(runFiles.startWeights(folder), file);

/** Null where the run has not begun, or is from before this was recorded. Throws as `readStartFile`. */
export async function readProvenance(folder: string): Promise<Provenance | null> {
  return readDocument(runFiles.provenance(folder), provenance);
}

export const writeProvenance = (folder: string, value: Provenance): Promise<void> =>
  writeDocument(runFiles.provenance(folder), value);

async function readDocument<T>(file: string, schema: v.GenericSchema<unknown, T>): Promise<T | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw new FoveaError('bad-input', `${file} is damaged.`, { file }, { cause });
  }
}

function writeDocument(file: string, value: object): Promise<void> {
  return writeFileAtomic(file, [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)]);
}
