/**
 * The renderer's only door to the services. Snapshots every request (a reactive proxy cannot be cloned), unwraps the
 * envelope, and turns an error back into a FoveaError.
 */
import { fromErrorData } from '../../src-main/contract/errors.ts';
import { mediaUrl } from '../../src-main/contract/media-url.ts';
import type { CallName, Calls, EventName, Events } from '../../src-main/contract/ipc.ts';
import type { Bridge, ConnectionState } from './bridge.ts';
import { openBridge } from './open-bridge.ts';

class Connection {
  state = $state<ConnectionState>('connecting');
}
const connection = new Connection();
const reconnectListeners = new Set<() => void>();

let bridge: Bridge | null = null;
/** Opened at first use, so that importing this module has no effect. */
function theBridge(): Bridge {
  if (bridge === null) {
    bridge = openBridge();
    bridge.watchConnection((state) => {
      const regained = state === 'connected' && connection.state === 'lost';
      connection.state = state;
      if (regained) for (const listener of reconnectListeners) listener();
    });
  }
  return bridge;
}

export const api = {
  /** Throws FoveaError: what the service said, or `network` where the connection is gone. */
  async call<C extends CallName>(name: C, request: Calls[C]['request']): Promise<Calls[C]['response']> {
    const envelope = await theBridge().invoke(name, $state.snapshot(request) as Calls[C]['request']);
    if (!envelope.ok) throw fromErrorData(envelope.error);
    return envelope.value;
  },

  /** Returns a function that ends the subscription; an `$effect` may return it as it is. */
  on<E extends EventName>(event: E, listener: (payload: Events[E]) => void): () => void {
    return theBridge().on(event, listener);
  },

  /** Addresses of pictures for `<img src>`; the same in every host. */
  media: mediaUrl,

  /** Reactive: `api.connection.state`. Always 'connected' in Electron. */
  connection: connection as { readonly state: ConnectionState },

  /** Events were missed while the connection was lost: whoever keeps data reads them again here. */
  onReconnected(listener: () => void): () => void {
    reconnectListeners.add(listener);
    return () => reconnectListeners.delete(listener);
  },

  /** Absolute path of a dropped file or folder; null where the host cannot know it (a browser). */
  pathOfFile: (file: File): string | null => theBridge().pathOfFile(file),
};

export type Api = typeof api;
