import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rejectionOf } from '../helpers/errors.ts';
import {
  createProjectFixture,
  createServices,
  temporaryFolder,
  type ServiceFixture,
} from '../helpers/service-fixture.ts';
import { addDataset, addRun } from '../helpers/store-fixture.ts';

async function services(): Promise<ServiceFixture & { scratch: string; userDataFolder: string }> {
  const scratch = await temporaryFolder();
  const userDataFolder = join(scratch, 'user-data');
  return { ...createServices({ userDataFolder }), scratch, userDataFolder };
}

test('a project is made, listed as recent, and opened again by its folder or its database', async () => {
  const { handlers, projects, scratch, userDataFolder, close } = await services();
  const project = await handlers['project.create']({ name: 'My birds', parentFolder: scratch });
  expect(project).toMatchObject({ name: 'My birds', path: join(scratch, 'My birds') });
  expect(existsSync(join(scratch, 'My birds', 'project.sqlite'))).toBe(true);
  const { store } = projects.get(project.projectId);
  const { datasetId } = addDataset(store, { train: [0, 1], test: [0] });
  addRun(store, datasetId, 'run');
  const [live] = await handlers['project.recent']({});
  expect(live).toMatchObject({ name: 'My birds', exists: true, imageCount: 3, runCount: 1 });
  await close();

  const next = createServices({ userDataFolder });
  expect((await next.handlers['project.recent']({}))[0]).toEqual({ ...live, openedAt: live!.openedAt });
  expect(await next.handlers['project.open']({ path: join(project.path, 'project.sqlite') })).toEqual(project);
  expect(await next.handlers['project.open']({ path: project.path })).toEqual(project);
  expect(await next.handlers['project.recent']({})).toHaveLength(1);
  await next.close();
});

test('the newest project comes first, a lost one stays until it is forgotten', async () => {
  const { handlers, scratch, userDataFolder, close } = await services();
  for (const name of ['A', 'B']) await handlers['project.create']({ name, parentFolder: scratch });
  await handlers['project.open']({ path: join(scratch, 'A') });
  await close();
  await rm(join(scratch, 'B'), { recursive: true });
  const { handlers: next } = createServices({ userDataFolder });
  expect((await next['project.recent']({})).map(({ name, exists }) => [name, exists])).toEqual([
    ['A', true],
    ['B', false],
  ]);
  await next['project.forget']({ path: join(scratch, 'B') });
  expect((await next['project.recent']({})).map(({ name }) => name)).toEqual(['A']);
});

test('nothing is made into a folder with something in it', async () => {
  const { handlers, scratch, close } = await services();
  mkdirSync(join(scratch, 'Full'));
  writeFileSync(join(scratch, 'Full', 'thesis.tex'), 'x');
  writeFileSync(join(scratch, 'File'), 'x');
  mkdirSync(join(scratch, 'Empty'));
  const create = (name: string) => rejectionOf(handlers['project.create']({ name, parentFolder: scratch }));
  const full = join(scratch, 'Full');
  expect((await create('Full')).message).toBe(`The folder ${full} exists and is not empty. Choose another name.`);
  expect(readdirSync(full)).toEqual(['thesis.tex']);
  expect((await create('File')).message).toBe(`${join(scratch, 'File')} is a file. Choose another name.`);
  await handlers['project.create']({ name: 'Empty', parentFolder: scratch });
  const again = await create('Empty');
  expect(again.code).toBe('already-exists');
  expect(again.message).toBe(`${join(scratch, 'Empty')} is a Fovea project already. Open it, or choose another name.`);
  await close();
});

test('a parent folder must be there, except the place for new projects, which is made', async () => {
  const { handlers, scratch, close } = await services();
  const nowhere = join(scratch, 'typo');
  expect((await rejectionOf(handlers['project.create']({ name: 'P', parentFolder: nowhere }))).code).toBe('not-found');
  expect(existsSync(nowhere)).toBe(false);
  await handlers['settings.update']({ patch: { projectsFolder: nowhere } });
  await handlers['project.create']({ name: 'P', parentFolder: nowhere });
  expect(existsSync(join(nowhere, 'P', 'project.sqlite'))).toBe(true);
  await close();
});

test.each([
  ['a/b', 'it has the character /'],
  ['..', 'it begins with a dot'],
  ['C:', 'it has the character :'],
  ['CON', 'Windows keeps that name for a device'],
  ['aux.txt', 'Windows keeps that name for a device'],
  ['birds.', 'it ends with a dot or a space'],
  ['a\tb', 'it has a control character'],
  ['x'.repeat(101), 'it is longer than 100 characters'],
])('%j is no name for a folder', async (name, reason) => {
  const { handlers, scratch } = await services();
  const error = await rejectionOf(handlers['project.create']({ name, parentFolder: scratch }));
  expect(error.code).toBe('bad-input');
  expect(error.message).toBe(`“${name}” cannot be the name of a project’s folder: ${reason}. Choose another name.`);
  expect(readdirSync(scratch)).toEqual([]);
});

test.each(['Vögel im März', 'set (2)', 'a'])('%j is a name for a folder', async (name) => {
  const { handlers, scratch, close } = await services();
  expect((await handlers['project.create']({ name, parentFolder: scratch })).path).toBe(join(scratch, name));
  await close();
});

test('what is no project cannot be opened', async () => {
  const { handlers, scratch } = await services();
  mkdirSync(join(scratch, 'photos'));
  const photos = join(scratch, 'photos');
  expect((await rejectionOf(handlers['project.open']({ path: photos }))).message).toBe(
    `${photos} is no Fovea project: there is no project.sqlite in it. Choose a project’s folder.`,
  );
  expect((await rejectionOf(handlers['project.open']({ path: join(scratch, 'gone') }))).code).toBe('not-found');
  expect(readdirSync(photos)).toEqual([]);
});

test('a project that was moved opens at its new place; a copy of an open one does not mix with it', async () => {
  const { opened, handlers, projects, scratch, userDataFolder, close } = await createProjectFixture();
  await close();
  const moved = join(scratch, 'moved');
  await rename(opened.folder, moved);
  cpSync(moved, join(scratch, 'copy'), { recursive: true });
  const next = createServices({ userDataFolder });
  expect(await next.handlers['project.open']({ path: moved })).toEqual({ ...opened.project, path: moved });
  const error = await rejectionOf(next.handlers['project.open']({ path: join(scratch, 'copy') }));
  expect(error.code).toBe('busy');
  expect(next.projects.all()).toHaveLength(1);
  await next.close();
  expect(projects.all()).toEqual([]);
  await expect(handlers['dataset.list']({ projectId: opened.project.projectId })).rejects.toMatchObject({
    code: 'not-found',
    message: 'This project is not open. Open it first.',
  });
});

test('two askers at once open a project once', async () => {
  const { handlers, projects, scratch, userDataFolder, close } = await services();
  await handlers['project.create']({ name: 'P', parentFolder: scratch });
  await close();
  expect(projects.all()).toEqual([]);
  const next = createServices({ userDataFolder });
  let openings = 0;
  next.projects.onOpen(() => void openings++);
  const [first, second] = await Promise.all([1, 2].map(() => next.projects.open(join(scratch, 'P'))));
  expect(first).toBe(second);
  expect(openings).toBe(1);
  await next.close();
});

test('settings have defaults, change in part, survive, and tell listeners', async () => {
  const { handlers, events, userDataFolder } = await services();
  expect(await handlers['settings.get']({})).toEqual({
    theme: 'system',
    projectsFolder: join(homedir(), 'Fovea'),
    view: {},
  });
  await handlers['settings.update']({ patch: { theme: 'dark', view: { railWidth: 56 } } });
  await Promise.all([
    handlers['settings.update']({ patch: { view: { screen: 'data' } } }),
    handlers['settings.update']({ patch: { projectsFolder: '/somewhere' } }),
  ]);
  const expected = { theme: 'dark', projectsFolder: '/somewhere', view: { railWidth: 56, screen: 'data' } };
  expect(await handlers['settings.get']({})).toEqual(expected);
  expect(events.filter(({ name }) => name === 'settings.changed').at(-1)?.payload).toEqual(expected);
  expect(await createServices({ userDataFolder }).handlers['settings.get']({})).toEqual(expected);
});

test.each(['{ "theme": ', '{"theme":"purple","projectsFolder":"/x","view":{}}', ''])(
  'a settings file with %j in it is put aside, and the defaults take its place',
  async (content) => {
    const scratch = await temporaryFolder();
    writeFileSync(join(scratch, 'settings.json'), content);
    const { handlers } = createServices({ userDataFolder: scratch });
    expect((await handlers['settings.get']({})).theme).toBe('system');
    const [aside] = readdirSync(scratch);
    expect(aside).toMatch(/^settings\.json\.damaged-\d{4}-/);
    expect(readFileSync(join(scratch, aside!), 'utf8')).toBe(content);
    await handlers['settings.update']({ patch: { theme: 'light' } });
    expect(JSON.parse(readFileSync(join(scratch, 'settings.json'), 'utf8'))).toMatchObject({ theme: 'light' });
  },
);

test('a host without dialogs says so, and lists folders instead', async () => {
  const { handlers, scratch } = await services();
  expect(await handlers['app.capabilities']({})).toMatchObject({ nativeDialogs: false, version: '0.0.0-test' });
  await expect(handlers['dialog.choosePath']({ title: '', kind: 'folder' })).rejects.toMatchObject({
    code: 'unsupported',
  });
  for (const name of ['b10', 'b9', '.hidden']) mkdirSync(join(scratch, name));
  writeFileSync(join(scratch, 'a.txt'), '');
  const folders = await handlers['files.list']({ path: scratch, includeFiles: false });
  expect(folders).toEqual({
    path: scratch,
    parent: join(scratch, '..'),
    entries: ['b9', 'b10'].map((name) => ({ name, path: join(scratch, name), kind: 'folder' })),
  });
  const all = await handlers['files.list']({ path: scratch, includeFiles: true });
  expect(all.entries.map(({ name, kind }) => [name, kind])).toEqual([
    ['b9', 'folder'],
    ['b10', 'folder'],
    ['a.txt', 'file'],
  ]);
  expect((await handlers['files.list']({ path: null, includeFiles: false })).path).toBe(homedir());
  expect((await handlers['files.list']({ path: '/', includeFiles: false })).parent).toBeNull();
  expect((await rejectionOf(handlers['files.list']({ path: join(scratch, 'gone'), includeFiles: false }))).code).toBe(
    'not-found',
  );
});
