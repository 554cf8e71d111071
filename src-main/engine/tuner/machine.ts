/** What the passes need to know of the machine that a graph is to run on. */
import type { PassOptions } from '../passes/index.ts';
import type { Runtime, SessionOptions } from '../runtime/runtime.ts';
import { channelBlockOf } from './channel-block.ts';
import { chooseBy, readTuning, type Choices, type Place } from './tuning.ts';

export async function placeOf(runtime: Runtime, { device, threads }: SessionOptions): Promise<Place> {
  return { device, threads, runtime: runtime.description, channelBlock: await channelBlockOf(runtime, device) };
}

/** For `optimise`. `tuning`: the file of a tuner; null where the rules decide. */
export async function passesFor(
  runtime: Runtime,
  options: SessionOptions,
  tuning: string | null,
): Promise<PassOptions> {
  const place = await placeOf(runtime, options);
  return passesBy(place, tuning ? readTuning(tuning, place) : new Map());
}

export const passesBy = ({ channelBlock }: Place, choices: Choices): PassOptions => ({
  channelBlock,
  choose: chooseBy(choices),
});
