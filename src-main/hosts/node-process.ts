/**
 * The ports of a host that runs in plain Node (web, CLI): children started with this same Node, straight from the
 * TypeScript sources, and no native dialogs. Knows nothing of what the children do.
 */
import { fork } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildProcess } from '../processes/child-process.ts';
import { withHugePages } from '../processes/huge-pages.ts';
import { smallYoungHeap } from '../processes/young-heap.ts';
import type { HostPorts } from '../services/backend.ts';
import { userDataFolder, version } from './app-facts.ts';

const trainingProcess = new URL('../training-process/main.ts', import.meta.url);
const taskProcess = new URL('../training-process/task-main.ts', import.meta.url);
const commandLine = new URL('./cli/main.ts', import.meta.url);
const workerProcess = new URL('../services/workers/main.ts', import.meta.url);

export function nodePorts(): HostPorts {
  return {
    userDataFolder: userDataFolder(),
    version,
    launchTrainer: () => launchNodeChild(trainingProcess, { env: withHugePages(process.env) }),
    launchTask: () => launchNodeChild(taskProcess),
    launchWorker: () => launchNodeChild(workerProcess, { nodeOptions: smallYoungHeap }),
    cliCommand: [process.execPath, fileURLToPath(commandLine)],
    choosePath: null,
  };
}

/** `entry` is a file: URL. Its output to stdout and stderr goes to our stderr, so that stdout stays the host's own. */
export function launchNodeChild<Command extends object, Event>(
  entry: URL,
  { env = process.env, nodeOptions = [] }: { env?: NodeJS.ProcessEnv; nodeOptions?: readonly string[] } = {},
): ChildProcess<Command, Event> {
  const child = fork(fileURLToPath(entry), [], {
    execPath: process.execPath,
    execArgv: [...process.execArgv, ...nodeOptions],
    env,
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
    // A process group of its own: Ctrl-C in the terminal reaches only us, and we cancel the run in an orderly way.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
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
