/** Writes onnxruntime's own operators out in ONNX's, so that a model can be read by other programs. */
import type { Builder } from '../graph/builder.ts';
import { UnsupportedOpError } from '../graph/errors.ts';
import type { FloatAttribute, Graph, Node, Value } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { opRules } from '../ops/index.ts';
import { freeOutputs } from './free-outputs.ts';
import { rewrite } from './rewrite.ts';

/** A graph that gives the same numbers. Throws UnsupportedOpError where an operator has no other way to be written. */
export function standardOperators(graph: Graph): Graph {
  const standard = rewrite(
    freeOutputs(graph, ({ opType }) => Object.hasOwn(writtenOut, opType)),
    (g, node) => (Object.hasOwn(writtenOut, node.opType) ? [writtenOut[node.opType]!(g, node)] : null),
  );
  verify(standard, opRules);
  const left = standard.nodes.find(({ domain }) => domain !== '');
  if (left)
    throw new UnsupportedOpError(left.opType, left.domain, left.name, ['those of ONNX', ...Object.keys(writtenOut)]);
  return standard;
}

/** x·σ(α·x) */
function quickGelu(g: Builder, { inputs, attributes }: Node): Value {
  const x = inputs[0]!;
  const { float: alpha } = attributes['alpha'] as FloatAttribute;
  return g.mul(x, g.op('Sigmoid', [g.scale(x, alpha)]));
}

/** Products of matrices of which either is turned around first. */
function fusedMatMul(g: Builder, { inputs, attributes }: Node): Value {
  const [a, b] = inputs as readonly [Value, Value];
  const turned = (x: Value): Value => {
    const last = x.shape.length - 1;
    return g.transpose(
      x,
      x.shape.map((_, axis) => (axis === last ? last - 1 : axis === last - 1 ? last : axis)),
    );
  };
  return g.matmul(attributes['transA'] === 1 ? turned(a) : a, attributes['transB'] === 1 ? turned(b) : b);
}

const writtenOut: Readonly<Record<string, (g: Builder, node: Node) => Value>> = {
  FusedMatMul: fusedMatMul,
  QuickGelu: quickGelu,
};
