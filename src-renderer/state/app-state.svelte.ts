/**
 * The root of the renderer's state: the host's capabilities, settings, the open project and where the person is.
 * Created once in App.svelte and passed by context.
 */
import type { Api } from '../api/client.svelte.ts';
import type { Capabilities } from '../../src-main/contract/calls/app.ts';
import { FoveaError } from '../../src-main/contract/errors.ts';
import { sampleProjectSet } from '../../src-main/contract/model/sample.ts';
import type { Project, RecentProject, Settings } from '../../src-main/contract/model/project.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { CommandRegistry } from './commands.svelte.ts';
import { DeviceList } from './device-list.svelte.ts';
import { KeyMap } from './key-map.svelte.ts';
import { PathChooser, type PathKind } from './path-chooser.svelte.ts';
import { ProjectSession } from './project-session.svelte.ts';
import { dataRoute, startPlace, type Route } from './route.ts';
import { Router } from './route.svelte.ts';
import { SaveState } from './save-state.svelte.ts';
import { Theme } from './theme.svelte.ts';
import { Toasts } from './toasts.svelte.ts';
import { ViewSettings } from './view-settings.svelte.ts';

/** Of one name beside each other, before a person is told that the name is taken. */
const mostNumbered = 1000;

export class AppState {
  readonly api: Api;
  readonly router = new Router();
  readonly toasts = new Toasts();
  readonly commands: CommandRegistry;
  readonly keys: KeyMap;
  readonly theme = new Theme();
  readonly saves = new SaveState();
  readonly view: ViewSettings;
  readonly paths: PathChooser;
  readonly devices: DeviceList;

  /** Null until `load` is through. */
  capabilities = $state.raw<Capabilities | null>(null);
  settings = $state.raw<Settings | null>(null);
  recent = $state.raw<readonly RecentProject[] | null>(null);
  session = $state.raw<ProjectSession | null>(null);
  /** What lies over the screen. */
  overlay = $state<'palette' | 'keys' | 'new-project' | null>(null);
  /** Why the app, or the project in the address, could not be opened. */
  error = $state.raw<unknown>(null);

  constructor(api: Api) {
    this.api = this.saves.watch(api);
    this.paths = new PathChooser(this.api);
    this.devices = new DeviceList(this.api);
    this.view = new ViewSettings((patch) => this.updateSettings({ view: patch }));
    this.keys = new KeyMap(this.view);
    this.commands = new CommandRegistry(/mac/i.test(navigator.platform), this.keys);
  }

  async load(): Promise<void> {
    try {
      const [capabilities, settings] = await Promise.all([
        this.api.call('app.capabilities', {}),
        this.api.call('settings.get', {}),
        this.readRecent(),
      ]);
      this.capabilities = capabilities;
      this.#take(settings);
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  /** Keeps settings of other windows and checks of devices in step; returns a function that ends it. */
  follow(): () => void {
    const stops = [this.api.on('settings.changed', (settings) => this.#take(settings)), this.devices.follow()];
    return () => stops.forEach((stop) => stop());
  }

  async readRecent(): Promise<void> {
    this.recent = await this.api.call('project.recent', {});
  }

  async updateSettings(patch: Partial<Settings>): Promise<void> {
    this.#take(await this.api.call('settings.update', { patch }));
  }

  /** Null when the person changes their mind. */
  async choosePath(title: string, kind: PathKind): Promise<string | null> {
    return this.capabilities === null ? null : this.paths.choose(title, kind, this.capabilities);
  }

  /** Asks for a project folder and opens it; an error shows as a message. */
  async askAndOpenProject(): Promise<void> {
    try {
      const path = await this.choosePath('Open a project folder', 'folder');
      if (path !== null) await this.openProject(path);
    } catch (error) {
      this.toasts.error(error);
    }
  }

  /** Opens the project folder and shows `route` in it. Throws what the service says about the folder. */
  async openProject(path: string, route: Route = dataRoute()): Promise<void> {
    this.#enter(await this.api.call('project.open', { path }), route);
  }

  async createProject(name: string, parentFolder: string): Promise<void> {
    this.#enter(await this.api.call('project.create', { name, parentFolder }), dataRoute());
  }

  /** A project of its own with drawn images, so that everything can be tried at once. */
  async createSampleProject(): Promise<void> {
    const parentFolder = (this.settings ?? (await this.api.call('settings.get', {}))).projectsFolder;
    await this.#createNumbered('Sample project', parentFolder);
    await this.session?.jobs.importSample(sampleProjectSet);
  }

  /** With the first free number after the name; folders may lie there that are not among the recent projects. */
  async #createNumbered(name: string, parentFolder: string): Promise<void> {
    for (let number = 1; ; number++) {
      try {
        return await this.createProject(number === 1 ? name : `${name} ${number}`, parentFolder);
      } catch (error) {
        const isTaken = error instanceof FoveaError && error.code === 'already-exists';
        if (!isTaken || number === mostNumbered) throw error;
      }
    }
  }

  async forgetProject(path: string): Promise<void> {
    await this.api.call('project.forget', { path });
    await this.readRecent();
  }

  /** Opens the project that the address names (after a reload, or by "back"); goes to the start where it cannot. */
  async followAddress(projectId: ProjectId | null): Promise<void> {
    if (projectId === null || projectId === this.session?.project.projectId) return;
    const known = this.recent?.find((project) => project.projectId === projectId);
    try {
      if (known === undefined)
        throw new Error('The project in the address is not among the recent projects. Open its folder.');
      const project = await this.api.call('project.open', { path: known.path });
      this.session = new ProjectSession(this.api, project);
    } catch (error) {
      this.toasts.error(error);
      this.router.goTo(startPlace);
    }
  }

  #enter(project: Project, route: Route): void {
    if (project.projectId !== this.session?.project.projectId) this.session = new ProjectSession(this.api, project);
    this.router.enterProject(project.projectId, route);
    void this.readRecent().catch((error: unknown) => this.toasts.error(error));
  }

  #take(settings: Settings): void {
    this.settings = settings;
    this.theme.choice = settings.theme;
    this.view.take(settings.view);
  }
}
