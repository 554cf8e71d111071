/**
 * Entry of the worker process, in Electron's utilityProcess and in a forked Node process alike: work that would hold up
 * the main one, or that an odd file might crash. It reads and checks data sets, writes packs and exports, answers questions
 * about whole data sets and prepares training data; rows and everything visible are the store's owner's. It does one task
 * at a time, and waits for the next.
 */
import { invariant, toErrorData } from '../../contract/errors.ts';
import { connectToParent } from '../../processes/parent-link.ts';
import { checkpointDatabase } from '../../store/checkpoint.ts';
import { performImport } from '../import/perform-import.ts';
import { drawPictures } from '../runs/artifacts/pictures/draw-pictures.ts';
import { writePredictions, type WritePredictionsMessage } from '../predict/write-predictions.ts';
import { writeTiles } from '../tiles/write-tiles.ts';
import { performDataTask } from '../training-data/perform-data-task.ts';
import type { WorkerCommand, WorkerReply } from './messages.ts';
import { TaskPort } from './task-port.ts';

type DoCommand = Extract<WorkerCommand, { kind: 'do' }>;

const parent = connectToParent<WorkerCommand, WorkerReply>();
let port: TaskPort<unknown> | null = null;

async function perform(command: DoCommand, to: TaskPort<unknown>): Promise<void> {
  switch (command.work) {
    case 'import':
      return performImport(command.task, to);
    case 'training data':
      return performDataTask(command.task, to);
    case 'pictures':
      return drawPictures(command.task, (message) => to.post(message));
    case 'predictions':
      return writePredictions(command.task, to as TaskPort<WritePredictionsMessage>);
    case 'tiles':
      return writeTiles(command.task);
    case 'checkpoint':
      return checkpointDatabase(command.task.file);
  }
}

async function answer(command: DoCommand): Promise<void> {
  invariant(port === null, 'the worker process was given a second task');
  const own = (port = new TaskPort((message) => parent.send({ kind: 'message', message })));
  const reply = await perform(command, own).then(
    () => ({ kind: 'done' }) as const,
    (error: unknown) => ({ kind: 'failed', error: toErrorData(error) }) as const,
  );
  port = null;
  parent.send({ ...reply, memoryBytes: process.memoryUsage.rss() });
}

parent.onGone(() => process.exit(1));
parent.onCommand((command) => {
  if (command.kind === 'do') void answer(command);
  else if (command.kind === 'stop') port?.stop();
  else port?.taken();
});
parent.send({ kind: 'ready' });
