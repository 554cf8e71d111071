/**
 * The worker process's work on training data: it reads the project's rows over a connection of its own, decodes
 * photographs, and writes packs and a run's data.json.
 */
import { openReader } from '../../store/project-store.ts';
import type { TaskPort } from '../workers/task-port.ts';
import type { DataMessage, DataTask } from './messages.ts';
import { packFiles } from './pack-files.ts';
import { prepare } from './prepare.ts';
import { preview } from './preview.ts';

type Port = TaskPort<DataMessage>;

export async function performDataTask(task: DataTask, port: Port): Promise<void> {
  if (task.kind === 'pack-files') return pack(task, port);
  const store = openReader(task.database);
  try {
    if (task.kind === 'prepare') await prepare({ store, ...port }, task);
    else port.post({ kind: 'preview', batch: await preview(store, task, port.throwIfStopped) });
  } finally {
    store.close();
  }
}

async function pack(
  { files, target, network, fit }: Extract<DataTask, { kind: 'pack-files' }>,
  { post }: Port,
): Promise<void> {
  let done = 0;
  const packed = await packFiles(files, target, { network, fit }, () =>
    post({ kind: 'progress', done: ++done, total: files.length }),
  );
  post({ kind: 'packed', packed });
}
