/**
 * Checkpoints: everything a run needs to go on as if it had never stopped, in one .safetensors file with PyTorch's
 * tensor names, so that other tools can read the weights. Optimiser slots stand under "optimiser.<slot>.<tensor>", moving
 * averages under "average.<tensor>". The order of images, augmentation, dropout and the schedule follow from the seed and
 * the position, so the position is all that is kept of them.
 */
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import type { Shape } from '../graph/types.ts';
import type { NamedTensors } from '../nn/parameters.ts';
import { noGradients } from './layer-watch.ts';
import { firstLossScale } from './loss-scaling.ts';
import { floatValues, readSafetensors, writeSafetensors, type Tensor } from '../weights/safetensors.ts';

/** Where training stands. All counts are of whole steps and epochs done. */
const positionSchema = v.object({
  /** Epochs done over all phases. */
  epoch: v.number(),
  /** Steps done in the epoch that has begun. */
  stepInEpoch: v.number(),
  /** Steps done since the run began. */
  step: v.number(),
  /** Updates of the weights since the run began, and since the optimiser began. */
  update: v.number(),
  optimiserUpdate: v.number(),
  /** Sums over the steps of the epoch that has begun, for its averages. */
  lossSum: v.number(),
  seenImages: v.number(),
  /** What the task counts, by name. */
  counts: v.record(v.string(), v.array(v.number())),
  /** The best value so far of the metric that decides; null before the first. */
  best: v.nullable(v.number()),
  /** Of the gradients that were looked at in the epoch that has begun (layer-watch.ts). */
  gradients: v.optional(
    v.object({ updates: v.number(), norms: v.array(v.nullable(v.number())), spreads: v.string() }),
    noGradients,
  ),
  /** Epochs measured since; those of earlier versions were not counted. */
  epochsSinceBest: v.optional(v.number(), 0),
});
export type Position = v.InferOutput<typeof positionSchema>;

export const startPosition: Position = {
  epoch: 0,
  stepInEpoch: 0,
  step: 0,
  update: 0,
  optimiserUpdate: 0,
  lossSum: 0,
  seenImages: 0,
  counts: {},
  best: null,
  gradients: noGradients,
  epochsSinceBest: 0,
};

export interface Checkpoint {
  position: Position;
  /** Parameters and buffers by name. */
  tensors: NamedTensors;
  /** Their moving averages; null where they are not averaged. */
  averages: NamedTensors | null;
  /** Slot name → values by parameter name. */
  slots: ReadonlyMap<string, NamedTensors>;
  /** Elements of the loss's scale (see loss-scaling.ts); absent where the loss has none. */
  lossScale?: readonly number[] | undefined;
}

const checkpointVersion = '3';
const slotPrefix = 'optimiser.';
const averagePrefix = 'average.';

/** Replaces `file` atomically. `shapes` gives every tensor's shape by name. */
export async function writeCheckpoint(
  file: string,
  { position, tensors, averages, slots, lossScale }: Checkpoint,
  shapes: ReadonlyMap<string, Shape>,
  modelId: string,
): Promise<void> {
  const entries = new Map<string, Tensor>();
  const add = (prefix: string, values: NamedTensors): void => {
    for (const [name, data] of values) entries.set(prefix + name, { dtype: 'F32', shape: shapes.get(name)!, data });
  };
  add('', tensors);
  if (averages) add(averagePrefix, averages);
  for (const [slot, values] of slots) add(`${slotPrefix}${slot}.`, values);
  await writeSafetensors(file, entries, {
    format: 'fovea-checkpoint',
    version: checkpointVersion,
    model: modelId,
    position: JSON.stringify(position),
    ...(lossScale && { lossScale: JSON.stringify(lossScale) }),
  });
}

/**
 * Throws FoveaError `not-found`, `bad-input` for a file that is no checkpoint of this network (the message names the
 * first tensor that does not fit).
 */
export async function readCheckpoint(file: string, shapes: ReadonlyMap<string, Shape>): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafetensors(file);
  if (metadata['format'] !== 'fovea-checkpoint')
    throw new FoveaError('bad-input', `${file} is not a checkpoint of a run.`, { file });
  const slots = new Map<string, NamedTensors>();
  const checkpoint: Checkpoint = {
    position: readPosition(file, metadata),
    tensors: new Map(),
    averages: null,
    slots,
    lossScale: readLossScale(file, metadata),
  };
  for (const [key, value] of tensors) {
    const parts = partsOf(key);
    const { name } = parts;
    const shape = shapes.get(name);
    if (!shape || shape.join() !== value.shape.join()) {
      throw new FoveaError(
        'bad-input',
        `${file}: "${name}" has the shape [${value.shape.join(', ')}], expected ${shape ? `[${shape.join(', ')}]` : 'no such tensor'}.`,
        { file, tensor: name },
      );
    }
    const data = floatValues(value);
    if (parts.kind === 'weight') checkpoint.tensors.set(name, data);
    else if (parts.kind === 'average') (checkpoint.averages ??= new Map()).set(name, data);
    else slots.set(parts.slot, (slots.get(parts.slot) ?? new Map<string, Float32Array>()).set(name, data));
  }
  for (const values of [checkpoint.tensors, checkpoint.averages ?? checkpoint.tensors]) {
    const missing = [...shapes.keys()].find((name) => !values.has(name));
    if (missing)
      throw new FoveaError('bad-input', `${file}: the tensor "${missing}" is missing.`, { file, tensor: missing });
  }
  return checkpoint;
}

/**
 * In version 1 every step was an update, and there were no averages. Up to version 2 every run was a classification: its
 * count was `correctSum`, and its best accuracy began at −1.
 */
function readPosition(file: string, { version = '', position = 'null' }: Readonly<Record<string, string>>): Position {
  if (!['1', '2', checkpointVersion].includes(version))
    throw new FoveaError(
      'bad-input',
      `${file} is a checkpoint of version ${version}; this app reads up to ${checkpointVersion}. Update the app.`,
      { file },
    );
  try {
    const stored = JSON.parse(position) as Record<string, unknown> | null;
    const updates = version === '1' && { update: stored?.['step'], optimiserUpdate: stored?.['stepInPhase'] };
    const { correctSum, bestAccuracy } = stored ?? {};
    const results = version !== checkpointVersion && {
      counts: correctSum === 0 ? {} : { correct: [correctSum] },
      best: bestAccuracy === -1 ? null : bestAccuracy,
    };
    return v.parse(positionSchema, { ...stored, ...updates, ...results });
  } catch (cause) {
    throw new FoveaError('bad-input', `${file} does not say where its run stands.`, { file }, { cause });
  }
}

const lossScaleSchema = v.pipe(v.string(), v.parseJson(), v.pipe(v.array(v.number()), v.length(firstLossScale.length)));

function readLossScale(file: string, { lossScale }: Readonly<Record<string, string>>): readonly number[] | undefined {
  if (lossScale === undefined) return undefined;
  const { success, output } = v.safeParse(lossScaleSchema, lossScale);
  if (success) return output;
  throw new FoveaError('bad-input', `${file} does not say how its run scales the loss.`, { file });
}

type Parts =
  { kind: 'weight'; name: string } | { kind: 'average'; name: string } | { kind: 'slot'; slot: string; name: string };

function partsOf(key: string): Parts {
  if (key.startsWith(averagePrefix)) return { kind: 'average', name: key.slice(averagePrefix.length) };
  if (!key.startsWith(slotPrefix)) return { kind: 'weight', name: key };
  const rest = key.slice(slotPrefix.length);
  const dot = rest.indexOf('.');
  return { kind: 'slot', slot: rest.slice(0, dot), name: rest.slice(dot + 1) };
}
