/** Runs one task in the thread that prepares training data. */
import { runThread } from '../worker-thread.ts';
import type { DataMessage, DataTask } from './messages.ts';

/** As `runThread`. */
export function runDataWorker(
  entry: URL,
  task: DataTask,
  signal: AbortSignal,
  handle: (message: DataMessage) => void,
): Promise<void> {
  return runThread(entry, { task, name: 'training data', decodes: true }, signal, handle);
}
