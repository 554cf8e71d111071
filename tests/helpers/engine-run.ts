/** Runs engine graphs through onnxruntime for tests, and compares what comes out. */
import { expect } from 'vitest';
import { writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import {
  tensor,
  toNumbers,
  type DataType,
  type Graph,
  type Shape,
  type Tensor,
} from '../../src-main/engine/graph/types.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import type { Session } from '../../src-main/engine/runtime/runtime.ts';

export type Feeds = Readonly<Record<string, Tensor>>;
export type Results = Readonly<Record<string, Tensor>>;

/** One for all tests of a file, so that a file can ask at its end whether every session was released. */
export const runtime = new OnnxRuntime();

/** Opens a session on one thread, hands it to `use` and releases it. */
export async function withSession<T>(graph: Graph, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await runtime.createSession(writeModel(graph), { device: 'cpu', threads: 1 });
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

export const runGraph = (graph: Graph, feeds: Feeds): Promise<Results> =>
  withSession(graph, (session) => session.run(feeds));

export const floats = (shape: Shape, values: ArrayLike<number>): Tensor => tensor('float32', shape, values);

/** The numbers of a result. Fails the test where there is no such result. */
export function numbersOf(results: Results, name: string): number[] {
  const result = results[name];
  if (!result) throw new Error(`the graph has no output "${name}", only ${Object.keys(results).join(', ')}`);
  return toNumbers(result.data);
}

export function scalarOf(results: Results, name: string): number {
  const values = numbersOf(results, name);
  expect(values, `${name} must be one number`).toHaveLength(1);
  return values[0]!;
}

/** max|a − b| / max|b|; where the reference is all zeros, max|a|. NaN in either counts as infinitely wrong. */
export function relativeError(actual: ArrayLike<number>, reference: ArrayLike<number>): number {
  if (actual.length !== reference.length) return Infinity;
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < reference.length; i++) {
    const difference = Math.abs(actual[i]! - reference[i]!);
    if (Number.isNaN(difference)) return Infinity;
    worst = Math.max(worst, difference);
    scale = Math.max(scale, Math.abs(reference[i]!));
  }
  return scale === 0 ? worst : worst / scale;
}

export interface TypedValues {
  dataType: DataType;
  shape: number[];
  data: number[];
}
export const toTensor = ({ dataType, shape, data }: TypedValues): Tensor => tensor(dataType, shape, data);
