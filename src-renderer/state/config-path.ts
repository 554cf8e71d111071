/**
 * Reads and changes a run's configuration by the paths that knobs carry ("phases.0.learningRate"). Changes are copies;
 * where a path chooses a variant (`…kind`), the fields of the new variant come with it. Pure.
 */
import { optimiserConfig, scheduleConfig, type RunConfig } from '../../src-main/contract/model/run.ts';

type PlainValue = string | number | boolean | null;
type Fields = Readonly<Record<string, PlainValue>>;
/** Null is a setting that is off; a record of plain values is one with fields of its own. */
export type KnobValue = PlainValue | Fields;
type Node = { [key: string]: unknown } | unknown[];

/** Values for fields that a variant needs and the configuration does not have yet. */
const variantDefaults: Readonly<Record<string, Fields>> = {
  sgd: { momentum: 0.9, nesterov: false, weightDecay: 0 },
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  rmsprop: { alpha: 0.99, epsilon: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
  constant: {},
  step: { everyEpochs: 10, gamma: 0.1 },
  exponential: { gamma: 0.95 },
  cosine: { finalFactor: 0.01 },
  linear: { finalFactor: 0.01 },
  'one-cycle': { startFactor: 0.04, finalFactor: 0.0001, riseFraction: 0.3 },
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

/** `fieldDefault` knows the default of a sibling that a new variant brings, by its full path and the variant. */
export function withValueAt(
  config: RunConfig,
  path: string,
  value: KnobValue,
  fieldDefault: (path: string, kind: string) => PlainValue | undefined = () => undefined,
): RunConfig {
  const keys = path.split('.');
  const last = keys.pop()!;
  const parentPath = keys.join('.');
  return replaceNode(config as unknown as Node, keys, (parent) => {
    const fields = last === 'kind' ? variantFields.get(String(value)) : undefined;
    if (fields === undefined) return withEntry(parent, last, value);
    return variant(parent as Fields, String(value), fields, (field, kind) =>
      fieldDefault(`${parentPath}.${field}`, kind),
    );
  }) as unknown as RunConfig;
}

function variant(
  previous: Fields,
  kind: string,
  fields: readonly string[],
  fieldDefault: (field: string, kind: string) => PlainValue | undefined,
): Fields {
  const valueOf = (field: string): PlainValue | undefined => {
    if (field === 'kind') return kind;
    const kept = previous[field];
    // A default of the previous variant is nobody's choice.
    const chosen = kept !== undefined && kept !== fieldDefault(field, String(previous['kind']));
    return chosen ? kept : (fieldDefault(field, kind) ?? variantDefaults[kind]?.[field] ?? kept);
  };
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
  if (isPlain(value)) return true;
  return typeof value === 'object' && !Array.isArray(value) && Object.values(value as object).every(isPlain);
}

function isPlain(value: unknown): value is PlainValue {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
