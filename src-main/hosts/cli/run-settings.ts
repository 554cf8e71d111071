/** The configuration of a run from the command line: the template, then a file's values, then --set path=value. */
import { readFile } from 'node:fs/promises';
import { FoveaError } from '../../contract/errors.ts';
import type { Knob } from '../../contract/model/model-spec.ts';
import type { Calls } from '../../contract/ipc.ts';
import { upgradeRunConfig } from '../../contract/model/run-config-versions.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { table } from './io.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };
type RunTemplate = Calls['run.template']['response'];

/**
 * The template holds only the fields of the kinds that it chooses (Adam's, say). The knobs' defaults stand in for those
 * of the others, so that SGD can be chosen by one word, and for those that a file leaves out of its phases; what does not
 * belong to the kind chosen in the end is dropped by the schema. That also checks the result: `run.check` and `run.start`
 * refuse what is no RunConfig.
 */
export function withSettings(
  { config: template, knobs }: RunTemplate,
  fromFile: unknown,
  assignments: readonly string[],
): RunConfig {
  const config = merge(structuredClone(template) as Json, upgradeRunConfig(fromFile) as Json) as JsonObject;
  if (Array.isArray(config['phases'])) config['phases'] = config['phases'].map(withRecords);
  const settings = assignments.map(parseAssignment);
  for (const setting of settings.filter(isKind)) chooseKind(config, knobs, setting);
  for (const knob of knobsOfAllPhases(config, knobs)) fillIn(config, knob);
  for (const setting of settings.filter((each) => !isKind(each))) assign(config, knobs, setting);
  return config as unknown as RunConfig;
}

/** Throws FoveaError `bad-input` where the file cannot be read or is no JSON object. */
export async function readConfigFile(file: string): Promise<object> {
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
  const rows = knobs.map(({ path, defaultValue, explanation }) => [path, String(defaultValue ?? 'off'), explanation]);
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

/** A phase of a file need not say what stays as usual. */
const withRecords = (phase: Json): Json =>
  isObject(phase) ? { optimiser: {}, schedule: {}, warmup: {}, freeze: [], ...phase } : phase;

interface Assignment {
  path: string;
  value: Json;
}

function parseAssignment(text: string): Assignment {
  const split = text.indexOf('=');
  if (split < 1) throw new FoveaError('invalid-request', `--set ${text}: expected path=value.`);
  return { path: text.slice(0, split), value: parseValue(text.slice(split + 1)) };
}

/** Knobs describe the first phase; the others have the same. */
function knobsOfAllPhases({ phases }: JsonObject, knobs: readonly Knob[]): Knob[] {
  const count = Array.isArray(phases) ? phases.length : 0;
  const all = knobs.flatMap((knob) => {
    if (!knob.path.startsWith(firstPhase)) return [knob];
    return Array.from({ length: count }, (_, phase) => ({ ...knob, path: pathInPhase(knob.path, phase) }));
  });
  // Defaults of others depend on the kinds.
  return [...all.filter(isKind), ...all.filter((knob) => !isKind(knob))];
}

const isKind = ({ path }: { path: string }): boolean => path.endsWith('.kind');

const firstPhase = 'phases.0.';
const pathInPhase = (path: string, phase: number): string => `phases.${phase}.${path.slice(firstPhase.length)}`;
const knobAt = (knobs: readonly Knob[], path: string): Knob | undefined =>
  knobs.find((knob) => knob.path === path.replace(/^phases\.\d+\./, firstPhase));

function fillIn(config: Json, knob: Knob): void {
  const { owner, key } = locate(config, knob.path);
  if (isObject(owner) && !Object.hasOwn(owner, key)) owner[key] = defaultUnder(knob, owner['kind']);
}

const defaultUnder = ({ defaultValue, defaultsByKind }: Knob, kind: Json | undefined): Knob['defaultValue'] =>
  (typeof kind === 'string' ? defaultsByKind?.[kind] : undefined) ?? defaultValue;

/** Defaults of the kind before are nobody's choice: they make room for those of the new one. */
function chooseKind(config: Json, knobs: readonly Knob[], setting: Assignment): void {
  const { owner, key } = locate(config, setting.path);
  if (!isObject(owner)) throw noSuchSetting(setting.path);
  for (const [field, value] of Object.entries(owner)) {
    const knob = knobAt(knobs, setting.path.replace(/kind$/, field));
    if (field !== key && knob && defaultUnder(knob, owner['kind']) === value) delete owner[field];
  }
  owner[key] = setting.value;
}

function assign(config: JsonObject, knobs: readonly Knob[], { path, value }: Assignment): void {
  switchOnAround(config, knobs, path);
  const { owner, key } = locate(config, path);
  if (child(owner, key) === undefined) throw noSuchSetting(path);
  (owner as JsonObject)[key] = wordFor(value, knobAt(knobs, path));
}

/** `ema.decay=0.99` also switches on what it is a part of. */
function switchOnAround(config: JsonObject, knobs: readonly Knob[], path: string): void {
  const outer = path.replace(/\.[^.]+$/, '');
  const control = knobAt(knobs, outer)?.control;
  const { owner, key } = locate(config, outer);
  if (control?.kind === 'optional' && isObject(owner) && owner[key] === null) owner[key] = { ...control.whenOn };
}

/** What can be switched off takes `on` and `off`. */
function wordFor(value: Json, knob: Knob | undefined): Json {
  const { control } = knob ?? {};
  if (control?.kind !== 'optional' && control?.kind !== 'optional-number') return value;
  return value === 'off' ? null : value === 'on' ? structuredClone(control.whenOn) : value;
}

function noSuchSetting(path: string): FoveaError {
  const message = `--set ${path}: there is no such setting. List them with: fovea train … --list-settings`;
  return new FoveaError('invalid-request', message, { path });
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
