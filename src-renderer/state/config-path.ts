/**
 * Reads and changes a run's configuration by the paths that knobs carry ("phases.0.learningRate"). Changes are copies;
 * where a path chooses a variant (`…kind`), the fields of the new variant come with it. Pure.
 */
import { optimiserConfig, scheduleConfig, type RunConfig } from '../../src-main/contract/model/run.ts';

export type KnobValue = string | number | boolean;
type Fields = Readonly<Record<string, KnobValue>>;
type Node = { [key: string]: unknown } | unknown[];

/** Values for fields that a variant needs and the configuration does not have yet. */
const variantDefaults: Readonly<Record<string, Fields>> = {
  sgd: { momentum: 0.9, nesterov: false, weightDecay: 0 },
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  constant: {},
  exponential: { gamma: 0.95 },
};

const variantFields = new Map(
  [...optimiserConfig.options, ...scheduleConfig.options].map((option) => [
    option.entries.kind.literal as string,
    Object.keys(option.entries),
  ]),
);

/** Undefined where the configuration has no such place (momentum, while the optimiser is Adam). */
export function valueAt(config: RunConfig, path: string): KnobValue | undefined {
  let node: unknown = config;
  for (const key of path.split('.')) {
    if (typeof node !== 'object' || node === null) return undefined;
    node = (node as Record<string, unknown>)[key];
  }
  return isKnobValue(node) ? node : undefined;
}

/** `fieldDefault` knows the default of a sibling that a new variant brings, by its full path. */
export function withValueAt(
  config: RunConfig,
  path: string,
  value: KnobValue,
  fieldDefault: (path: string) => KnobValue | undefined = () => undefined,
): RunConfig {
  const keys = path.split('.');
  const last = keys.pop()!;
  const parentPath = keys.join('.');
  return replaceNode(config as unknown as Node, keys, (parent) => {
    const fields = last === 'kind' ? variantFields.get(String(value)) : undefined;
    if (fields === undefined) return withEntry(parent, last, value);
    return variant(parent as Fields, String(value), fields, (field) => fieldDefault(`${parentPath}.${field}`));
  }) as unknown as RunConfig;
}

function variant(
  previous: Fields,
  kind: string,
  fields: readonly string[],
  fieldDefault: (field: string) => KnobValue | undefined,
): Fields {
  const valueOf = (field: string) =>
    field === 'kind' ? kind : (previous[field] ?? fieldDefault(field) ?? variantDefaults[kind]?.[field]);
  return Object.fromEntries(fields.map((field) => [field, valueOf(field)!]));
}

function replaceNode(node: Node, keys: readonly string[], change: (node: Node) => Node | Fields): Node | Fields {
  const [key, ...rest] = keys;
  if (key === undefined) return change(node);
  const child = (node as Record<string, unknown>)[key];
  if (typeof child !== 'object' || child === null) throw new Error(`internal: the configuration has no "${key}"`);
  return withEntry(node, key, replaceNode(child as Node, rest, change));
}

function withEntry(node: Node, key: string, value: unknown): Node {
  return Array.isArray(node) ? node.with(Number(key), value) : { ...node, [key]: value };
}

function isKnobValue(value: unknown): value is KnobValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
