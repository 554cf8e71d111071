/**
 * Entry of the training process, in Electron's utilityProcess and in a forked Node process alike. It trains one run and
 * ends. When its parent dies it writes a checkpoint and ends too: no orphan goes on training.
 */
import { connectToParent } from '../processes/parent-link.ts';
import type { TrainerCommand, TrainerEvent } from './messages.ts';
import { TrainingSession } from './session.ts';

/** A step and a checkpoint fit well into this; what takes longer is stuck. */
const orphanDeadlineMs = 60_000;

// The bundler puts the entries side by side.
const isBundled = !import.meta.url.endsWith('.ts');
const sampleWorker = new URL(
  isBundled ? './sample-worker.js' : '../engine/data/samples/sample-worker.ts',
  import.meta.url,
);

const parent = connectToParent<TrainerCommand, TrainerEvent>();
const session = new TrainingSession(
  (event) => parent.send(event),
  async () => {
    const { train } = await import('../engine/train/trainer.ts');
    return (options) => train({ ...options, sampleWorker });
  },
);

process.on('uncaughtException', (error) => session.fail(error));
process.on('unhandledRejection', (reason) => session.fail(reason));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => session.stop());

parent.onCommand((command) => session.handle(command));
parent.onGone(() => {
  session.stop();
  setTimeout(() => process.exit(1), orphanDeadlineMs).unref();
});
parent.send({ kind: 'ready' });

await session.ended;
await parent.drained();
process.exit(0);
