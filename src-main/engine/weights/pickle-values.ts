/** What a pickle says, as inert data. Containers are filled while it is read, and may contain one another, even themselves. */

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleBytes
  | PickleSequence
  | PickleDict
  | PickleGlobal
  | PickleObject
  | PicklePersistent;

export interface PickleBytes {
  readonly kind: 'bytes';
  readonly bytes: Uint8Array;
}

/** A list, a tuple or a set. */
export interface PickleSequence {
  readonly kind: 'sequence';
  readonly items: PickleValue[];
}

export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleValue, PickleValue>;
}

/** The name of a class or function, which is never looked up. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly module: string;
  readonly name: string;
}

/** A call that would make an object: never made. What would be put into the object is kept beside it. */
export interface PickleObject {
  readonly kind: 'object';
  readonly callee: PickleValue;
  readonly args: readonly PickleValue[];
  /** What it would be filled with, as a list and as a dict. */
  readonly items: PickleValue[];
  readonly entries: Map<PickleValue, PickleValue>;
  /** What it would be set up with; null where nothing is. */
  state: PickleValue;
}

/** A reference to something outside the pickle: of PyTorch, a tensor's storage. */
export interface PicklePersistent {
  readonly kind: 'persistent';
  readonly id: PickleValue;
}

const isKind =
  <K extends string>(kind: K) =>
  (value: PickleValue | undefined): value is Extract<PickleValue, { kind: K }> =>
    typeof value === 'object' && value !== null && value.kind === kind;

export const isSequence = isKind('sequence');
export const isDict = isKind('dict');
export const isGlobal = isKind('global');
export const isObject = isKind('object');
export const isPersistent = isKind('persistent');

/** "torch._utils._rebuild_tensor_v2", or null for what is no name. */
export const globalName = (value: PickleValue | undefined): string | null =>
  isGlobal(value) ? `${value.module}.${value.name}` : null;
