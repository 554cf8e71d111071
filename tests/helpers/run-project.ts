/** A project with a small data set, for tests of runs: rows and a pack file, with nothing imported. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Events, EventName } from '../../src-main/contract/ipc.ts';
import type { Split } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { HostPorts } from '../../src-main/services/backend.ts';
import { DeviceCatalogue } from '../../src-main/services/devices/catalogue.ts';
import type { ServiceContext } from '../../src-main/services/context.ts';
import { DATABASE_FILE, OpenProjects, type OpenProject } from '../../src-main/services/open-projects.ts';
import { StartFiles } from '../../src-main/services/weights/start-file.ts';
import { WorkerPool } from '../../src-main/services/workers/worker-pool.ts';
import { createProjectStore } from '../../src-main/store/project-store.ts';
import { imagesAsTheyAre } from '../../src-main/contract/model/run-images.ts';
import { drawImages, seededRandom, shuffledLabels } from './generated-data.ts';
import { launchPictures, launchWorker } from './worker-process.ts';
import { phase, smallConfig } from './run-config.ts';
import { removeFolder } from './remove-folder.ts';

export interface RunProject {
  opened: OpenProject;
  projects: OpenProjects;
  datasetId: DatasetId;
  /** Closes and removes it. */
  dispose(): Promise<void>;
}

const categories = ['plane', 'car', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/** Makes the project in a new folder below the system's temporary one, closes it, and opens it through `projects`. */
export async function createRunProject(
  projects: OpenProjects,
  counts: { train: number; test: number } = { train: 40, test: 20 },
): Promise<RunProject> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-runs-'));
  const projectId = crypto.randomUUID() as ProjectId;
  const file = join(folder, DATABASE_FILE);
  const store = createProjectStore(file, { projectId, name: 'Test', createdAt: '2026-01-02T03:04:05.000Z' });
  const datasetId = store.datasets.begin({
    name: 'Small',
    format: 'cifar10',
    source: folder,
    createdAt: '2026-01-02T03:04:05.000Z',
  });
  const categoryIds = store.datasets.addCategories(datasetId, categories);
  const size = { channels: 3, heightPx: 32, widthPx: 32 };
  const random = seededRandom(7);
  await mkdir(join(folder, 'packs'));
  for (const split of ['train', 'test'] as const satisfies Split[]) {
    const labels = shuffledLabels(counts[split], random);
    await writeFile(join(folder, 'packs', `${split}.u8`), drawImages(labels, size.channels, size.heightPx, random));
    const packId = store.datasets.addPack(datasetId, { file: `${split}.u8`, count: counts[split], ...size });
    store.images.insert({
      datasetId,
      split,
      packId,
      firstRow: 0,
      ...size,
      sourceFile: `${split}.bin`,
      firstNumber: 0,
      labels,
      categoryIds,
    });
  }
  store.datasets.publish(datasetId);
  store.close();
  const opened = await projects.open(folder);
  return {
    opened,
    projects,
    datasetId,
    dispose: async () => {
      projects.closeAll();
      await removeFolder(folder);
    },
  };
}

export type Emitted = { [E in EventName]: { event: E; payload: Events[E] } }[EventName];

/** A context whose host can launch trainers and nothing else; what is emitted is kept. */
export function runContext(
  launchTrainer: HostPorts['launchTrainer'],
  launch = launchWorker,
): { context: ServiceContext; emitted: Emitted[] } {
  const emitted: Emitted[] = [];
  const ports: HostPorts = {
    userDataFolder: tmpdir(),
    version: '0.0.0',
    launchTrainer,
    launchTask: () => {
      throw new Error('no task runs in this test');
    },
    launchWorker: launch,
    launchPictures,
    cliCommand: ['fovea'],
    choosePath: null,
  };
  const emit: ServiceContext['emit'] = (event, payload) => void emitted.push({ event, payload } as Emitted);
  const devices = new DeviceCatalogue(ports);
  const workers = new WorkerPool(launch);
  const startFiles = new StartFiles(workers, ports);
  return { context: { ports, emit, projects: new OpenProjects(), devices, startFiles, workers }, emitted };
}

export function testConfig(datasetId: DatasetId, epochs = 2): RunConfig {
  return smallConfig({
    data: { datasetId, trainSplit: 'train', evaluationSplit: 'test', ...imagesAsTheyAre },
    batchSize: 10,
    phases: [phase({ epochs, learningRate: 0.001 })],
    seed: 0,
  });
}

/** Waits until `condition` holds; fails with `what` after `timeoutMs`. */
export async function until(what: string, condition: () => boolean, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
