/**
 * Finds the tensors in what a PyTorch pickle says, under the names that `state_dict()` would give them: in dicts of
 * tensors, in dicts of such dicts, and in whole pickled modules, whose classes need not be known. Everything else in the
 * pickle is passed over. Source: torch._utils and torch.nn.Module of PyTorch 1.6 to 2.x.
 */
import { FoveaError } from '../../contract/errors.ts';
import {
  globalName,
  isDict,
  isObject,
  isPersistent,
  isSequence,
  type PickleObject,
  type PickleValue,
} from './pickle-values.ts';

/** A tensor as a view of a storage: element i, j of it is element `offset + i·stride[0] + j·stride[1]` of that. */
export interface TorchTensor {
  name: string;
  shape: readonly number[];
  strides: readonly number[];
  offset: number;
  storage: { key: string; dtype: TorchDtype; /** Elements. */ length: number };
}

/** Bytes of an element, of the types that PyTorch saves. */
export const torchDtypes = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float64: 8,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
} as const;
export type TorchDtype = keyof typeof torchDtypes;

const storageTypes: Readonly<Record<string, TorchDtype>> = {
  'torch.FloatStorage': 'float32',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.DoubleStorage': 'float64',
  'torch.LongStorage': 'int64',
  'torch.IntStorage': 'int32',
  'torch.ShortStorage': 'int16',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.BoolStorage': 'bool',
};

/** Modules of real networks lie some ten levels deep. */
const deepest = 64;
/** Values looked at: a file in which one list stands a thousand times in the next one is refused. */
const mostValues = 2_000_000;
const mostTensors = 100_000;
const mostAxes = 16;

/** Throws FoveaError `bad-input` that names `file` and the tensor. Names come in the pickle's order. */
export function findTensors(root: PickleValue, file: string): TorchTensor[] {
  return new TensorFinder(file).find(root);
}

class TensorFinder {
  readonly #file: string;
  readonly #found = new Map<string, TorchTensor>();
  /** Containers that are being looked into, to see one that contains itself. */
  readonly #open = new Set<PickleValue>();
  #seen = 0;

  constructor(file: string) {
    this.#file = file;
  }

  find(root: PickleValue): TorchTensor[] {
    this.#visit(root, '');
    return [...this.#found.values()];
  }

  #visit(value: PickleValue, name: string): void {
    if (typeof value !== 'object' || value === null) return;
    if (++this.#seen > mostValues) throw this.#broken(name, `it holds more than ${mostValues} values`);
    if (isObject(value) && this.#take(value, name)) return;
    const children = childrenOf(value);
    if (children.length === 0) return;
    if (this.#open.has(value)) throw this.#broken(name, 'it contains itself');
    if (this.#open.size >= deepest) throw this.#broken(name, `it is nested more than ${deepest} deep`);
    this.#open.add(value);
    for (const [key, child] of children) this.#visit(child, name === '' || key === '' ? name + key : `${name}.${key}`);
    this.#open.delete(value);
  }

  /** True where the object is a tensor, or stands for one. */
  #take(value: PickleObject, name: string): boolean {
    const rebuild = globalName(value.callee);
    if (rebuild === 'torch._utils._rebuild_parameter' || rebuild === 'torch._utils._rebuild_parameter_with_state') {
      this.#visit(value.args[0] ?? null, name);
      return true;
    }
    if (rebuild === 'torch._tensor._rebuild_from_type_v2') {
      const [callee = null, , args] = value.args;
      if (isSequence(args)) this.#visit({ ...value, callee, args: args.items }, name);
      return true;
    }
    if (rebuild === null || !/^torch\._utils\._rebuild_tensor(_v[23])?$/.test(rebuild)) return false;
    if (this.#found.size >= mostTensors) throw this.#broken(name, `it holds more than ${mostTensors} tensors`);
    this.#found.set(name, this.#tensor(value, name, rebuild.endsWith('_v3')));
    return true;
  }

  #tensor({ args }: PickleObject, name: string, namesDtype: boolean): TorchTensor {
    const [storageReference, offset, shape, strides] = args;
    // In the third form the storage is of bytes, and the type of its elements is said in the call.
    const dtype = namesDtype ? dtypeNamed(globalName(args[6])) : null;
    const storage = this.#storage(storageReference, name, dtype);
    if (!isSize(offset)) throw this.#broken(name, 'its offset is no whole number');
    const sizes = this.#sizes(shape, name, 'shape');
    const steps = this.#sizes(strides, name, 'strides');
    if (sizes.length !== steps.length) throw this.#broken(name, 'its shape and its strides differ in length');
    const count = sizes.reduce((product, size) => product * size, 1);
    const last = sizes.reduce((sum, size, axis) => sum + (size - 1) * steps[axis]!, offset);
    if (count > 0 && last >= storage.length)
      throw this.#broken(name, `it reaches to element ${last} of a storage of ${storage.length}`);
    if (count > storage.length)
      throw this.#broken(name, `its ${count} elements are more than the ${storage.length} of its storage`);
    return { name, shape: sizes, strides: steps, offset, storage };
  }

  #storage(reference: PickleValue | undefined, name: string, named: TorchDtype | null): TorchTensor['storage'] {
    const id = isPersistent(reference) && isSequence(reference.id) ? reference.id.items : [];
    const [tag, type, key, , length] = id;
    if (tag !== 'storage' || typeof key !== 'string' || !isSize(length))
      throw this.#broken(name, 'its storage is not described as PyTorch does it');
    const typeName = globalName(type);
    const dtype = named ?? storageTypes[typeName ?? ''];
    if (dtype === undefined) {
      throw new FoveaError(
        'unsupported',
        `${this.#file}: the tensor “${name}” is of ${typeName ?? 'an unknown type'}. Known are ${Object.keys(torchDtypes).join(', ')}.`,
        { file: this.#file, tensor: name },
      );
    }
    // There the length is in bytes.
    return { key, dtype, length: named === null ? length : Math.floor(length / torchDtypes[named]) };
  }

  #sizes(value: PickleValue | undefined, name: string, what: string): number[] {
    if (!isSequence(value) || value.items.length > mostAxes || !value.items.every(isSize))
      throw this.#broken(name, `its ${what} is no list of at most ${mostAxes} whole numbers`);
    return value.items;
  }

  #broken(name: string, what: string): FoveaError {
    const shown = name.length > 120 ? `${name.slice(0, 120)}…` : name;
    const subject = shown === '' ? '' : ` at “${shown}”`;
    return new FoveaError('bad-input', `${this.#file} is not a sound PyTorch file${subject}: ${what}.`, {
      file: this.#file,
      tensor: shown,
    });
  }
}

const isSize = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const dtypeNamed = (name: string | null): TorchDtype | null => {
  const dtype = name?.replace(/^torch\./, '') ?? '';
  return Object.hasOwn(torchDtypes, dtype) ? (dtype as TorchDtype) : null;
};

/** Where a module keeps its tensors and its children: no part of their names. */
const moduleParts = ['_parameters', '_buffers', '_modules'] as const;

/** What may hold tensors, with its part of their names. Of unknown objects only modules do. */
function childrenOf(value: PickleValue): (readonly [string, PickleValue])[] {
  if (isSequence(value)) return value.items.map((item, index) => [String(index), item]);
  if (isDict(value)) return namedEntries(value.entries);
  if (!isObject(value)) return [];
  const state = value.state;
  const parts = isDict(state) ? moduleParts.flatMap((part) => state.entries.get(part) ?? []) : [];
  return [...parts.map((part) => ['', part] as const), ...namedEntries(value.entries)];
}

function namedEntries(entries: ReadonlyMap<PickleValue, PickleValue>): (readonly [string, PickleValue])[] {
  return [...entries].flatMap(([key, value]) =>
    typeof key === 'string' || typeof key === 'number' ? [[String(key), value] as const] : [],
  );
}
