/** Starts a child as a Node process that we speak with over its IPC channel. */
import { fork } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildProcess } from '../processes/child-process.ts';

interface NodeChildOptions {
  /** Which Node; this one by default, with its own options. */
  execPath?: string;
  execArgv?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Its work waits where the processors are short: for a child whose work the window can wait for, and which leaves nothing behind. */
  standsBack?: boolean;
}

/** Steps behind us; where nobody else wants the processors they cost nothing. */
const NICENESS = 5;

/** `entry` is a file: URL. Its output to stdout and stderr goes to our stderr, so that stdout stays the host's own. */
export function launchNodeChild<Command extends object, Event>(
  entry: URL,
  {
    execPath = process.execPath,
    execArgv = process.execArgv,
    env = process.env,
    standsBack = false,
  }: NodeChildOptions = {},
): ChildProcess<Command, Event> {
  const child = fork(fileURLToPath(entry), [], {
    execPath,
    execArgv: [...execArgv],
    env,
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
    // A process group of its own: Ctrl-C in the terminal reaches only us, and we cancel the run in an orderly way. That is a
    // session of its own too, and Linux shares processors out by session: standing back counts within one only.
    detached: process.platform !== 'win32' && !standsBack,
    windowsHide: true,
  });
  if (standsBack) standBack(child.pid);
  // A command to a child that is gone has no receiver; `onExit` tells of it, so a failed send needs no second report.
  child.on('error', (error) => console.error(`${basename(entry.pathname)}: ${error.message}`));
  return {
    send: (command) => child.send(command, () => {}),
    onEvent: (listener) => child.on('message', (event) => listener(event as Event)),
    // 'close' rather than 'exit': it waits until every message that the child sent has been delivered.
    onExit: (listener) => child.once('close', (code, signal) => listener({ code, signal })),
    kill: () => child.kill('SIGKILL'),
  };
}

/** To be called at once: on Linux it holds for the first thread and those that this one starts from then on. */
function standBack(pid: number | undefined): void {
  if (pid === undefined) return; // it could not be started
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICENESS));
  } catch {
    // It ended already, or the system does not allow it: then it works like any other.
  }
}
