/**
 * What a tuner found out: for each operator with its shapes, the formulation to take on this machine. Kept in a file, each
 * machine, device and runtime by itself.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import * as v from 'valibot';
import type { Device } from '../../contract/model/run.ts';
import type { Node } from '../graph/types.ts';
import type { ChooseFormulation } from '../passes/lower.ts';
import { writeTextAtomicSync } from '../weights/atomic-file.ts';

/** Formulations by `nodeKey`. */
export type Choices = ReadonlyMap<string, string>;

const tuningFile = v.object({
  version: v.literal(2),
  places: v.record(v.string(), v.record(v.string(), v.string())),
});
type TuningFile = v.InferOutput<typeof tuningFile>;

/** Operator, shapes and attributes: all that a formulation's speed depends on. */
export function nodeKey({ opType, inputs, attributes }: Pick<Node, 'opType' | 'inputs' | 'attributes'>): string {
  const shapes = inputs.map((input) => (input ? input.shape.join('×') || 'scalar' : '–'));
  return [opType, shapes.join(' '), JSON.stringify(attributes)].join(' | ');
}

/** The chosen formulation where there is one and it applies, else the first that does. */
export const chooseBy =
  (choices: Choices): ChooseFormulation =>
  (node, applicable) => {
    const chosen = choices.get(nodeKey(node));
    return chosen !== undefined && applicable.includes(chosen) ? chosen : applicable[0]!;
  };

export interface Place {
  device: Device;
  /** `Runtime.description` */
  runtime: string;
  threads: number;
  channelBlock: number | null;
}

const placeName = ({ device, runtime, threads, channelBlock }: Place): string =>
  [cpus()[0]?.model.trim() ?? 'unknown', device, runtime, `${threads} threads`, `blocks of ${channelBlock ?? 1}`].join(
    ', ',
  );

/** Nothing where there is no file, or it is damaged or from elsewhere: then the rules decide. */
export const readTuning = (file: string, place: Place): Map<string, string> =>
  new Map(Object.entries(readPlaces(file)[placeName(place)] ?? {}));

/** In place of what was known of this place; that of others stays. */
export function writeTuning(file: string, place: Place, choices: Choices): void {
  const places = { ...readPlaces(file), [placeName(place)]: Object.fromEntries(choices) };
  writeTextAtomicSync(file, `${JSON.stringify({ version: 2, places } satisfies TuningFile, null, 1)}\n`);
}

function readPlaces(file: string): TuningFile['places'] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), tuningFile), text);
  return parsed.success ? parsed.output.places : {};
}
