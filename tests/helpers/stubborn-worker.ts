/**
 * A worker process that misbehaves as its path says, for tests of crashes: "exit" dies in the middle of an import, "hang"
 * stops there. Up to that point it does what a real one does: it has announced, written and sent half of the images.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImportMessage, ImportTask } from '../../src-main/services/import/messages.ts';
import { connectToParent } from '../../src-main/processes/parent-link.ts';
import type { WorkerCommand, WorkerReply } from '../../src-main/services/workers/messages.ts';

const parent = connectToParent<WorkerCommand, WorkerReply>();
const post = (message: ImportMessage): void => parent.send({ kind: 'message', message });
const given = new Promise<WorkerCommand>((resolve) => parent.onCommand(resolve));
parent.send({ kind: 'ready' });
const { task } = (await given) as { task: Extract<ImportTask, { kind: 'import' }> };
const pack = { file: `${task.packPrefix}train.u8`, count: 2000, channels: 3, heightPx: 32, widthPx: 32 };

writeFileSync(join(task.packsFolder, `${pack.file}.part`), new Uint8Array(1000 * 3072));
post({ kind: 'categories', categories: ['a', 'b'] });
post({ kind: 'pack', pack });
post({ kind: 'progress', step: 'Reading x', done: 1000, total: 2000 });
post({
  kind: 'rows',
  rows: { split: 'train', pack: pack.file, firstRow: 0, sourceFile: 'x', firstNumber: 0, labels: new Uint8Array(1000) },
});
await delay(150);
if (task.path === 'exit') process.exit(3);
await delay(60_000);
