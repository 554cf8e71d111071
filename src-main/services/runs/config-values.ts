/** A configuration as a flat list of paths ("phases.0.learningRate") and values, the form in which settings are compared
 *  and defaults are put in. Pure; works on any JSON document. */

import { invariant } from '../../contract/errors.ts';

export type ConfigValue = string | number | boolean | null | readonly unknown[];

/** Every value by its path, in the order of the document. A list of plain values ("freeze") is one value. */
export function valuesByPath(document: unknown): Map<string, ConfigValue> {
  const values = new Map<string, ConfigValue>();
  collect(document, [], values);
  return values;
}

/** A copy with one value replaced or added. The objects on the way to it must be there. */
export function withValueAt(document: unknown, path: string, value: unknown): unknown {
  const copy = structuredClone(document);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<unknown>((node, key) => (isObject(node) ? node[key] : undefined), copy);
  invariant(isObject(parent), `the configuration has nothing at "${keys.join('.')}" to set "${last}" in`);
  parent[last] = value;
  return copy;
}

function collect(node: unknown, keys: readonly string[], values: Map<string, ConfigValue>): void {
  const isBranch = isObject(node) && !(Array.isArray(node) && node.every((item) => !isObject(item)));
  if (isBranch) for (const [key, child] of Object.entries(node)) collect(child, [...keys, key], values);
  else values.set(keys.join('.'), node as ConfigValue);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
