/**
 * The projects that are open in this process: id → database, folder. Owns opening and closing; whoever needs to mend
 * what a crash left behind registers with `onOpen` and is awaited before the project can be used.
 */
import { join, resolve } from 'node:path';
import { FoveaError } from '../contract/errors.ts';
import type { ProjectId } from '../contract/model/ids.ts';
import type { Project } from '../contract/model/project.ts';
import { openProjectStore, type ProjectStore } from '../store/project-store.ts';

export const DATABASE_FILE = 'project.sqlite';

export interface OpenProject {
  readonly project: Project;
  /** Absolute path of the project folder; packs/, runs/ and cache/ are below it. */
  readonly folder: string;
  readonly store: ProjectStore;
}

type OpenListener = (opened: OpenProject) => void | Promise<void>;

export class OpenProjects {
  #byId = new Map<ProjectId, OpenProject>();
  #opening = new Map<string, Promise<OpenProject>>();
  #listeners: OpenListener[] = [];

  /** Called, and awaited, each time a project opens, before any call can reach it. */
  onOpen(listener: OpenListener): void {
    this.#listeners.push(listener);
  }

  /** Throws `not-found` where the project is not open. */
  get(projectId: ProjectId): OpenProject {
    const opened = this.#byId.get(projectId);
    if (!opened) throw new FoveaError('not-found', 'This project is not open. Open it first.', { projectId });
    return opened;
  }

  find(projectId: string): OpenProject | null {
    return this.#byId.get(projectId as ProjectId) ?? null;
  }

  all(): OpenProject[] {
    return [...this.#byId.values()];
  }

  /** Opens the project in `folder`, or returns it where it is open already. Throws what `openProjectStore` throws. */
  open(folder: string): Promise<OpenProject> {
    const path = resolve(folder);
    const known = this.all().find((opened) => opened.folder === path);
    if (known) return Promise.resolve(known);
    const running = this.#opening.get(path);
    if (running) return running;
    const opening = this.#open(path).finally(() => this.#opening.delete(path));
    this.#opening.set(path, opening);
    return opening;
  }

  async #open(folder: string): Promise<OpenProject> {
    const store = openProjectStore(join(folder, DATABASE_FILE));
    try {
      const { projectId, name, createdAt } = store.meta.get();
      const twin = this.#byId.get(projectId);
      if (twin) {
        throw new FoveaError(
          'busy',
          `“${folder}” is a copy of “${twin.folder}”, which is open. Restart Fovea to open the copy.`,
          { path: folder, openPath: twin.folder },
        );
      }
      const opened: OpenProject = { project: { projectId, name, path: folder, createdAt }, folder, store };
      for (const listener of this.#listeners) await listener(opened);
      this.#byId.set(projectId, opened);
      return opened;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /** Closes every database. Services stop their own work before. */
  closeAll(): void {
    for (const opened of this.#byId.values()) opened.store.close();
    this.#byId.clear();
  }
}
