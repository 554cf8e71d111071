/**
 * Runs a graph whose work is one Loop turn by turn, for a device that cannot loop itself: onnxruntime would run the Loop
 * on the CPU and carry the state there and back in every turn. Here the state stays on the device until the last turn.
 */
import { invariant } from '../../contract/errors.ts';
import { isGraph, tensor, type Graph, type Node, type Tensor, type TensorArray } from '../graph/types.ts';
import type { Session } from '../runtime/runtime.ts';

export interface UnrolledLoop {
  /** One turn: the graph's inputs, `turn`, `condition` and the carried values in; the body's outputs out. */
  graph: Graph;
  turn: string;
  condition: string;
  /** The carried values' names: as the graph is fed, in a turn, after it, and as a result of the graph. */
  carried: readonly { fed: string; input: string; output: string; result: string }[];
  /** What each turn gives a slice of: its name in the turn and as a result. */
  scans: readonly { output: string; result: string }[];
}

/** Null where the graph is no training loop: a Loop that is fed its turns as `steps`, with nothing but renaming behind it. */
export function unrollLoop(graph: Graph): UnrolledLoop | null {
  const loop = graph.nodes.find(({ opType }) => opType === 'Loop');
  const body = loop?.attributes['body'];
  if (!loop || body === undefined || !isGraph(body)) return null;
  if (!graph.inputs.some(({ name }) => name === 'steps')) return null;
  const at = graph.nodes.indexOf(loop);
  const behind = graph.nodes.slice(at + 1);
  if (behind.some(({ opType }) => opType !== 'Identity')) return null;
  const resultOf = (value: { name: string }): string =>
    behind.find((node: Node) => node.inputs[0]?.name === value.name)?.outputs[0]?.name ?? value.name;
  const [turn, condition, ...inputs] = body.inputs;
  const [, ...outputs] = body.outputs;
  return {
    graph: {
      name: body.name,
      inputs: [...graph.inputs, ...body.inputs],
      initializers: [...graph.initializers, ...body.initializers],
      nodes: [...graph.nodes.slice(0, at), ...body.nodes],
      outputs,
    },
    turn: turn!.name,
    condition: condition!.name,
    carried: inputs.map((input, i) => ({
      fed: loop.inputs[i + 2]!.name,
      input: input.name,
      output: outputs[i]!.name,
      result: resultOf(loop.outputs[i]!),
    })),
    scans: outputs.slice(inputs.length).map((output, i) => ({
      output: output.name,
      result: resultOf(loop.outputs[inputs.length + i]!),
    })),
  };
}

/** A session of `loop.graph` that keeps its state, as one of the graph with the Loop. `steps` is fed: the turns to do. */
export function asLoop(turns: Session, { turn, condition, carried, scans }: UnrolledLoop): Session {
  return {
    run: async (feeds) => {
      const count = Number(feeds['steps']?.data[0] ?? 0);
      invariant(count > 0, 'a loop without turns');
      const start = Object.fromEntries(carried.map(({ fed, input }) => [input, feeds[fed]!]));
      const slices: Record<string, Tensor>[] = [];
      for (let i = 0; i < count; i++) {
        const numbered = { [turn]: tensor('int64', [], [i]), [condition]: tensor('bool', [], [1]) };
        slices.push(await turns.run({ ...feeds, ...numbered, ...(i === 0 ? start : {}) }));
      }
      const state = await turns.readKept();
      return Object.fromEntries([
        ...carried.map(({ input, result }) => [result, state[input]!] as const),
        ...scans.map(({ output, result }) => [result, stack(slices.map((slice) => slice[output]!))] as const),
      ]);
    },
    readKept: async () => ({}),
    release: () => turns.release(),
  };
}

/** [count, …shape] */
function stack(slices: readonly Tensor[]): Tensor {
  const [first] = slices as [Tensor, ...Tensor[]];
  const { length } = first.data;
  const make = first.data.constructor as new (length: number) => TensorArray;
  const data = new make(length * slices.length);
  slices.forEach((slice, i) => data.set(slice.data as Float32Array & BigInt64Array, i * length));
  return { dataType: first.dataType, shape: [slices.length, ...first.shape], data };
}
