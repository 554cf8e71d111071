/**
 * Entry of the process that does one task with the engine, in Electron's utilityProcess and in a forked Node process
 * alike, and ends. It holds nothing that would be lost, so who no longer wants its answer kills it.
 */
import { invariant, toErrorData } from '../contract/errors.ts';
import type { TaskCommand, TaskEvent } from './messages.ts';
import { connectToParent } from '../processes/parent-link.ts';
import { doTask } from './tasks.ts';

const parent = connectToParent<TaskCommand, TaskEvent>();

async function end(event: TaskEvent): Promise<never> {
  parent.send(event);
  await parent.drained();
  process.exit(0);
}
const fail = (error: unknown): void => void end({ kind: 'failed', error: toErrorData(error) });

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
parent.onGone(() => process.exit(1));

let isBusy = false;
parent.onCommand(({ task }) => {
  invariant(!isBusy, 'a task process was given a second task');
  isBusy = true;
  doTask(task, (step, done, total) => parent.send({ kind: 'progress', step, done, total })).then(
    (answer) => end({ kind: 'done', answer }),
    fail,
  );
});
parent.send({ kind: 'ready' });
