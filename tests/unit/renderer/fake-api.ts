/** The renderer's door to the services, ended in a fake backend: for testing state without a bridge. */
import type { Api } from '../../../src-renderer/api/client.svelte.ts';
import { mediaUrl } from '../../../src-main/contract/media-url.ts';
import type { CallName, Calls, EventName, Events } from '../../../src-main/contract/ipc.ts';
import type { FakeBackend } from '../../helpers/fake-backend.ts';

export interface FakeApi extends Api {
  /** As when a lost connection is there again. */
  reconnect(): void;
}

export function createFakeApi(backend: FakeBackend): FakeApi {
  const reconnectListeners = new Set<() => void>();
  return {
    call<C extends CallName>(name: C, request: Calls[C]['request']): Promise<Calls[C]['response']> {
      const handler = backend.handlers[name] as (request: Calls[C]['request']) => Promise<Calls[C]['response']>;
      return handler(structuredClone(request));
    },
    on: <E extends EventName>(event: E, listener: (payload: Events[E]) => void) => backend.subscribe(event, listener),
    media: mediaUrl,
    connection: { state: 'connected' },
    onReconnected(listener) {
      reconnectListeners.add(listener);
      return () => reconnectListeners.delete(listener);
    },
    pathOfFile: () => null,
    reconnect: () => reconnectListeners.forEach((listener) => listener()),
  };
}
