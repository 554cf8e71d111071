/** The calls that have a network look at image files, keep what it says, and write it down. */
import { readdir } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { FoveaError, whereMissing } from '../../contract/errors.ts';
import type { Handlers } from '../../contract/ipc.ts';
import type { PredictionSetId, ProjectId } from '../../contract/model/ids.ts';
import { formsOfTask, type PredictionSet } from '../../contract/model/prediction-set.ts';
import { readSeen } from '../../engine/train/seen-file.ts';
import type { ServiceContext } from '../context.ts';
import { fileError, systemCode } from '../file-errors.ts';
import type { JobRegistry } from '../jobs.ts';
import { classesOfRun, skeletonsOfRun } from '../results/classes-of-run.ts';
import { runFolder } from '../runs/restore-runs.ts';
import { imageFilesIn, lookAtFiles } from './look-at-files.ts';
import { filesToPredict, predictFiles } from './predict-files.ts';
import { createSet, deleteSet, listSets, readSet, setFolder, writeSet } from './prediction-sets.ts';

/** Surer boxes than this are kept: a person chooses a confidence above it. */
const leastKept = 0.01;

type PredictCalls =
  | 'run.predict'
  | 'predict.start'
  | 'predict.list'
  | 'predict.get'
  | 'predict.image'
  | 'predict.delete'
  | 'predict.write';

export function createPredictHandlers(
  { projects, ports, workers }: ServiceContext,
  jobs: JobRegistry,
): Pick<Handlers, PredictCalls> {
  const tools = { launchTask: () => ports.launchTask(), workers };
  /** The document of a running one is written after each group only, so what is running is kept here. */
  const running = new Map<PredictionSetId, PredictionSet>();
  const find = async (projectId: ProjectId, id: PredictionSetId): Promise<PredictionSet> =>
    running.get(id) ?? (await readSet(projects.get(projectId).folder, id));

  return {
    'run.predict': async ({ projectId, runId, ...request }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.runs.get(runId);
      const files = await filesToPredict(request);
      const start = { projectId, kind: 'predict', title: `Predicting with ${name}`, unit: 'images' } as const;
      return jobs.start(start, async (report, signal) => {
        await predictFiles(tools, { name, folder: runFolder(opened, runId) }, files, request, report, signal);
        return null;
      });
    },

    'predict.start': async ({ projectId, runId, checkpoint, paths, tiles }) => {
      const opened = projects.get(projectId);
      const { name, task } = opened.store.runs.get(runId);
      const files = await imageFilesIn(paths);
      const { classes, doubt } = await classesOfRun(opened, runId);
      // Labels would be written under the names of other classes.
      if (doubt !== null) throw new FoveaError('bad-input', doubt, { runId });
      const set = await createSet(opened.folder, {
        ...{ runId, runName: name, checkpoint, task, tiles, fileCount: files.length },
        classNames: classes.map((each) => each.name),
      });
      const { predictionSetId } = set;
      running.set(predictionSetId, set);
      const title = `Predicting with ${name}`;
      const start = { projectId, kind: 'predict', title, unit: 'images', predictionSetId } as const;
      const job = jobs.start(start, async (report, signal) => {
        const target = setFolder(opened.folder, predictionSetId);
        const request = {
          folder: runFolder(opened, runId),
          checkpoint,
          files,
          tiles,
          scoreThreshold: leastKept,
          target,
        };
        try {
          await lookAtFiles(tools, request, report, signal, async ({ images, failures }, answer) => {
            const before = running.get(predictionSetId)!;
            const after: PredictionSet = {
              ...before,
              epoch: answer?.epoch ?? before.epoch,
              classNames: answer?.classes ?? before.classNames,
              images: [...before.images, ...images],
              failures: [...before.failures, ...failures],
            };
            running.set(predictionSetId, after);
            await writeSet(opened.folder, after);
          });
        } finally {
          running.delete(predictionSetId);
        }
        return null;
      });
      return { predictionSetId, job };
    },

    'predict.list': ({ projectId }) => listSets(projects.get(projectId).folder),

    'predict.get': async ({ projectId, predictionSetId }) => {
      const set = await find(projectId, predictionSetId);
      const opened = projects.get(projectId);
      const { classes } = await classesOfRun(opened, set.runId).catch(whereMissing({ classes: [] }));
      const named = set.classNames.map((name, at) => ({ categoryId: null, ...classes[at], name }));
      return { ...set, classes: named, isRunning: running.has(predictionSetId) };
    },

    'predict.image': ({ projectId, predictionSetId, index }) =>
      readSeen(setFolder(projects.get(projectId).folder, predictionSetId), index),

    'predict.delete': async ({ projectId, predictionSetId }) => {
      if (running.has(predictionSetId))
        throw new FoveaError('busy', 'The network is still looking at these images. Cancel that first.');
      await deleteSet(projects.get(projectId).folder, predictionSetId);
      return {};
    },

    'predict.write': async ({ projectId, predictionSetId, form, settings, target: wanted }) => {
      const opened = projects.get(projectId);
      const { runId, runName, checkpoint, epoch, task, classNames, images, failures } = await find(
        projectId,
        predictionSetId,
      );
      if (!formsOfTask[task].some((known) => known === form))
        throw new FoveaError(
          'invalid-request',
          `Predictions of ${task} are written as ${formsOfTask[task].join(', ')}.`,
        );
      if (images.length === 0) throw new FoveaError('not-found', 'The network has not looked at any image yet.');
      const target = resolve(wanted);
      await requireFree(target, form === 'json');
      const start = { projectId, kind: 'export', title: `Writing predictions of ${runName}`, unit: 'images' } as const;
      const set = { run: runName, checkpoint, epoch: epoch ?? 0, task, classes: classNames, images, failures };
      const skeletons = await skeletonsOfRun(opened, runId).catch(whereMissing([]));
      return jobs.start(start, async (report, signal) => {
        const seen = setFolder(opened.folder, predictionSetId);
        await workers.run(
          'predictions',
          { form, set, skeletons, seen, settings, target },
          { signal, writes: true },
          ({ done, total }) => report({ step: 'Writing', done, total }),
        );
        return null;
      });
    },
  };
}

/** Throws FoveaError `already-exists`, `invalid-request`. */
async function requireFree(target: string, isFile: boolean): Promise<void> {
  if (isFile && extname(target) !== '.json')
    throw new FoveaError('invalid-request', `The file’s name must end in .json: ${target}.`, { file: target });
  const inside = await readdir(target).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    if (systemCode(error) === 'ENOTDIR') return ['a file'];
    throw fileError(error, 'look into', target);
  });
  if (inside === null || (!isFile && inside.length === 0)) return;
  const what = isFile ? 'is there already. Choose another name.' : 'is not empty. Choose a new folder.';
  throw new FoveaError('already-exists', `${target} ${what}`, { folder: target });
}
