/** What every host says of the app in the same way: its name, its version, and where its settings live. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };

export const productName = 'Fovea';
export const version: string = packageJson.version;

/** Absolute path; the same folder in every host, so that all share recent projects. FOVEA_USER_DATA overrides it. */
export function userDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const override = environment['FOVEA_USER_DATA'];
  if (override) return resolve(override);
  return join(applicationDataFolder(environment), 'fovea');
}

function applicationDataFolder(environment: NodeJS.ProcessEnv): string {
  if (process.platform === 'win32') return environment['APPDATA'] || join(homedir(), 'AppData', 'Roaming');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support');
  return environment['XDG_CONFIG_HOME'] || join(homedir(), '.config');
}
