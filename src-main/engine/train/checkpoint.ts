/**
 * Checkpoints: everything a run needs to go on as if it had never stopped, in one .safetensors file with PyTorch's
 * tensor names, so that other tools can read the weights. Optimiser slots stand under "optimiser.<slot>.<tensor>".
 */
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import type { Shape } from '../graph/types.ts';
import type { NamedTensors } from '../nn/parameters.ts';
import { floatValues, readSafetensors, writeSafetensors, type Tensor } from '../weights/safetensors.ts';

/** Where training stands. All counts are of whole steps and epochs done. */
const positionSchema = v.object({
  /** Epochs done over all phases. */
  epoch: v.number(),
  /** Steps done in the epoch that has begun. */
  stepInEpoch: v.number(),
  /** Steps done since the run began, and since the phase's optimiser began. */
  step: v.number(),
  stepInPhase: v.number(),
  /** Sums over the steps of the epoch that has begun, for its averages. */
  lossSum: v.number(),
  correctSum: v.number(),
  seenImages: v.number(),
  /** Best evaluation accuracy so far; −1 before the first. */
  bestAccuracy: v.number(),
});
export type Position = v.InferOutput<typeof positionSchema>;

export const startPosition: Position = {
  epoch: 0,
  stepInEpoch: 0,
  step: 0,
  stepInPhase: 0,
  lossSum: 0,
  correctSum: 0,
  seenImages: 0,
  bestAccuracy: -1,
};

export interface Checkpoint {
  position: Position;
  /** Parameters and buffers by name. */
  tensors: NamedTensors;
  /** Slot name → values by parameter name. */
  slots: ReadonlyMap<string, NamedTensors>;
}

const slotPrefix = 'optimiser.';

/** Replaces `file` atomically. `shapes` gives every tensor's shape by name. */
export async function writeCheckpoint(
  file: string,
  checkpoint: Checkpoint,
  shapes: ReadonlyMap<string, Shape>,
  modelId: string,
): Promise<void> {
  const entries = new Map<string, Tensor>();
  for (const [name, data] of checkpoint.tensors) entries.set(name, { dtype: 'F32', shape: shapes.get(name)!, data });
  for (const [slot, values] of checkpoint.slots) {
    for (const [name, data] of values)
      entries.set(`${slotPrefix}${slot}.${name}`, { dtype: 'F32', shape: shapes.get(name)!, data });
  }
  await writeSafetensors(file, entries, {
    format: 'fovea-checkpoint',
    version: '1',
    model: modelId,
    position: JSON.stringify(checkpoint.position),
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
  const checkpoint: Checkpoint & { slots: Map<string, NamedTensors> } = {
    position: v.parse(positionSchema, JSON.parse(metadata['position'] ?? 'null')),
    tensors: new Map(),
    slots: new Map(),
  };
  for (const [key, value] of tensors) {
    const [slot, name] = key.startsWith(slotPrefix) ? splitSlotKey(key) : [null, key];
    const shape = shapes.get(name);
    if (!shape || shape.join() !== value.shape.join()) {
      throw new FoveaError(
        'bad-input',
        `${file}: "${name}" has the shape [${value.shape.join(', ')}], expected ${shape ? `[${shape.join(', ')}]` : 'no such tensor'}.`,
        {
          file,
          tensor: name,
        },
      );
    }
    if (slot === null) checkpoint.tensors.set(name, floatValues(value));
    else
      checkpoint.slots.set(
        slot,
        (checkpoint.slots.get(slot) ?? new Map<string, Float32Array>()).set(name, floatValues(value)),
      );
  }
  const missing = [...shapes.keys()].find((name) => !checkpoint.tensors.has(name));
  if (missing)
    throw new FoveaError('bad-input', `${file}: the tensor "${missing}" is missing.`, { file, tensor: missing });
  return checkpoint;
}

function splitSlotKey(key: string): [slot: string, name: string] {
  const rest = key.slice(slotPrefix.length);
  const dot = rest.indexOf('.');
  return [rest.slice(0, dot), rest.slice(dot + 1)];
}
