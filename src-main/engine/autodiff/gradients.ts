/**
 * Reverse-mode automatic differentiation, graph to graph: walks the nodes that lead from the wanted values to the loss
 * backwards and appends each one's gradient rule. Sums over several uses of a value and over broadcast axes happen
 * here, once, and never in a rule.
 */
import { FoveaError, invariant } from '../../contract/errors.ts';
import type { Builder } from '../graph/builder.ts';
import { isGraph, sizeOf, type Node, type Value } from '../graph/types.ts';
import type { Inputs } from '../ops/definition.ts';
import { definitionOf } from '../ops/index.ts';

/**
 * Gradients of the scalar `loss` by each of `wrt`, in that order, appended to the builder's graph; null where a value
 * does not reach the loss. All are multiplied by `seed`, which has the loss's shape. Throws FoveaError `unsupported` where a gradient would have to pass an operator that is not
 * differentiable.
 */
export function gradients(
  g: Builder,
  loss: Value,
  wrt: readonly Value[],
  seed: Value = g.float(1, loss.shape),
): (Value | null)[] {
  invariant(sizeOf(loss.shape) === 1, `the loss must be a scalar, got [${loss.shape.join(', ')}]`);
  const forward = [...g.graph.nodes];
  const dependent = dependentsOf(forward, wrt);
  const contributions = new Map<string, Value[]>([[loss.name, [seed]]]);
  const total = (value: Value): Value | null => sumUp(g, contributions.get(value.name) ?? []);

  for (const node of forward.reverse()) {
    const reached = node.outputs.some((output) => contributions.has(output.name));
    if (!reached || !passesOn(node, dependent)) continue;
    g.scope(`gradient/${node.name}`, () => {
      const needs = node.inputs.map((input) => input !== null && dependent.has(input.name));
      const results = applyRule(g, node, node.outputs.map(total), needs);
      node.inputs.forEach((input, i) => {
        const result = results[i];
        if (!input || !needs[i]) return;
        invariant(result !== undefined, `${node.name}: the gradient rule of ${node.opType} leaves out input ${i}`);
        if (!result) return;
        const list = contributions.get(input.name) ?? [];
        list.push(sumToShape(g, result, input));
        contributions.set(input.name, list);
      });
    });
  }
  return wrt.map(total);
}

/** Names of all values that depend on one of `sources`, the sources included, and not past a StopGradient. */
function dependentsOf(nodes: readonly Node[], sources: readonly Value[]): Set<string> {
  const dependent = new Set(sources.map((value) => value.name));
  for (const node of nodes) {
    if (passesOn(node, dependent)) for (const output of node.outputs) dependent.add(output.name);
  }
  return dependent;
}

/** Whether a gradient by one of `names` may come through the node. */
const passesOn = (node: Node, names: ReadonlySet<string>): boolean =>
  readsAny(node, names) && definitionOf(node.opType, node.domain, node.name).gradient !== 'stops';

/** Whether the node, or a subgraph of it, reads one of `names`. */
function readsAny(node: Node, names: ReadonlySet<string>): boolean {
  const bodies = Object.values(node.attributes).filter((value) => value !== undefined && isGraph(value));
  return (
    node.inputs.some((input) => input && names.has(input.name)) ||
    bodies.some((body) => body.nodes.some((inner) => readsAny(inner, names)))
  );
}

function applyRule(g: Builder, node: Node, gradOutputs: (Value | null)[], needs: boolean[]): readonly (Value | null)[] {
  const { gradient } = definitionOf(node.opType, node.domain, node.name);
  invariant(gradient !== 'stops', `${node.name}: no gradient may reach ${node.opType}`);
  if (gradient === 'not-differentiable') {
    throw new FoveaError(
      'unsupported',
      `${node.name}: ${node.opType} is not differentiable, but the loss depends on a trained value through it.`,
      {
        node: node.name,
        opType: node.opType,
      },
    );
  }
  const [first] = node.outputs;
  const gradOutput = gradOutputs[0] ?? g.float(0, first!.shape);
  return gradient({
    g,
    name: node.name,
    inputs: node.inputs as unknown as Inputs,
    outputs: node.outputs as readonly [Value, ...Value[]],
    attributes: node.attributes,
    outputCount: node.outputs.length,
    gradOutput,
    gradOutputs,
    needs,
  });
}

function sumUp(g: Builder, terms: readonly Value[]): Value | null {
  // Not by ONNX's Sum, which onnxruntime computes on one thread.
  return terms.length === 0 ? null : terms.reduce((a, b) => g.add(a, b));
}

/** Undoes NumPy broadcasting: sums over axes that the input lacks or has with size 1. */
function sumToShape(g: Builder, gradient: Value, input: Value): Value {
  const extra = gradient.shape.length - input.shape.length;
  const axes = gradient.shape.flatMap((d, axis) =>
    axis < extra || (d !== 1 && input.shape[axis - extra] === 1) ? [axis] : [],
  );
  return axes.length === 0 ? g.reshape(gradient, input.shape) : g.reshape(g.reduceSum(gradient, axes), input.shape);
}
