/** Calls about the application itself: what the host can do, settings, the system's dialog, folders to choose from. */
import { availableParallelism, homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Handlers } from '../contract/ipc.ts';
import { FoveaError } from '../contract/errors.ts';
import { settings as settingsSchema, type Settings } from '../contract/model/project.ts';
import type { ServiceContext } from './context.ts';
import { listFiles } from './files.ts';
import { JsonFile } from './json-file.ts';

type AppCalls = 'app.capabilities' | 'settings.get' | 'settings.update' | 'dialog.choosePath' | 'files.list';

export function openSettings(userDataFolder: string): JsonFile<Settings> {
  return new JsonFile(join(userDataFolder, 'settings.json'), settingsSchema, () => ({
    theme: 'system',
    projectsFolder: join(homedir(), 'Fovea'),
    view: {},
  }));
}

export function createAppHandlers(
  { ports, emit }: ServiceContext,
  settings: JsonFile<Settings>,
): Pick<Handlers, AppCalls> {
  return {
    'app.capabilities': async () => ({
      nativeDialogs: ports.choosePath !== null,
      version: ports.version,
      platform: process.platform,
      cpuCount: availableParallelism(),
      memoryBytes: totalmem(),
    }),

    'settings.get': () => settings.get(),

    /** `view` is merged key by key, so that two windows do not undo each other. */
    'settings.update': async ({ patch }) => {
      const updated = await settings.update((current) => ({
        ...current,
        ...patch,
        view: { ...current.view, ...patch.view },
      }));
      emit('settings.changed', updated);
      return updated;
    },

    'dialog.choosePath': async (options) => {
      if (!ports.choosePath)
        throw new FoveaError('unsupported', 'This host has no dialogs of its own. Choose the path in the page.');
      return ports.choosePath(options);
    },

    'files.list': async ({ path, includeFiles }) => listFiles(path ?? homedir(), includeFiles),
  };
}
