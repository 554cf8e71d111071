/** Calls about editing labels: opening an image, saving gestures, undo and redo, history, review states. */
import type { Handlers } from '../../contract/ipc.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { ChangeResult, HistoryKind, ImageChange } from '../../contract/model/annotation-edit.ts';
import type { ClassEdit } from '../../contract/model/class-edit.ts';
import type { DatasetId, ProjectId } from '../../contract/model/ids.ts';
import type { ImagesChange } from '../../store/bulk-edit-repository.ts';
import type { WantedState } from '../../store/label-edit-repository.ts';
import { accountName } from '../account-name.ts';
import type { ServiceContext } from '../context.ts';
import type { OpenProject } from '../open-projects.ts';
import { changesImages, requireOwnClass, wantedByCopy } from './bulk-edits.ts';
import type { BulkGestures } from './bulk-gestures.ts';
import { plannedClassEdit } from './class-edits.ts';
import { wantedByEdits, wantedByRestore } from './edit-checks.ts';

type AnnotateCalls =
  | `annotation.${'open' | 'reserveIds' | 'apply' | 'undo' | 'redo' | 'history' | 'stateAt' | 'restore' | 'copy' | 'classify' | 'relabel'}`
  | `annotation.${'schema' | 'undoState'}`
  | `category.${'edit' | 'usage'}`
  | `image.${'setReview' | 'reviewCounts' | 'reviewQueue' | 'addTime'}`;

export function createAnnotateHandlers(
  { projects, emit }: Pick<ServiceContext, 'projects' | 'emit'>,
  gestures: BulkGestures,
): Pick<Handlers, AnnotateCalls> {
  const by = accountName();
  projects.onOpen((opened) => {
    opened.store.labelEdits.sweep();
    return gestures.finishPending(opened);
  });

  const tell = ({ project, store }: OpenProject, gestureId: string, images: ImageChange[]): void => {
    if (images.length === 0) return;
    const { projectId } = project;
    emit('annotation.changed', { projectId, gestureId, images, untold: [], undoState: store.labelEdits.undoState() });
  };

  /** A gesture that is sent again after an answer was lost is answered as it was, and saved once. */
  function bulk(
    projectId: ProjectId,
    { gestureId, kind, label }: { gestureId: string; kind: HistoryKind; label: string },
    wanted: (opened: OpenProject, at: string) => readonly WantedState[],
  ): ChangeResult {
    const opened = projects.get(projectId);
    const { labelEdits } = opened.store;
    const before = labelEdits.saved(gestureId);
    const at = now();
    const images = before?.images ?? labelEdits.change({ token: gestureId, kind, label, by, at }, wanted(opened, at));
    if (before === null) tell(opened, gestureId, images);
    const labels = images.reduce((sum, { changes }) => sum + changes.length, 0);
    const told = before ?? { label, labels, images, untold: [] };
    return {
      ...{ outcome: 'done', label: told.label, labels: told.labels, images: told.images, untold: told.untold },
      undoState: labelEdits.undoState(),
    };
  }

  /** Labels follow their classes: without a change of these there is none of those. */
  function editClasses(opened: OpenProject, token: string, datasetId: DatasetId, edit: ClassEdit) {
    return gestures.run(opened, token, () => {
      const { label, classes, labels } = plannedClassEdit(opened.store, datasetId, edit);
      return {
        title: titleOf(label),
        canStop: true,
        classesOf: classes?.datasetId ?? null,
        begin: (limit) => {
          if (classes === null) return null;
          const what = labels ?? { kind: 'classes', from: [], into: null };
          return opened.store.bulkEdits.begin({ token, kind: 'edit', label, by, at: now() }, what, classes, limit);
        },
      };
    });
  }

  /** Throws before anything is changed where an image is not there, or the class not one of its data set. */
  function changeImages(
    projectId: ProjectId,
    { token, kind, label }: { token: string; kind: HistoryKind; label: string },
    change: Omit<ImagesChange, 'kind'>,
  ): Promise<ChangeResult> {
    const opened = projects.get(projectId);
    const what: ImagesChange = { ...change, kind: 'images', imageIds: [...new Set(change.imageIds)] };
    return gestures.run(opened, token, async () => {
      const changesAny = await changesImages(opened.store, what);
      return {
        title: titleOf(label),
        canStop: true,
        unit: 'images',
        classesOf: null,
        begin: (limit) =>
          changesAny ? opened.store.bulkEdits.begin({ token, kind, label, by, at: now() }, what, null, limit) : null,
      };
    });
  }

  function travel(
    direction: 'undo' | 'redo',
    { projectId, gestureId: token, target }: { projectId: ProjectId; gestureId: string; target: string | null },
  ): Promise<ChangeResult> {
    const opened = projects.get(projectId);
    return gestures.run(opened, token, () => {
      const { bulkEdits, labelEdits } = opened.store;
      const next = labelEdits.nextGesture(direction);
      return {
        title: titleOf(`${direction} ${next?.label ?? ''}`),
        canStop: false,
        classesOf: (next && labelEdits.classChange(next.id)?.datasetId) ?? null,
        begin: (limit) => bulkEdits.beginTravel(direction, { token, by, at: now() }, target, limit),
      };
    });
  }

  return {
    'annotation.open': async ({ projectId, imageId }) => {
      const { labelEdits, annotations } = projects.get(projectId).store;
      const { widthPx, heightPx, version, review, timeMs } = labelEdits.image(imageId);
      const labels = annotations.ofImage(imageId).sort((a, b) => a.z - b.z || a.annotationId - b.annotationId);
      const undoState = labelEdits.undoState();
      return { imageId, widthPx, heightPx, version, review, timeMs, annotations: labels, undoState };
    },

    'annotation.reserveIds': async ({ projectId, count }) => ({
      first: projects.get(projectId).store.labelEdits.reserveIds(count),
    }),

    'annotation.apply': async ({ projectId, gestureId, imageId, label, baseVersion, edits }) => {
      const opened = projects.get(projectId);
      const { labelEdits } = opened.store;
      const before = labelEdits.saved(gestureId);
      if (before !== null) {
        const version = before.images.find((image) => image.imageId === imageId)?.version ?? baseVersion;
        return { outcome: 'applied', version, at: before.at, undoState: labelEdits.undoState() };
      }
      const { version } = labelEdits.image(imageId);
      if (version !== baseVersion) {
        const missed = [labelEdits.changedSince(imageId, baseVersion)];
        return { outcome: 'conflict', version, missed, undoState: labelEdits.undoState() };
      }
      const at = now();
      const wanted = wantedByEdits(opened.store, imageId, edits, at);
      const images = labelEdits.change({ token: gestureId, kind: 'edit', label, by, at }, [wanted]);
      tell(opened, gestureId, images);
      return { outcome: 'applied', version: images[0]?.version ?? version, at, undoState: labelEdits.undoState() };
    },

    'annotation.undo': async (request) => travel('undo', request),
    'annotation.redo': async (request) => travel('redo', request),

    'annotation.undoState': async ({ projectId }) => projects.get(projectId).store.labelEdits.undoState(),

    'annotation.history': async ({ projectId, imageId, offset, limit }) => {
      const { labelEdits, labelHistory } = projects.get(projectId).store;
      labelEdits.image(imageId);
      return labelHistory.entries(imageId, offset, limit);
    },

    'annotation.stateAt': async ({ projectId, imageId, version }) => {
      const opened = projects.get(projectId);
      requireVersion(opened, imageId, version);
      return opened.store.labelHistory.stateAt(imageId, version);
    },

    'annotation.restore': async ({ projectId, gestureId, imageId, version }) =>
      bulk(projectId, { gestureId, kind: 'restore', label: `restore version ${version}` }, (opened) => {
        requireVersion(opened, imageId, version);
        const { annotations, labelHistory, labelEdits, datasets } = opened.store;
        const categories = datasets.categories(labelEdits.image(imageId).datasetId);
        const categoryIds = new Set(categories.map(({ categoryId }) => categoryId));
        const [now, then] = [annotations.ofImage(imageId), labelHistory.stateAt(imageId, version)];
        return [wantedByRestore(now, then, imageId, categoryIds)];
      }),

    'annotation.copy': async ({ projectId, gestureId, fromImageId, annotationIds, toImageIds }) =>
      bulk(projectId, { gestureId, kind: 'copy', label: 'copy labels' }, ({ store }, at) =>
        wantedByCopy(store, { fromImageId, annotationIds, toImageIds }, at),
      ),

    'annotation.classify': async ({ projectId, gestureId: token, imageIds, categoryId, mode, review = null }) => {
      const change = { imageIds, review, tag: { categoryId, mode } };
      return changeImages(projectId, { token, kind: 'classify', label: 'set class' }, change);
    },

    'annotation.relabel': async ({ projectId, gestureId: token, annotationIds, categoryId }) => {
      const opened = projects.get(projectId);
      if (categoryId !== null) await requireOwnClass(opened.store, annotationIds, categoryId);
      const label = categoryId === null ? 'remove labels' : 'change class';
      return gestures.run(opened, token, () => ({
        title: categoryId === null ? 'Removing labels' : 'Changing the class of labels',
        canStop: true,
        classesOf: null,
        begin: (limit) => {
          const what = { kind: 'labels', annotationIds, into: categoryId } as const;
          return opened.store.bulkEdits.begin({ token, kind: 'edit', label, by, at: now() }, what, null, limit);
        },
      }));
    },

    'image.setReview': async ({ projectId, gestureId: token, imageIds, review }) => {
      const label = `mark as ${review.replace('-', ' ')}`;
      return changeImages(projectId, { token, kind: 'review', label }, { imageIds, review, tag: null });
    },

    'image.reviewCounts': async ({ projectId, datasetId }) => {
      const { datasets, labelHistory } = projects.get(projectId).store;
      datasets.requireReady(datasetId);
      return labelHistory.reviewCounts(datasetId);
    },

    'image.reviewQueue': async ({ projectId, datasetId, states, ...where }) => {
      const { datasets, labelHistory } = projects.get(projectId).store;
      datasets.requireReady(datasetId);
      return { imageIds: labelHistory.queue(datasetId, states, where) };
    },

    'image.addTime': async ({ projectId, imageId, durationMs }) => {
      const { labelEdits, labelHistory } = projects.get(projectId).store;
      labelEdits.image(imageId);
      return { timeMs: labelHistory.addTime(imageId, durationMs) };
    },

    'annotation.schema': async ({ projectId, datasetId }) => {
      const { datasets } = projects.get(projectId).store;
      return datasets.labelSchema(datasetId);
    },

    'category.edit': async ({ projectId, gestureId, datasetId, edit }) =>
      editClasses(projects.get(projectId), gestureId, datasetId, edit),

    'category.usage': async ({ projectId, datasetId }) => {
      const { datasets, categories } = projects.get(projectId).store;
      datasets.requireReady(datasetId);
      return categories.usage(datasetId);
    },
  };
}

const now = (): string => new Date().toISOString();

/** "merge classes into “car”" as a job is called. */
function titleOf(label: string): string {
  return `${label.charAt(0).toUpperCase()}${label.slice(1)}`;
}

/** Throws `not-found` for a version that the image does not have yet. */
function requireVersion(
  { store }: OpenProject,
  imageId: Parameters<typeof store.labelEdits.image>[0],
  version: number,
): void {
  const { version: now } = store.labelEdits.image(imageId);
  if (Number.isInteger(version) && version >= 0 && version <= now) return;
  throw new FoveaError('not-found', `Image ${imageId} has no version ${version}; its labels are at version ${now}.`, {
    imageId,
    version,
  });
}
