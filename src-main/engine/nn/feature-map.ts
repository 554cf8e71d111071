/**
 * Activations with the batch innermost: a matrix of feature rows, [R, N], in an order that suits the last layer, and a
 * map that says which row a feature is in. Element-wise layers ignore the order, pooling and patches are whole-row
 * copies, and a small network's convolutions become wide matrix products.
 */
import { invariant } from '../../contract/errors.ts';
import type { Builder } from '../graph/builder.ts';
import { sizeOf, tensor, type Shape, type Value } from '../graph/types.ts';

export interface FeatureMap {
  /** [R, N] */
  readonly rows: Value;
  /** [C, H, W] or [F], without the batch. */
  readonly shape: Shape;
  /** Row of each feature, features counted row-major in `shape`. */
  readonly rowOf: Int32Array;
  /** [C], still to be added to every row of its channel; null where nothing is. */
  readonly bias: Value | null;
}

export const naturalOrder = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);

/** Row `rows[i]` of x as row i of the result. Constant row numbers, so that the gradient is a gather too. */
export function takeRows(g: Builder, x: Value, rows: ArrayLike<number>, shape: Shape = [rows.length]): Value {
  const isWhole = rows.length === x.shape[0] && Array.from(rows).every((row, i) => row === i);
  if (isWhole) return g.reshape(x, [...shape, x.shape[1]!]);
  return g.gather(x, g.constant(tensor('int32', shape, rows)));
}

/** Several row selections of x; a plain split where together they are x itself. */
export function takePieces(g: Builder, x: Value, pieces: readonly (readonly number[])[]): Value[] {
  const all = pieces.flat();
  const isPartition = all.length === x.shape[0] && all.every((row, i) => row === i);
  return isPartition
    ? g.split(
        x,
        pieces.map((piece) => piece.length),
        0,
      )
    : pieces.map((piece) => takeRows(g, x, piece));
}

/**
 * The rows as [blocks, C, features · N], where every block holds each channel's features together. Reorders the rows
 * where they do not lie so.
 */
export function byChannel(g: Builder, map: FeatureMap): { map: FeatureMap; view: Value } {
  const channels = map.shape[0]!;
  const blocks = channelBlocks(map);
  const [count, n] = map.rows.shape as [number, number];
  const ordered = blocks === null ? inNaturalOrder(g, map) : map;
  return {
    map: ordered,
    view: g.reshape(ordered.rows, [blocks ?? 1, channels, (count / (blocks ?? 1) / channels) * n]),
  };
}

/** The number of blocks such that row r belongs to channel ⌊r / run⌋ mod C; null where the rows lie otherwise. */
function channelBlocks({ shape, rowOf }: FeatureMap): number | null {
  const perChannel = sizeOf(shape.slice(1));
  const channelOfRow = new Int32Array(rowOf.length);
  rowOf.forEach((row, feature) => (channelOfRow[row] = Math.floor(feature / perChannel)));
  const run = channelOfRow.findIndex((channel) => channel !== channelOfRow[0]);
  const runLength = run === -1 ? rowOf.length : run;
  const isRegular = channelOfRow.every((channel, row) => channel === Math.floor(row / runLength) % shape[0]!);
  return isRegular ? rowOf.length / runLength / shape[0]! : null;
}

/** The same features in row-major order. */
export function inNaturalOrder(g: Builder, map: FeatureMap): FeatureMap {
  return { ...map, rows: takeRows(g, map.rows, map.rowOf), rowOf: naturalOrder(map.rowOf.length) };
}

/** A [C] vector spread over a [blocks, C, L] view. */
const perChannel = (g: Builder, vector: Value): Value => g.reshape(vector, [1, vector.shape[0]!, 1]);

/** Adds what is still to be added. */
export function settle(g: Builder, map: FeatureMap): FeatureMap {
  if (!map.bias) return map;
  const { map: ordered, view } = byChannel(g, map);
  const rows = g.reshape(g.add(view, perChannel(g, map.bias)), ordered.rows.shape);
  return { ...ordered, rows, bias: null };
}

/** Applies an element-wise function to the rows. */
export function mapRows(g: Builder, map: FeatureMap, apply: (rows: Value) => Value): FeatureMap {
  const settled = settle(g, map);
  return { ...settled, rows: apply(settled.rows) };
}

/** A map whose rows the caller has put into the order of `features` (row r holds feature features[r]). */
export function withRowOrder(rows: Value, shape: Shape, features: ArrayLike<number>, bias: Value | null): FeatureMap {
  invariant(features.length === sizeOf(shape), `a map of [${shape.join(', ')}] with ${features.length} rows`);
  const rowOf = new Int32Array(features.length);
  for (let row = 0; row < features.length; row++) rowOf[features[row]!] = row;
  return { rows, shape, rowOf, bias };
}
