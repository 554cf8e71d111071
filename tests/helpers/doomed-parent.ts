/** A process to be killed by a test: it starts a training process on the job in its first argument (JSON), and prints
 *  the number of that process once it trains. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TrainerCommand, TrainerEvent, TrainJob } from '../../src-main/training-process/messages.ts';

const job = JSON.parse(process.argv[2] ?? '') as TrainJob;
const entry = fileURLToPath(new URL('../../src-main/training-process/main.ts', import.meta.url));
const child = fork(entry, [], { serialization: 'advanced', detached: true });
child.on('message', (message) => {
  const event = message as TrainerEvent;
  if (event.kind === 'ready') child.send({ kind: 'train', job } satisfies TrainerCommand);
  if (event.kind === 'points') console.log(child.pid);
});
