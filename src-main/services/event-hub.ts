/** Carries events from the services to whoever listens. Listeners are called in turn, at once. */
import type { Emit, EventName, Events } from '../contract/ipc.ts';

type Listener<E extends EventName> = (payload: Events[E]) => void;

export class EventHub {
  #listeners: { [E in EventName]?: Set<Listener<E>> } = {};

  /** Returns a function that ends the subscription. */
  subscribe<E extends EventName>(event: E, listener: Listener<E>): () => void {
    const listeners = this.#of(event);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit: Emit = (event, payload) => {
    for (const listener of [...this.#of(event)]) listener(payload);
  };

  #of<E extends EventName>(event: E): Set<Listener<E>> {
    const listeners: Set<Listener<E>> = this.#listeners[event] ?? new Set();
    (this.#listeners as Record<E, Set<Listener<E>>>)[event] = listeners;
    return listeners;
  }
}
