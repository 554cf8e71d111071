/**
 * Builds graphs node by node, with every output's shape inferred on the spot. Knows no operator itself: the op table
 * comes in as `OpRules`. Method names follow ONNX; every method returns the first output unless it says otherwise.
 */
import { invariant } from '../../contract/errors.ts';
import { elementTypes } from '../onnx/facts.ts';
import {
  sizeOf,
  tensor,
  toBytes,
  type Attributes,
  type DataType,
  type Graph,
  type Node,
  type Shape,
  type Tensor,
  type TensorType,
  type Value,
} from './types.ts';

/** What a builder asks of the op table. Throws UnsupportedOpError for an op that is not in it. */
export interface OpRules {
  /** `outputCount` is how many outputs the node is asked for; optional trailing outputs may be left out. */
  inferOutputs(node: Omit<Node, 'outputs'>, outputCount: number): readonly TensorType[];
}

/** Shared by a model's graphs: names are unique over the main graph and all its subgraphs. */
interface Naming {
  next: number;
  /** Fixed from outside, not to be given to a new value. */
  readonly taken: Set<string>;
}

const resizeModes = {
  nearest: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  linear: { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  'linear, corners aligned': { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
} as const;
export type ResizeMode = keyof typeof resizeModes;

export class Builder {
  readonly graph: Graph;
  private readonly rules: OpRules;
  private readonly naming: Naming;
  private readonly constants = new Map<string, Value>();
  private scopePath = '';

  constructor(name: string, rules: OpRules, parent?: Builder) {
    this.graph = { name, inputs: [], outputs: [], initializers: [], nodes: [] };
    this.rules = rules;
    this.naming = parent ? parent.naming : { next: 0, taken: new Set() };
  }

  /** A builder for a Loop body; it may read values of this graph. */
  subgraph(name: string): Builder {
    return new Builder(name, this.rules, this);
  }

  /** Node names made inside `build` start with `path`: they say which layer a node belongs to. */
  scope<T>(path: string, build: () => T): T {
    const outer = this.scopePath;
    this.scopePath = outer ? `${outer}/${path}` : path;
    try {
      return build();
    } finally {
      this.scopePath = outer;
    }
  }
  get currentScope(): string {
    return this.scopePath;
  }

  /** Keeps these names for values that will be given them. */
  reserve(names: Iterable<string>): void {
    for (const name of names) this.naming.taken.add(name);
  }

  input(name: string, dataType: DataType, shape: Shape): Value {
    this.reserve([name]);
    const value: Value = { name, dataType, shape };
    this.graph.inputs.push(value);
    return value;
  }

  /** Declares `value` an output called `name`. */
  output(value: Value, name: string): void {
    const [named] = this.append('Identity', '', [value], {}, [name]);
    this.graph.outputs.push(named!);
  }

  /** An initializer; of small ones and of tables of places, equal ones are stored once. */
  constant(value: Tensor): Value {
    const bytes = toBytes(value.data);
    const table = value.data instanceof Int32Array && bytes.length > 256 ? value.data : null;
    const content = table ? hashOf(table) : bytes.length <= 256 ? bytes.join() : null;
    const key = content === null ? null : `${value.dataType}|${value.shape.join()}|${content}`;
    const known = key === null ? undefined : this.constants.get(key);
    if (known && (!table || Buffer.compare(toBytes(known.constant!.data), bytes) === 0)) return known;
    invariant(
      value.data.length === sizeOf(value.shape),
      `constant of shape [${value.shape.join()}] with ${value.data.length} elements`,
    );
    const made: Value = {
      name: this.newName('constant'),
      shape: value.shape,
      dataType: value.dataType,
      constant: value,
    };
    this.graph.initializers.push(made);
    if (key !== null) this.constants.set(key, made);
    return made;
  }
  /** A float32 constant, scalar unless a shape is given (then filled with `value`). */
  float(value: number, shape: Shape = []): Value {
    return this.constant({ dataType: 'float32', shape, data: new Float32Array(sizeOf(shape)).fill(value) });
  }
  /** A 1-element-or-longer int64 vector, as ONNX wants for shapes, axes and bounds. */
  ints(values: readonly number[]): Value {
    return this.constant(tensor('int64', [values.length], values));
  }
  /** An int64 scalar; a scalar and a 1-element vector are different things to ONNX. */
  int(value: number): Value {
    return this.constant(tensor('int64', [], [value]));
  }

  op(opType: string, inputs: readonly (Value | null)[], attributes: Attributes = {}, domain = ''): Value {
    return this.append(opType, domain, inputs, attributes, [null])[0]!;
  }
  ops(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes,
    outputCount: number,
    domain = '',
  ): Value[] {
    return this.append(opType, domain, inputs, attributes, new Array<null>(outputCount).fill(null));
  }

  /** Appends a node like `node`; its outputs get the given names, or new ones where null. */
  copy(node: Node, outputNames: readonly (string | null)[]): Value[] {
    return this.append(node.opType, node.domain, node.inputs, node.attributes, outputNames);
  }

  private append(
    opType: string,
    domain: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes,
    outputNames: readonly (string | null)[],
  ): Value[] {
    const base = this.newName(opType);
    const description = {
      name: this.scopePath ? `${this.scopePath}/${base}` : base,
      opType,
      domain,
      // Left out at the end means not there: onnxruntime's LayerNormalization crashes on an empty name in the last place.
      inputs: inputs.slice(0, inputs.findLastIndex((input) => input !== null) + 1),
      attributes,
    };
    const types = this.rules.inferOutputs(description, outputNames.length);
    const outputs = outputNames.map((name, i): Value => {
      const type = types[i];
      invariant(type, `${description.name}: the op table gave no type for output ${i}`);
      return { name: name ?? (i === 0 ? base : `${base}:${i}`), shape: type.shape, dataType: type.dataType };
    });
    this.graph.nodes.push({ ...description, outputs });
    return outputs;
  }

  private newName(prefix: string): string {
    const name = `${prefix}_${this.naming.next++}`;
    return this.naming.taken.has(name) ? this.newName(prefix) : name;
  }

  // Shorthands, so that rules read like the maths.
  add(a: Value, b: Value): Value {
    return this.op('Add', [a, b]);
  }
  sub(a: Value, b: Value): Value {
    return this.op('Sub', [a, b]);
  }
  mul(a: Value, b: Value): Value {
    return this.op('Mul', [a, b]);
  }
  div(a: Value, b: Value): Value {
    return this.op('Div', [a, b]);
  }
  neg(a: Value): Value {
    return this.op('Neg', [a]);
  }
  sqrt(a: Value): Value {
    return this.op('Sqrt', [a]);
  }
  reciprocal(a: Value): Value {
    return this.op('Reciprocal', [a]);
  }
  scale(a: Value, factor: number): Value {
    return factor === 1 ? a : this.mul(a, this.float(factor));
  }
  where(condition: Value, a: Value, b: Value): Value {
    return this.op('Where', [condition, a, b]);
  }
  cast(a: Value, dataType: DataType): Value {
    return a.dataType === dataType ? a : this.op('Cast', [a], { to: elementTypes[dataType] });
  }
  /** `shape` must have as many elements as `a`. */
  reshape(a: Value, shape: Shape): Value {
    return shape.length === a.shape.length && shape.every((d, i) => d === a.shape[i])
      ? a
      : this.op('Reshape', [a, this.ints(shape)]);
  }
  transpose(a: Value, permutation: readonly number[]): Value {
    return this.op('Transpose', [a], { perm: permutation });
  }
  concat(values: readonly Value[], axis: number): Value {
    return values.length === 1 ? values[0]! : this.op('Concat', values, { axis });
  }
  /** Pieces of the given lengths along `axis`. */
  split(a: Value, lengths: readonly number[], axis: number): Value[] {
    return lengths.length === 1 ? [a] : this.ops('Split', [a, this.ints(lengths)], { axis }, lengths.length);
  }
  /** Half-open ranges [starts, ends) along `axes`. */
  slice(a: Value, starts: readonly number[], ends: readonly number[], axes: readonly number[]): Value {
    return this.op('Slice', [a, this.ints(starts), this.ints(ends), this.ints(axes)]);
  }
  /** ONNX order: all begins, then all ends. */
  pad(a: Value, pads: readonly number[]): Value {
    return pads.every((p) => p === 0) ? a : this.op('Pad', [a, this.ints(pads)]);
  }
  expand(a: Value, shape: Shape): Value {
    return this.op('Expand', [a, this.ints(shape)]);
  }
  gather(a: Value, indices: Value, axis = 0): Value {
    return this.op('Gather', [a, indices], { axis });
  }
  reduceSum(a: Value, axes: readonly number[], keepdims = false): Value {
    return axes.length === 0 ? a : this.op('ReduceSum', [a, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }
  reduceMean(a: Value, axes: readonly number[], keepdims = false): Value {
    return this.op('ReduceMean', [a, this.ints(axes)], { keepdims: keepdims ? 1 : 0 });
  }
  /**
   * a [N, C, H, W] at another height and width. 'nearest' repeats elements (output element o reads ⌊o · input / output⌋);
   * the linear ones interpolate between pixel centres, or between corners that stay in place.
   */
  resize(a: Value, [height, width]: readonly [number, number], how: ResizeMode): Value {
    if (a.shape[2] === height && a.shape[3] === width) return a;
    const sizes = this.ints([a.shape[0]!, a.shape[1]!, height, width]);
    return this.op('Resize', [a, null, null, sizes], resizeModes[how]);
  }
  matmul(a: Value, b: Value): Value {
    return this.op('MatMul', [a, b]);
  }
  /** alpha · op(a) · op(b), where op transposes the last two axes if asked. onnxruntime's own op. */
  fusedMatMul(a: Value, b: Value, options: { transA?: boolean; transB?: boolean } = {}): Value {
    return this.op(
      'FusedMatMul',
      [a, b],
      { transA: options.transA ? 1 : 0, transB: options.transB ? 1 : 0 },
      'com.microsoft',
    );
  }
}

/** FNV-1a over whole elements. */
function hashOf(values: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const value of values) hash = Math.imul(hash ^ value, 0x01000193);
  return hash;
}
