/**
 * Starts a child in the Node that the app was set up with, for what Electron's allocator does badly, in a utility process and
 * in Electron run as Node alike: it ends a process that asks for more than 1 GiB in one piece, as a training step of a larger
 * network does, and it gives the image codec's memory back to the system after each picture. Where that Node is not there,
 * a utility process does what fits.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChildProcess } from '../../processes/child-process.ts';
import { launchNodeChild } from '../node-child.ts';
import { launchUtilityChild } from './utility-child.ts';

/** `entry` is the absolute path of the bundled child; `appFolder` holds node_modules. The other options are not for a utility process. */
export function launchAppNodeChild<Command extends object, Event>(
  entry: string,
  serviceName: string,
  {
    appFolder,
    ...options
  }: { appFolder: string; execArgv?: readonly string[]; env?: NodeJS.ProcessEnv; standsBack?: boolean },
): ChildProcess<Command, Event> {
  const node = join(appFolder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(node)) return launchUtilityChild(entry, serviceName);
  return launchNodeChild(pathToFileURL(entry), { execPath: node, execArgv: [], ...options });
}
