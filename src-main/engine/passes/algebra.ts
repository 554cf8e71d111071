/**
 * Algebraic clean-up: nodes that give what they got, and pairs that undo each other. Numbers stay as they are, bit by bit.
 */
import type { Builder } from '../graph/builder.ts';
import { sameShape, type Graph, type Node, type Value } from '../graph/types.ts';
import { rewrite } from './rewrite.ts';

type Producers = (value: Value) => Node | undefined;
/** The value that may stand for the node's first output, or null. */
type Rule = (g: Builder, node: Node, producer: Producers) => Value | null;

const isAll = (value: Value | null | undefined, wanted: number): boolean =>
  value?.constant !== undefined &&
  Array.from(value.constant.data as ArrayLike<number | bigint>).every((x) => Number(x) === wanted);

/** x where `x op neutral` is x; also `neutral op x` where the operation commutes. */
function withoutNeutral(neutral: number, commutes: boolean): Rule {
  return (_, { inputs: [a, b], outputs: [y] }) => {
    const stands = (x: Value | null | undefined): boolean => !!x && sameShape(x.shape, y!.shape);
    if (stands(a) && isAll(b, neutral)) return a!;
    return commutes && stands(b) && isAll(a, neutral) ? b! : null;
  };
}

const reshapeOnce: Rule = (g, { inputs: [x], outputs: [y] }, producer) => {
  const before = producer(x!);
  if (before?.opType === 'Reshape') return g.reshape(before.inputs[0]!, y!.shape);
  return sameShape(x!.shape, y!.shape) ? x! : null;
};

const transposeOnce: Rule = (g, { inputs: [x], attributes }, producer) => {
  const perm = attributes['perm'] as readonly number[];
  const before = producer(x!);
  if (before?.opType === 'Transpose') {
    const first = before.attributes['perm'] as readonly number[];
    const both = perm.map((axis) => first[axis]!);
    const source = before.inputs[0]!;
    return both.every((axis, i) => axis === i) ? source : g.transpose(source, both);
  }
  return perm.every((axis, i) => axis === i) ? x! : null;
};

const undoes =
  (opType: string): Rule =>
  (_, { inputs: [x] }, producer) => {
    const before = producer(x!);
    return before?.opType === opType ? before.inputs[0]! : null;
  };

const sameAsInput: Rule = (_, { inputs: [x], outputs: [y] }) =>
  x!.dataType === y!.dataType && sameShape(x!.shape, y!.shape) ? x! : null;

/** A sum over axes of one element is a reshape. */
const sumOfOne: Rule = (g, { inputs: [x], outputs: [y] }) =>
  x!.shape.reduce((a, b) => a * b, 1) === y!.shape.reduce((a, b) => a * b, 1) ? g.reshape(x!, y!.shape) : null;

const rules: Readonly<Record<string, Rule>> = {
  Add: withoutNeutral(0, true),
  Cast: sameAsInput,
  Div: withoutNeutral(1, false),
  Expand: sameAsInput,
  Identity: sameAsInput,
  Mul: withoutNeutral(1, true),
  ReduceSum: sumOfOne,
  ReorderInput: undoes('ReorderOutput'),
  ReorderOutput: undoes('ReorderInput'),
  Reshape: reshapeOnce,
  Sub: withoutNeutral(0, false),
  Transpose: transposeOnce,
};

export function cleanUpAlgebra(graph: Graph): Graph {
  const made = new WeakMap<Builder, { seen: number; byName: Map<string, Node> }>();
  return rewrite(graph, (g, node) => {
    const known = made.get(g) ?? { seen: 0, byName: new Map<string, Node>() };
    made.set(g, known);
    for (; known.seen < g.graph.nodes.length; known.seen++) {
      const earlier = g.graph.nodes[known.seen]!;
      for (const output of earlier.outputs) known.byName.set(output.name, earlier);
    }
    const rule = Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined;
    const value = rule?.(g, node, (input) => known.byName.get(input.name));
    return value ? [value] : null;
  });
}
