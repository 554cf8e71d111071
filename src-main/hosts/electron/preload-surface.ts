/**
 * What the preload exposes, built from the contract: one function for each call and each event. Takes Electron's parts
 * as arguments, so that a test can hold the surface against the contract.
 */
import type { CallFunctions, EventSubscriptions, PreloadSurface } from '../../contract/bridge.ts';
import { callNames, eventNames, type EventName } from '../../contract/ipc.ts';
import { callChannel, eventChannel } from './channels.ts';

export interface PreloadPorts {
  invoke(channel: string, ...args: unknown[]): Promise<unknown>;
  on(channel: string, listener: (event: unknown, ...args: unknown[]) => void): void;
  pathOfFile(file: unknown): string;
}

type Listener = (payload: unknown) => void;

export function buildPreloadSurface(ports: PreloadPorts): PreloadSurface {
  const listeners = new Map<EventName, Set<Listener>>(eventNames.map((name) => [name, new Set()]));
  ports.on(eventChannel, (_event, name, payload) => {
    for (const listener of listeners.get(name as EventName) ?? []) listener(payload);
  });

  const invoke = (name: string) => (request: unknown) => ports.invoke(callChannel, name, request);
  const subscribe = (name: EventName) => (listener: Listener) => {
    const subscription: Listener = (payload) => listener(payload);
    listeners.get(name)?.add(subscription);
    return () => {
      listeners.get(name)?.delete(subscription);
    };
  };

  return {
    calls: Object.fromEntries(callNames.map((name) => [name, invoke(name)])) as CallFunctions,
    on: Object.fromEntries(eventNames.map((name) => [name, subscribe(name)])) as unknown as EventSubscriptions,
    pathOfFile: (file) => ports.pathOfFile(file),
  };
}
