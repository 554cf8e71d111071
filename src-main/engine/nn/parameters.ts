/**
 * Named weights of a network: their shapes, how they start, and how they lie one after another in one flat vector,
 * which is the form in which a training step carries them.
 */
import { invariant } from '../../contract/errors.ts';
import { sizeOf, type Shape } from '../graph/types.ts';
import { Random } from '../data/random.ts';

export type Initialiser =
  | { kind: 'uniform'; bound: number }
  | { kind: 'normal'; std: number }
  | { kind: 'constant'; value: number }
  /** 0, 1, 2, … */
  | { kind: 'counting' };

/** A weight that training changes. */
export interface ParameterSpec {
  /** Module path and PyTorch's own name for the tensor: "conv1.weight". */
  name: string;
  shape: Shape;
  initialiser: Initialiser;
  /** True for what is counted and saved as a weight, but is a constant of the architecture and never trained. */
  fixed?: boolean;
}

/** A value that the forward pass updates and no gradient reaches: a running mean or variance. */
export interface BufferSpec {
  name: string;
  shape: Shape;
  initialValue: number;
}

/** Values by name. */
export type NamedTensors = Map<string, Float32Array>;

/** Fresh values; the same seed and names give the same bytes, whatever other parameters exist. */
export function initialise(
  parameters: readonly ParameterSpec[],
  buffers: readonly BufferSpec[],
  seed: number,
): NamedTensors {
  const values: NamedTensors = new Map();
  for (const { name, shape, initialiser } of parameters) {
    values.set(name, freshValues(initialiser, sizeOf(shape), Random.derive(seed, 'initialise', name)));
  }
  for (const { name, shape, initialValue } of buffers)
    values.set(name, new Float32Array(sizeOf(shape)).fill(initialValue));
  return values;
}

function freshValues(initialiser: Initialiser, length: number, random: Random): Float32Array {
  const data = new Float32Array(length);
  switch (initialiser.kind) {
    case 'constant':
      return data.fill(initialiser.value);
    case 'counting':
      return data.map((_, i) => i);
    case 'uniform':
      for (let i = 0; i < length; i++) data[i] = (2 * random.uniform() - 1) * initialiser.bound;
      return data;
    case 'normal':
      for (let i = 0; i < length; i++) data[i] = random.normal() * initialiser.std;
      return data;
  }
}

/** Where each tensor lies in a flat vector. */
export class FlatLayout {
  readonly entries: readonly { name: string; shape: Shape; offset: number; length: number }[];
  readonly length: number;

  constructor(tensors: readonly { name: string; shape: Shape }[]) {
    let offset = 0;
    this.entries = tensors.map(({ name, shape }) => {
      const length = sizeOf(shape);
      const entry = { name, shape, offset, length };
      offset += length;
      return entry;
    });
    this.length = offset;
  }

  /** Copies named values into a new vector. A value of another size is a broken invariant: loaders check first. */
  pack(values: NamedTensors): Float32Array {
    const flat = new Float32Array(this.length);
    for (const { name, offset, length } of this.entries) {
      const data = values.get(name);
      invariant(data?.length === length, `tensor "${name}": expected ${length} values, got ${data?.length ?? 'none'}`);
      flat.set(data, offset);
    }
    return flat;
  }

  /** Puts views of the vector's pieces into `values`. */
  view(flat: Float32Array, values: NamedTensors): void {
    invariant(flat.length === this.length, `flat vector: expected ${this.length} values, got ${flat.length}`);
    for (const { name, offset, length } of this.entries) values.set(name, flat.subarray(offset, offset + length));
  }
}
