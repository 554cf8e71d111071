/** Worker processes for tests: from source as the hosts in plain Node start them, and one that does nothing. */
import { launchNodeChild } from '../../src-main/hosts/node-child.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import type { HostPorts, WorkerProcess } from '../../src-main/services/backend.ts';
import type { WorkerReply } from '../../src-main/services/workers/messages.ts';

export const { launchWorker, launchPictures } = nodePorts();

/** An entry of a test's own. */
export function workerOf(entry: URL): HostPorts['launchWorker'] {
  return () => launchNodeChild(entry);
}

/** Is done with every task at once. */
export function launchIdleWorker(): WorkerProcess {
  let tell: (reply: WorkerReply) => void = () => undefined;
  let exit: Parameters<WorkerProcess['onExit']>[0] = () => undefined;
  queueMicrotask(() => tell({ kind: 'ready' }));
  return {
    send: ({ kind }) => {
      if (kind === 'do') queueMicrotask(() => tell({ kind: 'done', memoryBytes: 0 }));
    },
    onEvent: (listener) => (tell = listener),
    onExit: (listener) => (exit = listener),
    kill: () => queueMicrotask(() => exit({ code: null, signal: 'SIGKILL' })),
  };
}
