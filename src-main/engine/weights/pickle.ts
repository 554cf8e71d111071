/**
 * Reads Python's pickle format without executing anything: names of classes and functions stay names, calls stay
 * records of calls. A file is not trusted: instructions, sizes and counts are bounded, so that memory is too.
 * Source: the protocol's description in CPython's pickletools (protocols 0 to 5).
 */
import { FoveaError, type ErrorContext } from '../../contract/errors.ts';
import {
  isDict,
  isGlobal,
  isObject,
  isSequence,
  type PickleGlobal,
  type PickleObject,
  type PickleValue,
} from './pickle-values.ts';

/** Far more than the largest published checkpoint needs (some 200,000). */
const mostInstructions = 2_000_000;
/**
 * A file that would call what is in these modules is an attack and nothing else. Nothing is called in any case; but a
 * person should hear of it, and not get the weights that came with it.
 */
const commandModules = new Set(
  'os posix nt sys subprocess shutil socket pty runpy importlib ctypes webbrowser pickle _pickle'.split(' '),
);
const commandBuiltins = new Set(['eval', 'exec', 'compile', 'open', '__import__', 'breakpoint', 'input']);

/** Of a whole number; those in checkpoints have at most 8 bytes. */
const mostIntegerBytes = 64;
const newestProtocol = 5;

const mark = Symbol('mark');
type StackItem = PickleValue | typeof mark;

/** Throws FoveaError `bad-input` that begins with `where` and says at which byte what is wrong. */
export function readPickle(bytes: Uint8Array, where: string): PickleValue {
  return new PickleReader(bytes, where).read();
}

class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #stack: StackItem[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
  }

  read(): PickleValue {
    for (let count = 0; count < mostInstructions; count++) {
      const code = this.#byte();
      if (code === stop) return this.#pop();
      const instruction = instructions[code];
      if (instruction === undefined)
        throw this.#broken(`there is no instruction 0x${code.toString(16).padStart(2, '0')}`, -1);
      instruction(this.#machine);
    }
    throw this.#broken(`it has more than ${mostInstructions} instructions`);
  }

  /** What the instructions work with. */
  readonly #machine: Machine = {
    push: (value) => void this.#stack.push(value),
    pop: () => this.#pop(),
    top: () => this.#top(),
    popMark: () => this.#popMark(),
    byte: () => this.#byte(),
    unsigned: (width) => this.#unsigned(width),
    signed32: () => this.#take(4, (at) => this.#view.getInt32(at, true)),
    float64: () => this.#take(8, (at) => this.#view.getFloat64(at, false)),
    raw: (length) => this.#raw(length),
    line: () => this.#line(),
    remember: (slot, value) => void this.#memo.set(slot ?? this.#memo.size, value),
    recall: (slot) => {
      const value = this.#memo.get(slot);
      if (value === undefined) throw this.#broken(`it recalls slot ${slot}, which is empty`);
      return value;
    },
    broken: (what) => this.#broken(what),
  };

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === mark) throw this.#broken('it takes a value where there is none');
    return value;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === mark) throw this.#broken('it looks for a value where there is none');
    return value;
  }

  #popMark(): PickleValue[] {
    const at = this.#stack.lastIndexOf(mark);
    if (at < 0) throw this.#broken('it goes back to a mark that was not set');
    const values = this.#stack.splice(at).slice(1);
    return values as PickleValue[];
  }

  #byte(): number {
    return this.#take(1, (at) => this.#bytes[at]!);
  }

  #unsigned(width: 1 | 2 | 4 | 8): number {
    return this.#take(width, (at) => {
      if (width === 1) return this.#view.getUint8(at);
      if (width === 2) return this.#view.getUint16(at, true);
      if (width === 4) return this.#view.getUint32(at, true);
      return Number(this.#view.getBigUint64(at, true));
    });
  }

  #raw(length: number): Uint8Array {
    return this.#take(length, (at) => this.#bytes.subarray(at, at + length));
  }

  #take<T>(length: number, read: (at: number) => T): T {
    if (length > this.#bytes.length - this.#at) throw this.#broken('it is cut off');
    const value = read(this.#at);
    this.#at += length;
    return value;
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#broken('it is cut off');
    const text = asText(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }

  #broken(what: string, shift = 0): FoveaError {
    const offset = this.#at + shift;
    const context: ErrorContext = { file: this.#where, offset };
    return new FoveaError(
      'bad-input',
      `${this.#where}: its pickle cannot be read at byte ${offset}: ${what}.`,
      context,
    );
  }
}

interface Machine {
  push(value: StackItem): void;
  pop(): PickleValue;
  top(): PickleValue;
  /** What lies above the last mark, which goes too. */
  popMark(): PickleValue[];
  byte(): number;
  unsigned(width: 1 | 2 | 4 | 8): number;
  signed32(): number;
  float64(): number;
  raw(length: number): Uint8Array;
  /** Up to the next line break. */
  line(): string;
  /** In the next slot where none is named. */
  remember(slot: number | null, value: PickleValue): void;
  recall(slot: number): PickleValue;
  broken(what: string): FoveaError;
}
type Instruction = (machine: Machine) => void;

const decoder = new TextDecoder();
const asText = (bytes: Uint8Array): string => decoder.decode(bytes);

const sequence = (items: PickleValue[]): PickleValue => ({ kind: 'sequence', items });
const newDict = (): PickleValue => ({ kind: 'dict', entries: new Map() });

function isCommand(callee: PickleValue): callee is PickleGlobal {
  if (!isGlobal(callee)) return false;
  const [root] = callee.module.split('.') as [string];
  const isBuiltin = root === 'builtins' || root === '__builtin__';
  return isBuiltin ? commandBuiltins.has(callee.name) : commandModules.has(root);
}

function call({ broken }: Machine, callee: PickleValue, args: PickleValue): PickleObject {
  if (isCommand(callee))
    throw broken(`it would run ${callee.module}.${callee.name}, which no weights need; nothing was run`);
  return {
    kind: 'object',
    callee,
    args: isSequence(args) ? args.items : [args],
    items: [],
    entries: new Map(),
    state: null,
  };
}

function callWithArgs(m: Machine): void {
  const args = m.pop();
  m.push(call(m, m.pop(), args));
}

function append({ broken }: Machine, target: PickleValue, values: readonly PickleValue[]): void {
  if (!isSequence(target) && !isObject(target)) throw broken('it adds to what is no list');
  for (const value of values) target.items.push(value);
}

function setEntries({ broken }: Machine, target: PickleValue, values: readonly PickleValue[]): void {
  if (!isDict(target) && !isObject(target)) throw broken('it sets an entry of what is no dict');
  if (values.length % 2 !== 0) throw broken('it sets a key without a value');
  for (let i = 0; i < values.length; i += 2) target.entries.set(values[i]!, values[i + 1]!);
}

/** Little-endian, two's complement. */
function integer({ broken, raw }: Machine, length: number): number | bigint {
  if (length > mostIntegerBytes) throw broken(`it has a whole number of ${length} bytes`);
  const value = BigInt.asIntN(
    length * 8,
    raw(length).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n),
  );
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function decimal({ broken }: Machine, text: string): number {
  const value = Number(text.replace(/L$/, ''));
  if (text === '' || Number.isNaN(value)) throw broken(`“${text.slice(0, 40)}” is no number`);
  return value;
}

/** Quoted text of protocol 0; escapes stay as they are, since names of tensors have none. */
const unquoted = (text: string): string => text.replace(/^(['"])(.*)\1$/, '$2');

const bytesOf =
  (width: 1 | 4 | 8): Instruction =>
  ({ push, raw, unsigned }) =>
    push({ kind: 'bytes', bytes: raw(unsigned(width)) });
const textOf =
  (width: 1 | 4 | 8): Instruction =>
  ({ push, raw, unsigned }) =>
    push(asText(raw(unsigned(width))));
const constant =
  (make: () => StackItem): Instruction =>
  ({ push }) =>
    push(make());
const tuple =
  (length: number): Instruction =>
  ({ push, pop }) => {
    const items = Array.from({ length }, () => pop());
    push(sequence(items.reverse()));
  };
const fromMark =
  (make: (values: PickleValue[]) => PickleValue): Instruction =>
  ({ push, popMark }) =>
    push(make(popMark()));

const stop = 0x2e;
/** By their codes, which are ASCII letters in part. */
const instructions: Readonly<Record<number, Instruction>> = {
  0x28: constant(() => mark), // MARK
  0x30: ({ pop }) => void pop(), // POP
  0x31: ({ popMark }) => void popMark(), // POP_MARK
  0x32: ({ push, top }) => push(top()), // DUP
  0x46: (m) => m.push(decimal(m, m.line())), // FLOAT
  0x47: ({ push, float64 }) => push(float64()), // BINFLOAT
  0x49: (m) => {
    const text = m.line();
    m.push(text === '01' ? true : text === '00' ? false : decimal(m, text));
  }, // INT
  0x4a: ({ push, signed32 }) => push(signed32()), // BININT
  0x4b: ({ push, unsigned }) => push(unsigned(1)), // BININT1
  0x4c: (m) => m.push(decimal(m, m.line())), // LONG
  0x4d: ({ push, unsigned }) => push(unsigned(2)), // BININT2
  0x4e: constant(() => null), // NONE
  0x50: ({ push, line }) => push({ kind: 'persistent', id: line() }), // PERSID
  0x51: ({ push, pop }) => push({ kind: 'persistent', id: pop() }), // BINPERSID
  0x52: callWithArgs, // REDUCE
  0x53: ({ push, line }) => push(unquoted(line())), // STRING
  0x54: textOf(4), // BINSTRING
  0x55: textOf(1), // SHORT_BINSTRING
  0x56: ({ push, line }) => push(line()), // UNICODE
  0x58: textOf(4), // BINUNICODE
  0x5d: constant(() => sequence([])), // EMPTY_LIST
  0x61: (m) => {
    const value = m.pop();
    append(m, m.top(), [value]);
  }, // APPEND
  0x62: ({ pop, top }) => {
    const state = pop();
    const target = top();
    if (isObject(target)) target.state = state;
  }, // BUILD
  0x63: ({ push, line }) => push({ kind: 'global', module: line(), name: line() }), // GLOBAL
  0x64: (m) => {
    const target = newDict();
    setEntries(m, target, m.popMark());
    m.push(target);
  }, // DICT
  0x65: (m) => {
    const values = m.popMark();
    append(m, m.top(), values);
  }, // APPENDS
  0x67: (m) => m.push(m.recall(decimal(m, m.line()))), // GET
  0x68: ({ push, recall, unsigned }) => push(recall(unsigned(1))), // BINGET
  0x69: (m) => m.push(call(m, { kind: 'global', module: m.line(), name: m.line() }, sequence(m.popMark()))), // INST
  0x6a: ({ push, recall, unsigned }) => push(recall(unsigned(4))), // LONG_BINGET
  0x6c: fromMark(sequence), // LIST
  0x6f: (m) => {
    const [callee, ...args] = m.popMark();
    if (callee === undefined) throw m.broken('it makes an object of nothing');
    m.push(call(m, callee, sequence(args)));
  }, // OBJ
  0x70: (m) => m.remember(decimal(m, m.line()), m.top()), // PUT
  0x71: ({ remember, unsigned, top }) => remember(unsigned(1), top()), // BINPUT
  0x72: ({ remember, unsigned, top }) => remember(unsigned(4), top()), // LONG_BINPUT
  0x73: (m) => {
    const value = m.pop();
    const key = m.pop();
    setEntries(m, m.top(), [key, value]);
  }, // SETITEM
  0x74: fromMark(sequence), // TUPLE
  0x75: (m) => {
    const values = m.popMark();
    setEntries(m, m.top(), values);
  }, // SETITEMS
  0x7d: constant(newDict), // EMPTY_DICT
  0x29: constant(() => sequence([])), // EMPTY_TUPLE
  0x80: ({ unsigned, broken }) => {
    const protocol = unsigned(1);
    if (protocol > newestProtocol)
      throw broken(`it is written in protocol ${protocol}; known are 0 to ${newestProtocol}`);
  }, // PROTO
  0x81: callWithArgs, // NEWOBJ
  0x85: tuple(1), // TUPLE1
  0x86: tuple(2), // TUPLE2
  0x87: tuple(3), // TUPLE3
  0x88: constant(() => true), // NEWTRUE
  0x89: constant(() => false), // NEWFALSE
  0x8a: (m) => m.push(integer(m, m.unsigned(1))), // LONG1
  0x8b: (m) => m.push(integer(m, m.unsigned(4))), // LONG4
  0x42: bytesOf(4), // BINBYTES
  0x43: bytesOf(1), // SHORT_BINBYTES
  0x8c: textOf(1), // SHORT_BINUNICODE
  0x8d: textOf(8), // BINUNICODE8
  0x8e: bytesOf(8), // BINBYTES8
  0x8f: constant(() => sequence([])), // EMPTY_SET
  0x90: (m) => {
    const values = m.popMark();
    append(m, m.top(), values);
  }, // ADDITEMS
  0x91: fromMark(sequence), // FROZENSET
  0x92: (m) => {
    m.pop(); // Keyword arguments.
    callWithArgs(m);
  }, // NEWOBJ_EX
  0x93: ({ push, pop, broken }) => {
    const [name, module] = [pop(), pop()];
    if (typeof module !== 'string' || typeof name !== 'string') throw broken('it names a class by what is no text');
    push({ kind: 'global', module, name });
  }, // STACK_GLOBAL
  0x94: ({ remember, top }) => remember(null, top()), // MEMOIZE
  0x95: ({ raw }) => void raw(8), // FRAME
  0x96: bytesOf(8), // BYTEARRAY8
};
