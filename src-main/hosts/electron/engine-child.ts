/**
 * Starts a child that runs the engine. Electron's allocator ends a process that asks for more than 1 GiB in one piece, in a
 * utility process and in Electron run as Node alike, and a training step of a larger network does: so the engine runs in the
 * Node that the app was set up with. Where that is not there, a utility process does what fits.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChildProcess } from '../../processes/child-process.ts';
import { withKeptMemory } from '../../processes/kept-memory.ts';
import { launchNodeChild } from '../node-child.ts';
import { launchUtilityChild } from './utility-child.ts';

/** `entry` is the absolute path of the bundled child; `appFolder` holds node_modules. */
export function launchEngineChild<Command extends object, Event>(
  entry: string,
  serviceName: string,
  appFolder: string,
): ChildProcess<Command, Event> {
  const node = join(appFolder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(node)) return launchUtilityChild(entry, serviceName);
  return launchNodeChild(pathToFileURL(entry), { execPath: node, execArgv: [], env: withKeptMemory(process.env) });
}
