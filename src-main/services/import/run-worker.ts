/** Runs one task in an import worker thread. */
import { isFileFormat } from '../../contract/model/dataset.ts';
import { runThread } from '../worker-thread.ts';
import type { ImportMessage, ImportTask } from './messages.ts';

/** As `runThread`. */
export function runImportWorker(
  entry: URL,
  task: ImportTask,
  signal: AbortSignal | null,
  handle: (message: ImportMessage) => void,
): Promise<void> {
  const decodes = task.kind !== 'import' || isFileFormat(task.format);
  return runThread(entry, { task, name: 'import', decodes }, signal, handle);
}
