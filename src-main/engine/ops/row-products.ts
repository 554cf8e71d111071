/**
 * Products with a transposed matrix, a·bᵀ. To multiply by it, onnxruntime turns the second operand around, which costs much
 * where the first has few rows. (b·aᵀ)ᵀ is the same and turns the smaller one.
 */
import type { Builder } from '../graph/builder.ts';
import { sizeOf, type Value } from '../graph/types.ts';

/** Turning the result around costs about as much as this many times turning an operand, element by element. */
const turningCost = 4;

/** Whether b·aᵀ, turned around, is the faster way. a: […, M, L], b: […, K, L]; one result [M, K] is turned. */
function isFasterSwapped(a: Value, b: Value): boolean {
  const [m, length] = a.shape.slice(-2) as [number, number];
  const [k] = b.shape.slice(-2) as [number, number];
  const batch = sizeOf(a.shape.slice(0, -2));
  return (k - m) * length * batch > turningCost * m * k;
}

/** a [M, L], b [K, L] → a·bᵀ [M, K] */
export function rowProducts(g: Builder, a: Value, b: Value): Value {
  return isFasterSwapped(a, b)
    ? g.transpose(g.fusedMatMul(b, a, { transB: true }), [1, 0])
    : g.fusedMatMul(a, b, { transB: true });
}

/** a [N, M, L], b [N, K, L] → Σ over N of a·bᵀ, [M, K] */
export function sumOfRowProducts(g: Builder, a: Value, b: Value): Value {
  return isFasterSwapped(a, b)
    ? g.transpose(g.reduceSum(g.fusedMatMul(b, a, { transB: true }), [0]), [1, 0])
    : g.reduceSum(g.fusedMatMul(a, b, { transB: true }), [0]);
}

/** Images side by side: [N, C, …] → [C, N·…]. */
export function imagesSideBySide(g: Builder, x: Value): Value {
  const [n, c] = x.shape as [number, number];
  const length = sizeOf(x.shape.slice(2));
  return g.reshape(g.transpose(g.reshape(x, [n, c, length]), [1, 0, 2]), [c, n * length]);
}
