/** What the renderer needs from whatever carries its calls. One implementation for each way to reach the services. */
import type { Envelope } from '../../src-main/contract/errors.ts';
import type { CallName, Calls, EventName, Events } from '../../src-main/contract/ipc.ts';

/** 'connecting' only before the first connection; 'lost' while trying to get it back. */
export type ConnectionState = 'connecting' | 'connected' | 'lost';

export interface Bridge {
  /** Never rejects: a lost connection is an envelope with the code `network`. */
  invoke<C extends CallName>(name: C, request: Calls[C]['request']): Promise<Envelope<Calls[C]['response']>>;
  on<E extends EventName>(event: E, listener: (payload: Events[E]) => void): () => void;
  /** Calls the listener once now and at each change; returns a function that ends the subscription. */
  watchConnection(listener: (state: ConnectionState) => void): () => void;
  /** Null where the host cannot know where a dropped file lies. */
  pathOfFile(file: File): string | null;
}
