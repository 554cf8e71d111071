/**
 * The ports of a host that runs in plain Node (web, CLI): children started with this same Node, straight from the
 * TypeScript sources, and no native dialogs. Knows nothing of what the children do.
 */
import { fileURLToPath } from 'node:url';
import { withKeptMemory } from '../processes/kept-memory.ts';
import { smallestYoungHeap, smallYoungHeap } from '../processes/young-heap.ts';
import type { HostPorts } from '../services/backend.ts';
import { userDataFolder, version } from './app-facts.ts';
import { launchNodeChild } from './node-child.ts';

const trainingProcess = new URL('../training-process/main.ts', import.meta.url);
const taskProcess = new URL('../training-process/task-main.ts', import.meta.url);
const commandLine = new URL('./cli/main.ts', import.meta.url);
const workerProcess = new URL('../services/workers/main.ts', import.meta.url);
const pictureProcess = new URL('../services/pictures/main.ts', import.meta.url);

export function nodePorts(): HostPorts {
  const engine = { execArgv: [...process.execArgv, ...smallestYoungHeap], env: withKeptMemory(process.env) };
  return {
    userDataFolder: userDataFolder(),
    version,
    launchTrainer: () => launchNodeChild(trainingProcess, engine),
    launchTask: () => launchNodeChild(taskProcess, engine),
    launchWorker: () => launchNodeChild(workerProcess, { execArgv: [...process.execArgv, ...smallYoungHeap] }),
    launchPictures: () => launchNodeChild(pictureProcess, { standsBack: true }),
    cliCommand: [process.execPath, fileURLToPath(commandLine)],
    choosePath: null,
  };
}
