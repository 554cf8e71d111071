/**
 * The shape of the bridge on the renderer's side, and the frames that carry it over a WebSocket. Derived from the call
 * map; holds no behaviour. `window.fovea` (preload) and the WebSocket client both end in these types.
 */
import * as v from 'valibot';
import type { Envelope } from './errors.ts';
import type { CallName, Calls, EventName, Events } from './ipc.ts';

export type CallFunctions = {
  [C in CallName]: (request: Calls[C]['request']) => Promise<Envelope<Calls[C]['response']>>;
};

/** Each function returns one that ends the subscription. */
export type EventSubscriptions = { [E in EventName]: (listener: (payload: Events[E]) => void) => () => void };

/** What Electron's preload exposes as `window.fovea`: named functions only, no channel names. */
export interface PreloadSurface {
  calls: CallFunctions;
  on: EventSubscriptions;
  /** Absolute path of a `File` that the person dropped or chose; empty for a file that is not on disk. */
  pathOfFile(file: unknown): string;
}

export const clientFrame = v.object({
  /** Chosen by the client, given back with the answer; unique among the calls in flight on one socket. */
  id: v.pipe(v.number(), v.integer(), v.minValue(0)),
  call: v.string(),
  request: v.unknown(),
});
export type ClientFrame = v.InferOutput<typeof clientFrame>;

export type ServerFrame =
  { id: number; envelope: Envelope<unknown> } | { [E in EventName]: { event: E; payload: Events[E] } }[EventName];

/** Path of the WebSocket, relative to the page. */
export const socketPath = 'bridge';
