/** Calls about editing labels: opening an image, saving gestures, undo and redo, history, review states. */
import { userInfo } from 'node:os';
import type { Handlers } from '../../contract/ipc.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { ChangeResult, HistoryKind, ImageChange } from '../../contract/model/annotation-edit.ts';
import type { ProjectId } from '../../contract/model/ids.ts';
import type { WantedState } from '../../store/label-edit-repository.ts';
import type { ServiceContext } from '../context.ts';
import type { OpenProject } from '../open-projects.ts';
import { wantedByClass, wantedByCopy, wantedByRelabel } from './bulk-edits.ts';
import { wantedByEdits, wantedByRestore } from './edit-checks.ts';

type AnnotateCalls =
  | `annotation.${'open' | 'reserveIds' | 'apply' | 'undo' | 'redo' | 'history' | 'stateAt' | 'restore' | 'copy' | 'classify' | 'relabel'}`
  | `annotation.${'schema' | 'setSchema' | 'undoState'}`
  | `image.${'setReview' | 'reviewCounts' | 'reviewQueue' | 'addTime'}`;

export function createAnnotateHandlers({
  projects,
  emit,
}: Pick<ServiceContext, 'projects' | 'emit'>): Pick<Handlers, AnnotateCalls> {
  const by = accountName();
  projects.onOpen(({ store }) => store.labelEdits.sweep());

  const tell = ({ project, store }: OpenProject, gestureId: string, images: ImageChange[]): void => {
    if (images.length === 0) return;
    emit('annotation.changed', {
      projectId: project.projectId,
      gestureId,
      images,
      undoState: store.labelEdits.undoState(),
    });
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
    tell(opened, gestureId, images);
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
    if (before === null) tell(opened, gestureId, result.images);
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
        const { annotations, labelHistory } = opened.store;
        return [wantedByRestore(annotations.ofImage(imageId), labelHistory.stateAt(imageId, version), imageId)];
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

    'annotation.setSchema': async ({ projectId, datasetId, schema }) => {
      const { datasets } = projects.get(projectId).store;
      for (const { categoryId, points, edges } of schema.skeletons) {
        const isWrong = edges.flat().some((place) => place < 0 || place >= points.length);
        if (isWrong) {
          throw new FoveaError('bad-input', `The skeleton of class ${categoryId} joins points that it does not have.`, {
            categoryId,
          });
        }
      }
      return datasets.setLabelSchema(datasetId, schema);
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
