/** Calls about projects: recent ones, creating, opening, forgetting. Keeps the list of recent projects. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import type { Handlers } from '../contract/ipc.ts';
import { FoveaError } from '../contract/errors.ts';
import type { ProjectId } from '../contract/model/ids.ts';
import { recentProject, type RecentProject, type Settings } from '../contract/model/project.ts';
import { createProjectStore } from '../store/project-store.ts';
import type { ServiceContext } from './context.ts';
import { fileError, systemCode } from './file-errors.ts';
import { requireFolderName } from './folder-name.ts';
import { JsonFile } from './json-file.ts';
import { DATABASE_FILE, type OpenProject } from './open-projects.ts';
import { keepCover } from './project-cover.ts';

type ProjectCalls = 'project.recent' | 'project.create' | 'project.open' | 'project.forget';

export interface ProjectService {
  handlers: Pick<Handlers, ProjectCalls>;
  /** The folder of a recent project, open or not; null where it is unknown. */
  recentFolder(projectId: string): Promise<string | null>;
  /** Keeps the covers of the open projects. Writes down how many images and runs the open projects have, for the list of recent ones. */
  close(): Promise<void>;
}

/** As written; whether the folder still exists is looked up each time. */
type RememberedProject = Omit<RecentProject, 'exists'>;
const rememberedProjects = v.array(v.omit(recentProject, ['exists']));
const KEPT_RECENT = 30;

export function createProjectService(
  { projects, ports }: ServiceContext,
  settings: JsonFile<Settings>,
): ProjectService {
  const recent = new JsonFile<RememberedProject[]>(
    join(ports.userDataFolder, 'recent-projects.json'),
    rememberedProjects,
    () => [],
  );

  async function openAndRemember(folder: string): Promise<OpenProject> {
    const opened = await projects.open(folder);
    const entry = remember(opened, new Date().toISOString());
    await recent.update((list) => [entry, ...list.filter(({ path }) => path !== entry.path)].slice(0, KEPT_RECENT));
    return opened;
  }

  return {
    handlers: {
      'project.recent': async () => {
        const open = new Map(projects.all().map((opened) => [opened.folder, opened]));
        const describe = async (entry: RememberedProject): Promise<RecentProject> => {
          const opened = open.get(entry.path);
          const current = opened ? remember(opened, entry.openedAt) : entry;
          return { ...current, exists: await exists(join(entry.path, DATABASE_FILE)) };
        };
        return Promise.all((await recent.get()).map(describe));
      },

      'project.create': async ({ name, parentFolder }) => {
        requireFolderName(name);
        const { projectsFolder } = await settings.get();
        const parent = resolve(parentFolder);
        await requireParent(parent, resolve(projectsFolder));
        const folder = join(parent, name);
        await createProject(folder, name);
        return (await openAndRemember(folder)).project;
      },

      'project.open': async ({ path }) => (await openAndRemember(await projectFolder(resolve(path)))).project,

      'project.forget': async ({ path }) => {
        await recent.update((list) => list.filter((entry) => entry.path !== resolve(path)));
        return {};
      },
    },

    async recentFolder(projectId) {
      return (await recent.get()).find((entry) => entry.projectId === projectId)?.path ?? null;
    },

    async close() {
      const open = new Map(projects.all().map((opened) => [opened.folder, opened]));
      if (open.size === 0) return;
      // A cover is a convenience: a full disk must not keep the app from closing.
      await Promise.allSettled(projects.all().map(keepCover));
      await recent.update((list) =>
        list.map((entry) => {
          const opened = open.get(entry.path);
          return opened ? remember(opened, entry.openedAt) : entry;
        }),
      );
    },
  };
}

function remember({ project, store }: OpenProject, openedAt: string): RememberedProject {
  const { projectId, name, path } = project;
  return { projectId, name, path, openedAt, imageCount: store.images.count(), runCount: store.runs.count() };
}

/** The place for new projects is made when it is first needed; any other folder must be there already. */
async function requireParent(parent: string, projectsFolder: string): Promise<void> {
  try {
    if (parent === projectsFolder) await mkdir(parent, { recursive: true });
    if (!(await stat(parent)).isDirectory())
      throw new FoveaError('bad-input', `${parent} is a file, not a folder.`, { path: parent });
  } catch (error) {
    throw fileError(error, 'use the folder', parent);
  }
}

/** Makes the folder and its database, or nothing. Throws `already-exists` where there is something in the way. */
async function createProject(folder: string, name: string): Promise<void> {
  await requireVacant(folder);
  const made = await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'make the project’s folder', folder);
  });
  try {
    const projectId = randomUUID() as string as ProjectId;
    createProjectStore(join(folder, DATABASE_FILE), { projectId, name, createdAt: new Date().toISOString() }).close();
  } catch (error) {
    if (made !== undefined) await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function requireVacant(folder: string): Promise<void> {
  const content = await readdir(folder).catch((error: unknown): string[] => {
    if (systemCode(error) === 'ENOENT') return [];
    if (systemCode(error) === 'ENOTDIR')
      throw new FoveaError('already-exists', `${folder} is a file. Choose another name.`, { path: folder });
    throw fileError(error, 'look into the folder', folder);
  });
  if (content.includes(DATABASE_FILE)) {
    throw new FoveaError('already-exists', `${folder} is a Fovea project already. Open it, or choose another name.`, {
      path: folder,
    });
  }
  if (content.length > 0) {
    throw new FoveaError('already-exists', `The folder ${folder} exists and is not empty. Choose another name.`, {
      path: folder,
    });
  }
}

/** The project's folder, also where the person chose the database in it. Throws `not-found` or `bad-input`. */
async function projectFolder(path: string): Promise<string> {
  const folder = basename(path) === DATABASE_FILE ? dirname(path) : path;
  const facts = await stat(folder).catch((error: unknown) => {
    throw fileError(error, 'open the project', folder);
  });
  if (!facts.isDirectory() || !(await exists(join(folder, DATABASE_FILE)))) {
    throw new FoveaError(
      'bad-input',
      `${folder} is no Fovea project: there is no ${DATABASE_FILE} in it. Choose a project’s folder.`,
      {
        path: folder,
      },
    );
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
