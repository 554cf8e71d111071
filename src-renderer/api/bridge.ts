/**
 * How the renderer reaches the services: Electron's preload where it is there, one WebSocket otherwise. Knows nothing
 * of what the calls mean; only `client.svelte.ts` uses it.
 */
import type { PreloadSurface } from '../../src-main/contract/bridge.ts';
import type { Envelope } from '../../src-main/contract/errors.ts';
import type { CallName, Calls, EventName, Events } from '../../src-main/contract/ipc.ts';
import { openSocketBridge } from './socket-bridge.ts';

/** 'connecting' only before the first connection; 'lost' while trying to get it back. */
export type ConnectionState = 'connecting' | 'connected' | 'lost';

export interface Bridge {
  /** Never rejects: a lost connection is an envelope with the code `network`. */
  invoke<C extends CallName>(name: C, request: Calls[C]['request']): Promise<Envelope<Calls[C]['response']>>;
  on<E extends EventName>(event: E, listener: (payload: Events[E]) => void): () => void;
  /** Calls the listener at each change and once at once; returns a function that ends the subscription. */
  watchConnection(listener: (state: ConnectionState) => void): () => void;
  /** Null where the host cannot know where a dropped file lies. */
  pathOfFile(file: File): string | null;
}

declare global {
  interface Window {
    readonly fovea?: PreloadSurface;
  }
}

export function openBridge(): Bridge {
  return window.fovea === undefined ? openSocketBridge(document.baseURI) : preloadBridge(window.fovea);
}

function preloadBridge(surface: PreloadSurface): Bridge {
  return {
    invoke: (name, request) => surface.calls[name](request),
    on: (event, listener) => surface.on[event](listener),
    watchConnection(listener) {
      listener('connected');
      return () => {};
    },
    pathOfFile: (file) => surface.pathOfFile(file) || null,
  };
}
