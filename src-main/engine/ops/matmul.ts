/** Matrix products. */
import { ShapeError } from '../graph/errors.ts';
import type { FloatAttribute, Shape, TensorType, Value } from '../graph/types.ts';
import { broadcast, expectRank, inputAt, type NoAttributes, type OpDefinition } from './definition.ts';
import { rowProducts } from './row-products.ts';

/** Rows and columns of a matrix operand after an optional transposition of its last two axes. */
function matrixSize(shape: Shape, transposed: boolean): [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

function productType(name: string, a: Value, b: Value, transA: boolean, transB: boolean): TensorType[] {
  if (a.shape.length < 2 || b.shape.length < 2)
    throw new ShapeError(name, 'matrices', a.shape.length < 2 ? a.shape : b.shape);
  const [m, inner] = matrixSize(a.shape, transA);
  const [innerB, n] = matrixSize(b.shape, transB);
  if (inner !== innerB) throw new ShapeError(name, `an inner size of ${inner}`, b.shape);
  return [{ shape: [...broadcast(name, a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n], dataType: a.dataType }];
}

const isMatrix = ({ shape }: Value): boolean => shape.length === 2;

// Y = A·B  ⇒  dA = dY·Bᵀ, dB = Aᵀ·dY; the walker sums over broadcast batch axes
export const matMulOp: OpDefinition<NoAttributes> = {
  attributes: {},
  inferShape: ({ name, inputs: [a, b] }) => productType(name, a, b, false, false),
  gradient: ({ g, inputs: [a, b], gradOutput: dy, needs }) => [
    needs[0] ? (isMatrix(b) && isMatrix(dy) ? rowProducts(g, dy, b) : g.fusedMatMul(dy, b, { transB: true })) : null,
    needs[1] ? g.fusedMatMul(a, dy, { transA: true }) : null,
  ],
};

export interface FusedMatMulAttributes {
  transA: number;
  transB: number;
}
export const fusedMatMulOp: OpDefinition<FusedMatMulAttributes> = {
  domain: 'com.microsoft',
  attributes: { transA: 'required', transB: 'required' },
  inferShape: ({ name, inputs: [a, b], attributes: { transA, transB } }) =>
    productType(name, a, b, transA === 1, transB === 1),
  gradient: ({ g, inputs: [a, b], attributes, gradOutput: dy, needs }) => {
    const transA = attributes.transA === 1;
    const transB = attributes.transB === 1;
    // With A' = op(A), B' = op(B): dA' = dY·B'ᵀ and dB' = A'ᵀ·dY; a transposed operand takes the transposed product.
    const da = (): Value =>
      transA ? g.fusedMatMul(b, dy, { transA: transB, transB: true }) : g.fusedMatMul(dy, b, { transB: !transB });
    const db = (): Value =>
      transB ? g.fusedMatMul(dy, a, { transA: true, transB: transA }) : g.fusedMatMul(a, dy, { transA: !transA });
    return [needs[0] ? da() : null, needs[1] ? db() : null];
  },
};

export interface GemmAttributes {
  transA?: number;
  transB?: number;
  alpha?: FloatAttribute;
  beta?: FloatAttribute;
}
// Y = α·A'·B' + β·C  ⇒  dC = β·dY (summed over broadcast axes by the walker); the products carry α
export const gemmOp: OpDefinition<GemmAttributes> = {
  attributes: { transA: 'optional', transB: 'optional', alpha: 'optional', beta: 'optional' },
  inferShape: ({ name, inputs: [a, b], attributes: { transA, transB } }) => {
    expectRank(name, a, 2);
    return productType(name, a, b, transA === 1, transB === 1);
  },
  gradient: ({ g, inputs, attributes, gradOutput: dy, needs }) => {
    const [a, b] = inputs;
    const transA = attributes.transA === 1;
    const transB = attributes.transB === 1;
    const product = (left: Value, right: Value, turnLeft: boolean, turnRight: boolean): Value =>
      g.op('Gemm', [left, right], {
        transA: turnLeft ? 1 : 0,
        transB: turnRight ? 1 : 0,
        ...(attributes.alpha ? { alpha: attributes.alpha } : {}),
      });
    const da = (): Value => (transA ? product(b, dy, transB, true) : product(dy, b, false, !transB));
    const db = (): Value => (transB ? product(dy, a, true, transA) : product(a, dy, !transA, false));
    const dc = inputAt(inputs, 2) && needs[2] ? g.scale(dy, attributes.beta?.float ?? 1) : null;
    return [needs[0] ? da() : null, needs[1] ? db() : null, dc];
  },
};
