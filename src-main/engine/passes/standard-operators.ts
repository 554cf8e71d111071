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
  const standard = rewrite(freeOutputs(graph, isQuickGelu), (g, node) =>
    isQuickGelu(node) ? [quickGelu(g, node)] : null,
  );
  verify(standard, opRules);
  const left = standard.nodes.find(({ domain }) => domain !== '');
  if (left) throw new UnsupportedOpError(left.opType, left.domain, left.name, ['those of ONNX, and QuickGelu']);
  return standard;
}

const isQuickGelu = ({ opType }: Node): boolean => opType === 'QuickGelu';

/** x·σ(α·x) */
function quickGelu(g: Builder, { inputs, attributes }: Node): Value {
  const x = inputs[0]!;
  const { float: alpha } = attributes['alpha'] as FloatAttribute;
  return g.mul(x, g.op('Sigmoid', [g.scale(x, alpha)]));
}
