/**
 * The way to the process that started this one: Electron's `process.parentPort` in a utilityProcess, the IPC channel in
 * a forked Node process. The only place that tells the two apart.
 */
export interface ParentLink<Command, Event> {
  /** A message to a parent that is gone is dropped. */
  send(event: Event): void;
  onCommand(listener: (command: Command) => void): void;
  /** The parent ended, or closed the channel. */
  onGone(listener: () => void): void;
  /** Resolves when what was sent has left this process. */
  drained(): Promise<void>;
}

/** The part of Electron's ParentPort that is used here; Electron's own types would bring Electron into this room. */
interface ParentPort {
  on(event: 'message', listener: (message: { data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  postMessage(message: unknown): void;
}

/** Electron gives no sign that a posted message has arrived; this is ample for a message port between two processes. */
const portDrainMs = 200;

/** Throws where this process has no parent to report to. */
export function connectToParent<Command, Event>(): ParentLink<Command, Event> {
  const parentPort: unknown = Reflect.get(process, 'parentPort');
  if (isParentPort(parentPort)) return overParentPort(parentPort);
  if (process.send) return overChannel(process.send.bind(process));
  throw new Error('This process is started by Fovea, not by hand.');
}

function isParentPort(value: unknown): value is ParentPort {
  return typeof value === 'object' && value !== null && 'postMessage' in value;
}

function overParentPort<Command, Event>(port: ParentPort): ParentLink<Command, Event> {
  return {
    send: (event) => port.postMessage(event),
    onCommand: (listener) => port.on('message', ({ data }) => listener(data as Command)),
    onGone: (listener) => port.on('close', listener),
    drained: () => new Promise((resolve) => setTimeout(resolve, portDrainMs)),
  };
}

function overChannel<Command, Event>(send: NonNullable<typeof process.send>): ParentLink<Command, Event> {
  let lastSent = Promise.resolve();
  return {
    send(event) {
      // The callback takes the error of a parent that just died, which would otherwise end this process before its last
      // checkpoint is written.
      lastSent = new Promise((resolve) => send(event, undefined, undefined, () => resolve()));
    },
    onCommand: (listener) => process.on('message', (message) => listener(message as Command)),
    onGone: (listener) => process.once('disconnect', listener),
    drained: () => lastSent,
  };
}
