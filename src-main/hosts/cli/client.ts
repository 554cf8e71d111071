/** The command line's way to the services: every call goes through `dispatch`, so it is checked as a window's is. */
import { fromErrorData } from '../../contract/errors.ts';
import type { CallName, Calls, EventName, Events } from '../../contract/ipc.ts';
import type { Backend } from '../../services/backend.ts';
import { dispatch } from '../dispatch.ts';

export interface Client {
  /** Throws FoveaError. */
  call<C extends CallName>(name: C, request: Calls[C]['request']): Promise<Calls[C]['response']>;
  subscribe<E extends EventName>(event: E, listener: (payload: Events[E]) => void): () => void;
}

export function clientOf(backend: Backend): Client {
  return {
    async call(name, request) {
      const envelope = await dispatch(backend.handlers, name, request);
      if (!envelope.ok) throw fromErrorData(envelope.error);
      return envelope.value as Calls[typeof name]['response'];
    },
    subscribe: (event, listener) => backend.subscribe(event, listener),
  };
}
