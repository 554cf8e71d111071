/** Composition root: builds the services once and joins their handlers into one Backend. */
import type { Handlers } from './contract/ipc.ts';
import { BulkGestures } from './services/annotate/bulk-gestures.ts';
import { createAnnotateHandlers } from './services/annotate/handlers.ts';
import { LabelTrash } from './services/annotate/label-trash.ts';
import { createAppHandlers, openSettings } from './services/app.ts';
import type { Backend, HostPorts } from './services/backend.ts';
import { CheckpointKeeper } from './services/checkpoints.ts';
import type { ServiceContext } from './services/context.ts';
import { createCategoryHandlers } from './services/datasets/categories.ts';
import { createDatasetHandlers } from './services/datasets/handlers.ts';
import { ImageFindings } from './services/results/image-findings.ts';
import { ImageLists } from './services/datasets/image-lists.ts';
import { createLibraryHandlers } from './services/library/handlers.ts';
import { withExplainedErrors } from './services/explained-errors.ts';
import { EventHub } from './services/event-hub.ts';
import { createJobHandlers, JobRegistry } from './services/jobs.ts';
import { createMedia } from './services/media.ts';
import { OpenProjects } from './services/open-projects.ts';
import { createCacheHandlers, PictureCaches } from './services/picture-caches.ts';
import { PictureDrawer } from './services/pictures/picture-drawer.ts';
import { createPredictHandlers } from './services/predict/handlers.ts';
import { createPredictedMedia } from './services/predict/predicted-media.ts';
import { createProjectService } from './services/projects.ts';
import { DeviceCatalogue } from './services/devices/catalogue.ts';
import { createDeviceHandlers } from './services/devices/handlers.ts';
import { createRunHandlers } from './services/runs/handlers.ts';
import { createTuningHandlers } from './services/runs/tuning.ts';
import { createReportHandlers } from './services/runs/report/handlers.ts';
import { createSweepHandlers } from './services/sweeps/handlers.ts';
import { TilePyramids } from './services/tiles/tile-pyramids.ts';
import { StartFiles } from './services/weights/start-file.ts';
import { createWeightsHandlers } from './services/weights/handlers.ts';
import { WorkerPool } from './services/workers/worker-pool.ts';

export function createBackend(ports: HostPorts): Backend {
  const hub = new EventHub();
  const projects = new OpenProjects();
  const workers = new WorkerPool(ports.launchWorker);
  const context: ServiceContext = {
    ports,
    projects,
    emit: hub.emit,
    devices: new DeviceCatalogue(ports),
    startFiles: new StartFiles(workers, ports),
    workers,
  };
  const settings = openSettings(ports.userDataFolder);
  const caches = new PictureCaches(() => settings.get());
  const checkpoints = new CheckpointKeeper(projects, workers);
  const jobs = new JobRegistry(hub.emit);
  const gestures = new BulkGestures(projects, hub.emit, jobs);
  const labelTrash = new LabelTrash(workers, gestures, hub.emit);
  const lists = new ImageLists(new ImageFindings(() => ports.launchTask()));
  hub.subscribe('annotation.changed', ({ projectId }) => lists.forgetProject(projectId));
  const projectService = createProjectService(context, settings);
  const runs = createRunHandlers(context);
  const devices = createDeviceHandlers(context);
  const pyramids = new TilePyramids(workers);
  const drawer = new PictureDrawer(ports.launchPictures);
  const media = createMedia(projects, projectService.recentFolder, { caches, pyramids, drawer });
  const handlers = withExplainedErrors({
    ...createAppHandlers(context, settings),
    ...createCacheHandlers(projects, caches),
    ...projectService.handlers,
    ...createDatasetHandlers(context, jobs, lists),
    ...createLibraryHandlers(context, { jobs, lists, labelTrash }),
    ...createCategoryHandlers(context),
    ...createAnnotateHandlers(context, gestures),
    ...createJobHandlers(jobs),
    ...devices.handlers,
    ...createWeightsHandlers(context, jobs),
    ...createTuningHandlers(context, jobs, runs.isTraining),
    ...runs.handlers,
    ...createReportHandlers({ projects, version: ports.version, calls: runs.handlers, media }),
    ...createSweepHandlers(context, runs.starter),
    ...createPredictHandlers(context, jobs),
  } satisfies Handlers);
  const predictedMedia = createPredictedMedia(projects, drawer);
  return {
    handlers,
    media: (path) => predictedMedia(path) ?? media(path),
    subscribe: (event, listener) => hub.subscribe(event, listener),
    async close() {
      await Promise.all([jobs.close(), devices.close(), runs.close()]);
      await checkpoints.close();
      await caches.settled();
      await Promise.all([workers.close(), drawer.close()]);
      await projectService.close().finally(() => projects.closeAll());
    },
  };
}
