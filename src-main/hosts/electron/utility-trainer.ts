/** Starts the training process as an Electron utility process: a Node process that outlives a crash of its own only. */
import { utilityProcess } from 'electron';
import type { TrainerProcess } from '../../services/backend.ts';
import type { TrainerEvent } from '../../training-process/messages.ts';
import { exitOf } from './wait-status.ts';

/** `entry` is the absolute path of the bundled training process. */
export function launchUtilityTrainer(entry: string): TrainerProcess {
  const child = utilityProcess.fork(entry, [], { serviceName: 'Fovea training', stdio: 'inherit' });
  return {
    send: (command) => child.postMessage(command),
    onEvent: (listener) => child.on('message', (event) => listener(event as TrainerEvent)),
    onExit: (listener) => child.once('exit', (status) => listener(exitOf(status, process.platform))),
    kill: () => killNow(child.pid),
  };
}

/** Electron's own `kill` asks politely, and a stuck process does not hear it. */
function killNow(pid: number | undefined): void {
  if (pid === undefined) return; // it has ended
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the two lines; `onExit` tells of it.
  }
}
