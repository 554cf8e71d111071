/** Calls about editing labels: opening an image, saving gestures, undo and redo, history, review states. */
import { userInfo } from 'node:os';
import type { Handlers } from '../../contract/ipc.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { ChangeResult, HistoryKind } from '../../contract/model/annotation-edit.ts';
import type { ProjectId } from '../../contract/model/ids.ts';
import type { Changed, WantedState } from '../../store/label-edit-repository.ts';
import type { ServiceContext } from '../context.ts';
import type { OpenProject } from '../open-projects.ts';
import { wantedByClass, wantedByCopy, wantedByRelabel } from './bulk-edits.ts';
import { plannedClassEdit } from './class-edits.ts';
import { wantedByEdits, wantedByRestore } from './edit-checks.ts';

type AnnotateCalls =
  | `annotation.${'open' | 'reserveIds' | 'apply' | 'undo' | 'redo' | 'history' | 'stateAt' | 'restore' | 'copy' | 'classify' | 'relabel'}`
  | `annotation.${'schema' | 'undoState'}`
  | `category.${'edit' | 'usage'}`
  | `image.${'setReview' | 'reviewCounts' | 'reviewQueue' | 'addTime'}`;

export function createAnnotateHandlers({
  projects,
  emit,
}: Pick<ServiceContext, 'projects' | 'emit'>): Pick<Handlers, AnnotateCalls> {
  const by = accountName();
  projects.onOpen(({ store }) => store.labelEdits.sweep());

  const tell = ({ project, store }: OpenProject, gestureId: string, { images, classesOf }: Changed): void => {
    if (images.length === 0 && classesOf === null) return;
    const { projectId } = project;
    emit('annotation.changed', { projectId, gestureId, images, undoState: store.labelEdits.undoState() });
    if (classesOf !== null) emit('dataset.changed', { projectId });
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
    if (before !== null) {
      return { outcome: 'done', label: before.label, images: before.images, undoState: labelEdits.undoState() };
    }
    const at = new Date().toISOString();
    const images = labelEdits.change({ token: gestureId, kind, label, by, at }, wanted(opened, at));
    tell(opened, gestureId, { images, classesOf: null });
    return { outcome: 'done', label, images, undoState: labelEdits.undoState() };
  }

  function editClasses(
    opened: OpenProject,
    gestureId: string,
    { label, classes, wanted }: ReturnType<typeof plannedClassEdit>,
    at: string,
  ): ChangeResult {
    const { labelEdits } = opened.store;
    // Labels follow their classes: without a change of these there is none of those.
    const images =
      classes === null ? [] : labelEdits.change({ token: gestureId, kind: 'edit', label, by, at }, wanted, classes);
    tell(opened, gestureId, { images, classesOf: classes?.datasetId ?? null });
    return { outcome: 'done', label, images, undoState: labelEdits.undoState() };
  }

  function travel(
    direction: 'undo' | 'redo',
    { projectId, gestureId, target }: { projectId: ProjectId; gestureId: string; target: string | null },
  ): ChangeResult {
    const opened = projects.get(projectId);
    const { labelEdits } = opened.store;
    const before = labelEdits.saved(gestureId);
    const result =
      before ?? labelEdits.travel(direction, { token: gestureId, by, at: new Date().toISOString() }, target);
    if (result === null) return { outcome: 'nothing', undoState: labelEdits.undoState() };
    if (result === 'stale') return { outcome: 'stale', undoState: labelEdits.undoState() };
    if (before === null) tell(opened, gestureId, result);
    return { outcome: 'done', label: result.label, images: result.images, undoState: labelEdits.undoState() };
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
      const at = new Date().toISOString();
      const wanted = wantedByEdits(opened.store, imageId, edits, at);
      const images = labelEdits.change({ token: gestureId, kind: 'edit', label, by, at }, [wanted]);
      tell(opened, gestureId, { images, classesOf: null });
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

    'annotation.classify': async ({ projectId, gestureId, imageIds, categoryId, mode, review }) =>
      bulk(projectId, { gestureId, kind: 'classify', label: 'set class' }, ({ store }, at) =>
        wantedByClass(store, imageIds, categoryId, { mode, review, at }),
      ),

    'annotation.relabel': async ({ projectId, gestureId, annotationIds, categoryId }) => {
      const label = categoryId === null ? 'remove labels' : 'change class';
      return bulk(projectId, { gestureId, kind: 'edit', label }, ({ store }, at) =>
        wantedByRelabel(store, annotationIds, categoryId, at),
      );
    },

    'image.setReview': async ({ projectId, gestureId, imageIds, review }) =>
      bulk(projectId, { gestureId, kind: 'review', label: `mark as ${review.replace('-', ' ')}` }, () =>
        [...new Set(imageIds)].map((imageId) => ({ imageId, labels: [], review })),
      ),

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

    'category.edit': async ({ projectId, gestureId, datasetId, edit }) => {
      const opened = projects.get(projectId);
      const { labelEdits } = opened.store;
      const before = labelEdits.saved(gestureId);
      if (before !== null) {
        return { outcome: 'done', label: before.label, images: before.images, undoState: labelEdits.undoState() };
      }
      const at = new Date().toISOString();
      return editClasses(opened, gestureId, plannedClassEdit(opened.store, datasetId, edit, at), at);
    },

    'category.usage': async ({ projectId, datasetId }) => {
      const { datasets, categories } = projects.get(projectId).store;
      datasets.requireReady(datasetId);
      return categories.usage(datasetId);
    },
  };
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

/** Some accounts have no name, in containers for instance. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'person';
  }
}
