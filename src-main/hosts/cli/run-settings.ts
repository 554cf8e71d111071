/** The configuration of a run from the command line: the template, then a file's values, then --set path=value. */
import { readFile } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import type { Knob } from '../../contract/model/model-spec.ts';
import type { Calls } from '../../contract/ipc.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { table } from './io.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };
type RunTemplate = Calls['run.template']['response'];

/**
 * The template holds only the fields of the kinds that it chooses (Adam's, say). The knobs' defaults stand in for those
 * of the others, so that SGD can be chosen by one word; what does not belong to the kind chosen in the end is dropped
 * by the schema. That also checks the result: `run.check` and `run.start` refuse what is no RunConfig.
 */
export function withSettings(
  { config: template, knobs }: RunTemplate,
  fromFile: unknown,
  assignments: readonly string[],
): RunConfig {
  const complete = structuredClone(template) as Json;
  for (const { path, defaultValue } of knobs) fillIn(complete, path, defaultValue);
  const config = merge(complete, fromFile as Json);
  for (const assignment of assignments) assign(config as JsonObject, assignment);
  return config as unknown as RunConfig;
}

/** Throws FoveaError `bad-input` where the file cannot be read or is no JSON object. */
export async function readConfigFile(file: string): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    throw new Error('it holds no JSON object');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('bad-input', `The configuration ${file} cannot be used: ${why}`, { file }, { cause });
  }
}

export function settingsTable(knobs: readonly Knob[]): string {
  const rows = knobs.map(({ path, defaultValue, explanation }) => [path, String(defaultValue), explanation]);
  return table(['setting', 'default', 'what it does'], rows);
}

/** Objects are merged key by key; everything else, lists too, is replaced. */
function merge(base: Json, over: Json): Json {
  if (!isObject(base) || !isObject(over)) return over;
  const merged = Object.entries(over).map(([key, value]) => {
    const own = child(base, key);
    return [key, own === undefined ? value : merge(own, value)] as const;
  });
  return Object.fromEntries([...Object.entries(base), ...merged]);
}

function fillIn(config: Json, path: string, value: Json): void {
  const { owner, key } = locate(config, path);
  if (isObject(owner) && !Object.hasOwn(owner, key)) owner[key] = value;
}

function assign(config: JsonObject, assignment: string): void {
  const split = assignment.indexOf('=');
  if (split < 1) throw new FoveaError('invalid-request', `--set ${assignment}: expected path=value.`);
  const path = assignment.slice(0, split);
  const { owner, key } = locate(config, path);
  if (child(owner, key) === undefined) {
    const message = `--set ${path}: there is no such setting. List them with: fovea train … --list-settings`;
    throw new FoveaError('invalid-request', message, { path });
  }
  (owner as JsonObject)[key] = parseValue(assignment.slice(split + 1));
}

/** The object or list that holds the last step of a path, undefined where the way there does not exist. */
function locate(config: Json, path: string): { owner: Json | undefined; key: string } {
  const steps = path.split('.');
  const key = steps.pop() as string;
  const owner = steps.reduce<Json | undefined>(child, config);
  return { owner, key };
}

function child(owner: Json | undefined, key: string): Json | undefined {
  if (typeof owner !== 'object' || owner === null || !Object.hasOwn(owner, key)) return undefined;
  return (owner as JsonObject)[key];
}

/** `0.01`, `true`, `["conv1"]` as JSON; what is no JSON is taken as text. */
function parseValue(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
