/**
 * Constant folding: what depends on constants alone is computed once, here. Only where the result is the one that any
 * runtime would give, bit by bit: moves of elements, and the arithmetic that IEEE 754 rounds in one way.
 */
import {
  allocate,
  sizeOf,
  tensor,
  type Attributes,
  type Graph,
  type Shape,
  type Tensor,
  type Value,
} from '../graph/types.ts';
import { rewrite } from './rewrite.ts';

/** More elements than this are left to the runtime, unless the operands are as many: the model must not swell. */
const mostElements = 2 ** 16;

/** Computes the first output, whose type is known. */
type Evaluate = (
  operands: readonly Tensor[],
  attributes: Attributes,
  result: Pick<Value, 'dataType' | 'shape'>,
) => Tensor;

const stridesOf = (shape: Shape): number[] => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));

/** Place in an operand of `shape` that broadcasts to `whole`, for each element of it. */
function places(shape: Shape, whole: Shape): Int32Array {
  const missing = whole.length - shape.length;
  const own = stridesOf(shape);
  const steps = whole.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : own[axis - missing]!));
  return placesBySteps(whole, steps);
}

/** For each element of `shape`, row-major, the sum of its coordinates times `steps`. */
function placesBySteps(shape: Shape, steps: readonly number[]): Int32Array {
  const strides = stridesOf(shape);
  return Int32Array.from({ length: sizeOf(shape) }, (_, i) =>
    shape.reduce((sum, size, axis) => sum + (Math.floor(i / strides[axis]!) % size) * steps[axis]!, 0),
  );
}

function taken({ dataType, data }: Tensor, shape: Shape, from: Int32Array): Tensor {
  const result = allocate(dataType, from.length);
  from.forEach((place, i) => (result[i] = data[place]!));
  return { dataType, shape, data: result };
}

/** Rounded to float32 from float64, which for these operations is the same as rounding once. */
const arithmetic =
  (apply: (...numbers: number[]) => number): Evaluate =>
  (operands, _, { shape }) => {
    const from = operands.map((operand) => places(operand.shape, shape));
    const values = Array.from({ length: sizeOf(shape) }, (_, i) =>
      apply(...operands.map(({ data }, k) => Number(data[from[k]![i]!]))),
    );
    return tensor('float32', shape, values);
  };

const renamed: Evaluate = ([x], _, { shape }) => ({ ...x!, shape });

const evaluators: Readonly<Record<string, Evaluate>> = {
  Add: arithmetic((a, b) => a! + b!),
  Cast: ([x], _, { dataType, shape }) => tensor(dataType, shape, Array.from(x!.data as ArrayLike<number>, Number)),
  Concat: (operands, { axis }, { dataType, shape }) => {
    const at = axis as number;
    const result = allocate(dataType, sizeOf(shape));
    const outer = sizeOf(shape.slice(0, at));
    let filled = 0;
    for (let block = 0; block < outer; block++) {
      for (const { data } of operands) {
        const length = data.length / outer;
        for (let i = 0; i < length; i++) result[filled++] = data[block * length + i]!;
      }
    }
    return { dataType, shape, data: result };
  },
  Div: arithmetic((a, b) => a! / b!),
  Expand: ([x], _, { shape }) => taken(x!, shape, places(x!.shape, shape)),
  Identity: renamed,
  Mul: arithmetic((a, b) => a! * b!),
  Neg: arithmetic((a) => -a!),
  Reciprocal: arithmetic((a) => 1 / a!),
  Reshape: renamed,
  Sqrt: arithmetic((a) => Math.sqrt(a!)),
  Squeeze: renamed,
  Sub: arithmetic((a, b) => a! - b!),
  Transpose: ([x], { perm }, { shape }) => {
    const strides = stridesOf(x!.shape);
    return taken(
      x!,
      shape,
      placesBySteps(
        shape,
        (perm as readonly number[]).map((axis) => strides[axis]!),
      ),
    );
  },
  Unsqueeze: renamed,
};
const computing = new Set(['Add', 'Div', 'Mul', 'Neg', 'Reciprocal', 'Sqrt', 'Sub']);
/** A cast between these loses nothing. */
const exact = new Set(['bool', 'int32', 'float32', 'uint8']);

export function foldConstants(graph: Graph): Graph {
  return rewrite(graph, (g, { opType, domain, inputs, outputs, attributes }) => {
    const evaluate = domain === '' && Object.hasOwn(evaluators, opType) ? evaluators[opType] : undefined;
    const [result] = outputs as [Value];
    const operands = inputs.flatMap((input) => input?.constant ?? []);
    if (!evaluate || operands.length === 0 || operands.length !== inputs.length) return null;
    const given = operands.reduce((sum, { data }) => sum + data.length, 0);
    if (sizeOf(result.shape) > Math.max(mostElements, given)) return null;
    if (computing.has(opType) && operands.some(({ dataType }) => dataType !== 'float32')) return null;
    if (opType === 'Cast' && !(exact.has(operands[0]!.dataType) && result.dataType === 'float32')) return null;
    return [g.constant(evaluate(operands, attributes, result))];
  });
}
