/**
 * Trains the run of a folder to its end, without a project: what a scheduler starts on another machine that sees the
 * folder. The app that made the folder reads there how far it is. Goes on from the checkpoint where there is one.
 */
import { resolve } from 'node:path';
import type { HostPorts } from '../../services/backend.ts';
import { describeDeath } from '../../services/process-death.ts';
import { jobOfFolder } from '../../services/runs/folder-job.ts';
import type { TrainerEvent } from '../../training-process/messages.ts';
import { cancelOnInterrupt, logText, progressLine } from './follow.ts';
import { exitCodes, LiveLine, say, type CliIo, type ExitCode } from './io.ts';

export async function trainFolder(
  { io, launchTrainer }: { io: CliIo; launchTrainer: HostPorts['launchTrainer'] },
  wanted: string,
): Promise<ExitCode> {
  const job = await jobOfFolder(resolve(io.cwd, wanted));
  const live = new LiveLine(io);
  const ended = Promise.withResolvers<ExitCode>();
  const child = launchTrainer();
  let outcome: ExitCode | null = null;
  const keep = (text: string): void => {
    live.clear();
    say(io, text);
  };
  const hear = (event: TrainerEvent): void => {
    if (event.kind === 'ready') child.send({ kind: 'train', job });
    if (event.kind === 'progress') live.show(progressLine(event.progress));
    if (event.kind === 'log') for (const line of event.lines) keep(logText(line));
    if (event.kind === 'finished') outcome = exitCodes.ok;
    if (event.kind === 'cancelled') outcome = exitCodes.cancelled;
    if (event.kind === 'failed') {
      outcome = exitCodes.failed;
      keep(event.error.message);
    }
  };
  const stopListening = cancelOnInterrupt(io, 'Stopping: saving a checkpoint …', async () =>
    child.send({ kind: 'cancel' }),
  );
  child.onEvent(hear);
  child.onExit((exit) => {
    if (outcome === null) keep(describeDeath(exit, 'The training process'));
    ended.resolve(outcome ?? exitCodes.failed);
  });
  try {
    return await ended.promise;
  } finally {
    stopListening();
    live.clear();
  }
}
