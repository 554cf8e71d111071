/** Starts a child as an Electron utility process: a Node process that takes nobody down with it. */
import { utilityProcess } from 'electron';
import type { ChildProcess } from '../../processes/child-process.ts';
import { exitOf } from './wait-status.ts';

/** `entry` is the absolute path of the bundled child; `serviceName` is what process lists show. */
export function launchUtilityChild<Command, Event>(
  entry: string,
  serviceName: string,
  nodeOptions: readonly string[] = [],
): ChildProcess<Command, Event> {
  const child = utilityProcess.fork(entry, [], { serviceName, stdio: 'inherit', execArgv: [...nodeOptions] });
  return {
    send: (command) => child.postMessage(command),
    onEvent: (listener) => child.on('message', (event) => listener(event as Event)),
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
