/**
 * The data-set services over real folders, for tests: temporary places that vanish with the test, an open project, the
 * worker process from source. Nothing in it trains.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { EventName, Events, Handlers } from '../../src-main/contract/ipc.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import { BulkGestures } from '../../src-main/services/annotate/bulk-gestures.ts';
import { createAnnotateHandlers } from '../../src-main/services/annotate/handlers.ts';
import { LabelTrash } from '../../src-main/services/annotate/label-trash.ts';
import { createAppHandlers, openSettings } from '../../src-main/services/app.ts';
import type { HostPorts } from '../../src-main/services/backend.ts';
import { DeviceCatalogue } from '../../src-main/services/devices/catalogue.ts';
import { CheckpointKeeper } from '../../src-main/services/checkpoints.ts';
import { createCategoryHandlers } from '../../src-main/services/datasets/categories.ts';
import { createDatasetHandlers } from '../../src-main/services/datasets/handlers.ts';
import { ImageFindings } from '../../src-main/services/results/image-findings.ts';
import { ImageLists } from '../../src-main/services/datasets/image-lists.ts';
import { createLibraryHandlers } from '../../src-main/services/library/handlers.ts';
import { createJobHandlers, JobRegistry } from '../../src-main/services/jobs.ts';
import { createMedia, type FindRecentFolder } from '../../src-main/services/media.ts';
import { OpenProjects, type OpenProject } from '../../src-main/services/open-projects.ts';
import { PictureCaches } from '../../src-main/services/picture-caches.ts';
import { PictureDrawer } from '../../src-main/services/pictures/picture-drawer.ts';
import { TilePyramids } from '../../src-main/services/tiles/tile-pyramids.ts';
import { createWeightsHandlers } from '../../src-main/services/weights/handlers.ts';
import { StartFiles } from '../../src-main/services/weights/start-file.ts';
import { WorkerPool } from '../../src-main/services/workers/worker-pool.ts';
import { createProjectService } from '../../src-main/services/projects.ts';
import { launchPictures, launchWorker as fromSource } from './worker-process.ts';
import { removeFolder } from './remove-folder.ts';

/** A new folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-test-'));
  onTestFinished(() => removeFolder(folder));
  return folder;
}

type TestedCalls = Extract<
  keyof Handlers,
  | `app.${string}`
  | `settings.${string}`
  | `dialog.${string}`
  | `files.${string}`
  | `project.${string}`
  | `dataset.${string}`
  | `category.${string}`
  | `annotation.${string}`
  | `image.${string}`
  | `trash.${string}`
  | `split.${string}`
  | `version.${string}`
  | `view.${string}`
  | `label.${string}`
  | `job.${string}`
  | `weights.${string}`
>;

export interface ServiceFixture {
  handlers: Pick<Handlers, TestedCalls>;
  projects: OpenProjects;
  workers: WorkerPool;
  /** Everything that was emitted, in order. */
  events: { name: EventName; payload: Events[EventName] }[];
  /** Resolves with the job once it is no longer running. */
  ended(job: Job): Promise<Job>;
  /** Stops jobs and closes projects, as when the app quits. */
  close(): Promise<void>;
}

export interface FixtureOptions {
  userDataFolder: string;
  launchWorker?: HostPorts['launchWorker'];
}

export function createServices({ userDataFolder, launchWorker = fromSource }: FixtureOptions): ServiceFixture {
  const events: ServiceFixture['events'] = [];
  const watchers = new Set<(job: Job) => void>();
  const ports: HostPorts = {
    userDataFolder,
    version: '0.0.0-test',
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
  const emit = <E extends EventName>(name: E, payload: Events[E]): void => {
    events.push({ name, payload });
    if (name === 'job.changed') for (const watch of watchers) watch(payload as Job);
  };
  const projects = new OpenProjects();
  const devices = new DeviceCatalogue(ports);
  const workers = new WorkerPool(launchWorker);
  const context = { ports, projects, emit, devices, startFiles: new StartFiles(workers, ports), workers };
  const checkpoints = new CheckpointKeeper(projects, workers);
  const jobs = new JobRegistry(emit);
  const gestures = new BulkGestures(projects, emit, jobs);
  const lists = new ImageLists(new ImageFindings(() => context.ports.launchTask()));
  const settings = openSettings(userDataFolder);
  const projectService = createProjectService(context, settings);
  const handlers = {
    ...createAppHandlers(context, settings),
    ...projectService.handlers,
    ...createDatasetHandlers(context, jobs, lists),
    ...createLibraryHandlers(context, { jobs, lists, labelTrash: new LabelTrash(workers, gestures, emit) }),
    ...createCategoryHandlers(context),
    ...createAnnotateHandlers(context, gestures),
    ...createJobHandlers(jobs),
    ...createWeightsHandlers(context, jobs),
  };
  return {
    handlers,
    projects,
    workers,
    events,
    ended: (job) =>
      new Promise((resolve) => {
        const settle = (state: Job): void => {
          if (state.jobId !== job.jobId || state.state === 'running') return;
          watchers.delete(settle);
          resolve(state);
        };
        watchers.add(settle);
        void handlers['job.list']({ projectId: job.projectId }).then((list) => list.forEach(settle));
      }),
    async close() {
      await jobs.close();
      await checkpoints.close();
      await workers.close();
      await projectService.close();
      projects.closeAll();
    },
  };
}

/** Draws pictures as in a host, until the test ends. */
export function pictureDrawer(): PictureDrawer {
  const drawer = new PictureDrawer(launchPictures);
  onTestFinished(() => drawer.close());
  return drawer;
}

/** Pictures as a host gives them out. What a project may keep of them on disk is as usual, unless a test says otherwise. */
export function mediaOf(
  { projects, workers }: Pick<ServiceFixture, 'projects' | 'workers'>,
  findRecentFolder: FindRecentFolder = () => Promise.resolve(null),
  caches = new PictureCaches(() => Promise.resolve({ theme: 'system', projectsFolder: '', view: {} })),
): ReturnType<typeof createMedia> {
  const pyramids = new TilePyramids(workers);
  return createMedia(projects, findRecentFolder, { caches, pyramids, drawer: pictureDrawer() });
}

export interface ProjectFixture extends ServiceFixture {
  opened: OpenProject;
  userDataFolder: string;
  /** A folder beside the project for the test's own files. */
  scratch: string;
}

/** Services with one new, open project in a temporary folder. */
export async function createProjectFixture(
  options: Omit<FixtureOptions, 'userDataFolder'> = {},
): Promise<ProjectFixture> {
  const scratch = await temporaryFolder();
  const userDataFolder = join(scratch, 'user-data');
  const services = createServices({ ...options, userDataFolder });
  onTestFinished(() => services.close());
  const project = await services.handlers['project.create']({ name: 'Test project', parentFolder: scratch });
  return { ...services, opened: services.projects.get(project.projectId), userDataFolder, scratch };
}
