/** What the passes need to know of the machine that a graph is to run on. */
import type { PassOptions } from '../passes/index.ts';
import type { Runtime, SessionOptions } from '../runtime/runtime.ts';
import { channelBlockOf } from './channel-block.ts';
import { chooseBy, readTuning, type Place } from './tuning.ts';

/** Names the file that a tuner wrote; unset, the rules decide, which need no tuning. */
const tuningVariable = 'FOVEA_TUNING';
export const tuningFile = (): string | null => process.env[tuningVariable] ?? null;

export async function placeOf(runtime: Runtime, { device, threads }: SessionOptions): Promise<Place> {
  return { device, threads, runtime: runtime.description, channelBlock: await channelBlockOf(runtime, device) };
}

/** For `optimise`. */
export async function passesFor(runtime: Runtime, options: SessionOptions): Promise<PassOptions> {
  const place = await placeOf(runtime, options);
  const file = tuningFile();
  const { channelBlock } = place;
  return file ? { channelBlock, choose: chooseBy(readTuning(file, place)) } : { channelBlock };
}
