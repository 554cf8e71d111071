/**
 * Checks that hold for every graph we hand to a runtime: each value is made once, before it is read; outputs exist;
 * constants fit their shapes; and, with an op table, every stored shape equals the inferred one.
 */
import { invariant } from '../../contract/errors.ts';
import type { OpRules } from './builder.ts';
import { isGraph, sameShape, shapeText, sizeOf, type Graph, type Value } from './types.ts';

/** Throws an "internal:" error that names the first offending node or value. */
export function verify(graph: Graph, rules?: OpRules, outer: ReadonlySet<string> = new Set()): void {
  const known = new Set(outer);
  const define = (value: Value, where: string): void => {
    invariant(value.name !== '', `${where}: a value without a name`);
    invariant(!known.has(value.name), `${where}: the value "${value.name}" is made twice`);
    invariant(
      value.shape.every((d) => Number.isInteger(d) && d >= 0),
      `${where}: "${value.name}" has the shape ${shapeText(value.shape)}`,
    );
    known.add(value.name);
  };
  for (const value of graph.inputs) define(value, `input of ${graph.name}`);
  for (const value of graph.initializers) {
    define(value, `initializer of ${graph.name}`);
    invariant(
      value.constant?.data.length === sizeOf(value.shape),
      `initializer "${value.name}" does not fill its shape ${shapeText(value.shape)}`,
    );
  }
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      invariant(!input || known.has(input.name), `${node.name}: reads "${input?.name}", which nothing before it makes`);
    }
    for (const attribute of Object.values(node.attributes)) {
      if (attribute !== undefined && isGraph(attribute)) verify(attribute, rules, known);
    }
    rules
      ?.inferOutputs(node, node.outputs.length)
      .slice(0, node.outputs.length)
      .forEach((type, i) => {
        const output = node.outputs[i]!;
        invariant(
          sameShape(type.shape, output.shape) && type.dataType === output.dataType,
          `${node.name}: output ${i} is stored as ${output.dataType} ${shapeText(output.shape)}, but the rule gives ${type.dataType} ${shapeText(type.shape)}`,
        );
      });
    for (const output of node.outputs) define(output, node.name);
  }
  for (const output of graph.outputs)
    invariant(known.has(output.name), `output "${output.name}" of ${graph.name} is never made`);
}
