/** Calls about a library as a whole: trash, splits, duplicates, versions, health, saved views, labels as tiles. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Handlers } from '../../contract/ipc.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { ImageFilter } from '../../contract/model/dataset.ts';
import type { AnnotationId, DatasetId, ImageId, RunId } from '../../contract/model/ids.ts';
import type { RelinkReport, TrashKey } from '../../contract/model/library.ts';
import type { ServiceContext } from '../context.ts';
import type { LabelTrash } from '../annotate/label-trash.ts';
import { asAdded, type ImageLists } from '../datasets/image-lists.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { JobProgress, JobRegistry } from '../jobs.ts';
import type { OpenProject } from '../open-projects.ts';
import { changeSplits, previewSplits, sweepSplitChanges, takeBack } from '../splits/change-splits.ts';
import { askLibrary } from './ask-library.ts';
import { LabelSketches } from './label-sketches.ts';
import { recordVersion } from './record-version.ts';
import { Trash, trashImages } from './trash.ts';

type LibraryCalls =
  | `image.${'ids' | 'tag' | 'trash'}`
  | `trash.${'list' | 'labels' | 'size' | 'restore' | 'empty'}`
  | `split.${'preview' | 'assign' | 'changes' | 'undo'}`
  | `dataset.${'fingerprint' | 'duplicates' | 'health' | 'relink'}`
  | `version.${'freeze' | 'list' | 'compare'}`
  | `view.${'list' | 'save' | 'delete'}`
  | `label.${'list' | 'sketches'}`;

const IMAGES_AT_ONCE = 2000;

export function createLibraryHandlers(
  { projects, emit, workers }: ServiceContext,
  { jobs, lists, labelTrash }: { jobs: JobRegistry; lists: ImageLists; labelTrash: LabelTrash },
): Pick<Handlers, LibraryCalls> {
  projects.onOpen(sweepSplitChanges);
  const sketches = new LabelSketches(workers);
  const trash = new Trash(labelTrash);

  const changed = ({ project }: OpenProject, datasetId: DatasetId): void => {
    lists.forget(project, datasetId);
    emit('dataset.changed', { projectId: project.projectId });
  };

  function tellRestored({ store, project: { projectId } }: OpenProject, item: TrashKey): void {
    const tellRun = (runId: RunId): void => emit('run.changed', { projectId, summary: store.runs.get(runId) });
    switch (item.kind) {
      case 'run':
        return tellRun(item.runId);
      case 'sweep': {
        const sweep = store.sweeps.get(item.sweepId);
        for (const { runId } of sweep.runs) tellRun(runId);
        return emit('sweep.changed', { projectId, sweep });
      }
      case 'dataset':
      case 'images':
        lists.forgetProject(projectId);
        return emit('dataset.changed', { projectId });
      case 'labels':
      case 'image-labels':
        return; // A gesture like any other, which was told of already.
    }
  }

  /** The images that are meant: those that are named, as far as the filter lets them through. */
  async function scoped(
    opened: OpenProject,
    { datasetId, filter, imageIds }: { datasetId: DatasetId; filter: ImageFilter; imageIds?: readonly ImageId[] },
  ): Promise<readonly ImageId[]> {
    opened.store.datasets.requireReady(datasetId);
    const all = await lists.ids(opened, datasetId, { filter, order: asAdded });
    if (imageIds === undefined) return all;
    const wanted = new Set(imageIds);
    return all.filter((id) => wanted.has(id));
  }

  async function fingerprint(
    opened: OpenProject,
    datasetId: DatasetId,
    report: (progress: JobProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await askLibrary(
      opened,
      workers,
      'fingerprints',
      { datasetId },
      {
        report,
        signal,
        take: (fingerprints) => opened.store.library.saveFingerprints(fingerprints),
      },
    );
  }

  return {
    'image.ids': async ({ projectId, datasetId, filter, order = asAdded, offset, limit }) => {
      const opened = projects.get(projectId);
      opened.store.datasets.requireReady(datasetId);
      const ids = await lists.ids(opened, datasetId, { filter, order });
      return { total: ids.length, imageIds: ids.slice(offset, offset + limit) };
    },

    'image.tag': async ({ projectId, datasetId, imageIds, tag, on }) => {
      const opened = projects.get(projectId);
      opened.store.datasets.requireReady(datasetId);
      const tagged: ImageId[] = [];
      for (let at = 0; at < imageIds.length; at += IMAGES_AT_ONCE) {
        for (const id of opened.store.tags.set(imageIds.slice(at, at + IMAGES_AT_ONCE), tag, on)) tagged.push(id);
        await yieldToEventLoop();
      }
      changed(opened, datasetId);
      return { imageIds: tagged };
    },

    'image.trash': async ({ projectId, datasetId, imageIds }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.datasets.get(datasetId);
      if (opened.store.runs.isDatasetInUse(datasetId)) {
        const message = `A run in progress uses “${name}”. Cancel the run or wait for its end, then delete the images.`;
        throw new FoveaError('busy', message, { datasetId });
      }
      const item = await trashImages(opened, datasetId, imageIds);
      changed(opened, datasetId);
      return item;
    },

    'trash.list': async ({ projectId }) => projects.get(projectId).store.trash.list(),

    'trash.labels': async ({ projectId, offset, limit }) => labelTrash.list(projects.get(projectId), offset, limit),

    'trash.size': async ({ projectId, item }) => ({ sizeBytes: await trash.sizeBytes(projects.get(projectId), item) }),

    'trash.restore': async ({ projectId, item }) => {
      const opened = projects.get(projectId);
      const left = await trash.restore(opened, item);
      tellRestored(opened, item);
      return { left };
    },

    'trash.empty': async ({ projectId, item }) => {
      await trash.empty(projects.get(projectId), item);
      emit('dataset.changed', { projectId });
      return {};
    },

    'split.preview': async ({ projectId, plan, ...scope }) => {
      const opened = projects.get(projectId);
      return previewSplits(opened, await scoped(opened, scope), plan);
    },

    'split.assign': async ({ projectId, plan, ...scope }) => {
      const opened = projects.get(projectId);
      const change = await changeSplits(opened, scope.datasetId, await scoped(opened, scope), plan);
      changed(opened, scope.datasetId);
      return change;
    },

    'split.changes': async ({ projectId, datasetId }) => projects.get(projectId).store.splits.list(datasetId),

    'split.undo': async ({ projectId, changeId }) => {
      const opened = projects.get(projectId);
      opened.store.splits.get(changeId);
      await takeBack(opened, changeId);
      lists.forgetProject(projectId);
      emit('dataset.changed', { projectId });
      return {};
    },

    'dataset.fingerprint': async ({ projectId, datasetId }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.datasets.get(datasetId);
      const start = {
        projectId,
        kind: 'fingerprint',
        title: `Comparing the images of ${name}`,
        unit: 'images',
      } as const;
      return jobs.start(start, async (report, signal) => {
        await fingerprint(opened, datasetId, report, signal);
        return null;
      });
    },

    'dataset.duplicates': async ({ projectId, datasetId }) =>
      askLibrary(projects.get(projectId), workers, 'duplicates', { datasetId }),

    'dataset.health': async ({ projectId, datasetId }) =>
      askLibrary(projects.get(projectId), workers, 'health', { datasetId }),

    'dataset.relink': async ({ projectId, datasetId, folder, apply }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.datasets.get(datasetId);
      const root = resolve(folder);
      const report = await lookFor(opened, datasetId, root);
      if (apply) {
        if (report.found === 0) {
          throw new FoveaError('bad-input', `None of the images of “${name}” is in ${root}.`, { folder: root });
        }
        opened.store.datasets.setImageRoot(datasetId, root);
        changed(opened, datasetId);
      }
      return report;
    },

    'version.freeze': async ({ projectId, datasetId }) => {
      const opened = projects.get(projectId);
      const { name } = opened.store.datasets.get(datasetId);
      const start = { projectId, kind: 'freeze', title: `Recording a version of ${name}`, unit: 'images' } as const;
      return jobs.start(start, async (report, signal) => {
        await fingerprint(opened, datasetId, report, signal);
        await recordVersion(opened, workers, datasetId, { report, signal });
        emit('dataset.changed', { projectId });
        return null;
      });
    },

    'version.list': async ({ projectId, datasetId }) => projects.get(projectId).store.library.versions(datasetId),

    'version.compare': async ({ projectId, datasetId, first, second }) => {
      const opened = projects.get(projectId);
      const fileOf = (id: typeof first) => (id === null ? null : opened.store.library.versionFile(id));
      const ask = { datasetId, first: fileOf(first), second: fileOf(second) };
      return askLibrary(opened, workers, 'compare-states', ask);
    },

    'view.list': async ({ projectId, datasetId }) => projects.get(projectId).store.library.views(datasetId),

    'view.save': async ({ projectId, datasetId, name, filter, order }) => {
      const { datasets, library } = projects.get(projectId).store;
      datasets.requireReady(datasetId);
      return library.saveView(datasetId, name, { filter, order });
    },

    'view.delete': async ({ projectId, viewId }) => {
      projects.get(projectId).store.library.deleteView(viewId);
      return {};
    },

    'label.sketches': async ({ projectId, annotationIds }) => sketches.of(projects.get(projectId), annotationIds),

    'label.list': async ({ projectId, datasetId, filter, categoryId, offset, limit }) => {
      const opened = projects.get(projectId);
      const { library } = opened.store;
      const images = await scoped(opened, { datasetId, filter });
      const ids: AnnotationId[] = [];
      for (let at = 0; at < images.length; at += IMAGES_AT_ONCE) {
        for (const id of library.labelsOfClass(categoryId, images.slice(at, at + IMAGES_AT_ONCE))) ids.push(id);
        await yieldToEventLoop();
      }
      return { total: ids.length, items: library.crops(ids.slice(offset, offset + limit)) };
    },
  };
}

const FILES_AT_ONCE = 32;
const MISSING_LISTED = 100;

/** Which of the data set's image files are in the folder. */
async function lookFor({ store }: OpenProject, datasetId: DatasetId, root: string): Promise<RelinkReport> {
  const files = store.library.files(datasetId);
  if (files.length === 0) {
    throw new FoveaError(
      'unsupported',
      `This data set’s images are kept in packs inside the project; there is nothing to look for.`,
    );
  }
  const report: RelinkReport = { found: 0, missing: [], missingCount: 0, changedCount: 0 };
  for (let at = 0; at < files.length; at += FILES_AT_ONCE) {
    const some = files.slice(at, at + FILES_AT_ONCE);
    const facts = await Promise.all(some.map(({ path }) => stat(join(root, path)).catch(() => null)));
    facts.forEach((fact, index) => {
      const file = some[index];
      if (file === undefined) return;
      if (fact?.isFile() === true) {
        report.found++;
        if (fact.size !== file.sizeBytes) report.changedCount++;
      } else {
        report.missingCount++;
        if (report.missing.length < MISSING_LISTED) report.missing.push(file.path);
      }
    });
  }
  return report;
}
