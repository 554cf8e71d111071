/** The services put together as a host gets them. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callNames } from '../../src-main/contract/ipc.ts';
import { createBackend } from '../../src-main/index.ts';
import type { HostPorts } from '../../src-main/services/backend.ts';
import { EventHub } from '../../src-main/services/event-hub.ts';
import { temporaryFolder } from '../helpers/service-fixture.ts';
import { launchPictures, launchWorker } from '../helpers/worker-process.ts';

function portsIn(folder: string): HostPorts {
  return {
    userDataFolder: join(folder, 'user-data'),
    version: '1.2.3',
    launchTrainer: () => {
      throw new Error('nothing trains in this test');
    },
    launchTask: () => {
      throw new Error('no task runs in this test');
    },
    launchWorker,
    launchPictures,
    cliCommand: ['fovea'],
    choosePath: null,
  };
}

test('every call of the contract has its handler, and no other', async () => {
  const backend = createBackend(portsIn(await temporaryFolder()));
  expect(Object.keys(backend.handlers).sort()).toEqual([...callNames].sort());
  await backend.close();
});

test('closing lets go of the projects, so that another process can open them', async () => {
  const folder = await temporaryFolder();
  const first = createBackend(portsIn(folder));
  const project = await first.handlers['project.create']({ name: 'P', parentFolder: folder });
  expect(await first.handlers['dataset.list']({ projectId: project.projectId })).toEqual([]);
  expect(await first.handlers['run.list']({ projectId: project.projectId })).toEqual([]);
  const second = createBackend(portsIn(folder));
  await expect(second.handlers['project.open']({ path: project.path })).rejects.toMatchObject({ code: 'busy' });
  await first.close();
  expect(await second.handlers['project.open']({ path: project.path })).toEqual(project);
  await expect(first.media(`media/${project.projectId}/thumbnail/1`)).rejects.toMatchObject({ code: 'not-found' });
  await second.close();
});

test('events reach their listeners until those leave', () => {
  const hub = new EventHub();
  const heard: string[] = [];
  const payload = { theme: 'dark', projectsFolder: '/x', view: {} } as const;
  const leave = hub.subscribe('settings.changed', ({ theme }) => {
    heard.push(`first ${theme}`);
    leave();
  });
  hub.subscribe('settings.changed', ({ theme }) => void heard.push(`second ${theme}`));
  hub.emit('settings.changed', payload);
  hub.emit('settings.changed', payload);
  hub.emit('dataset.changed', { projectId: 'p' as never });
  expect(heard).toEqual(['first dark', 'second dark', 'second dark']);
});
