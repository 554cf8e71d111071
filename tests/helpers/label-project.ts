/** A project with photographs (see photo-dataset.ts), and ways to edit their labels through the services. */
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { Annotation, Shape } from '../../src-main/contract/model/annotation.ts';
import type { AnnotationEdit } from '../../src-main/contract/model/annotation-edit.ts';
import type { AnnotationId, CategoryId, ImageId } from '../../src-main/contract/model/ids.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { addPhotos, type PhotoDataset } from './photo-dataset.ts';
import { createProjectFixture, type ProjectFixture } from './service-fixture.ts';

/** An edit that adds a person's label. */
export function adding(annotationId: AnnotationId, categoryId: CategoryId, shape: Shape): AnnotationEdit {
  const provenance = { by: 'person' } as const;
  return {
    kind: 'add',
    annotation: { annotationId, categoryId, shape, flags: [], attributes: {}, note: '', z: 0, provenance },
  };
}

type Call = 'annotation.apply' | 'annotation.undo' | 'annotation.redo';

export class LabelProject {
  readonly fixture: ProjectFixture;
  readonly photos: PhotoDataset;
  readonly projectId;
  #gestures = 0;

  constructor(fixture: ProjectFixture, photos: PhotoDataset) {
    this.fixture = fixture;
    this.photos = photos;
    this.projectId = fixture.opened.project.projectId;
  }

  static async create(count = 3): Promise<LabelProject> {
    const fixture = await createProjectFixture();
    return new LabelProject(fixture, addPhotos(fixture.opened.store, count));
  }

  get store(): ProjectStore {
    return this.fixture.opened.store;
  }

  call<C extends Call>(name: C, request: Parameters<Handlers[C]>[0]): ReturnType<Handlers[C]> {
    return this.fixture.handlers[name](request as never) as ReturnType<Handlers[C]>;
  }

  nextGesture(): string {
    return `test:${++this.#gestures}`;
  }

  labels(imageId: ImageId): Annotation[] {
    return this.store.annotations.ofImage(imageId);
  }

  /** Saves a gesture on top of what is there. */
  async edit(imageId: ImageId, edits: AnnotationEdit[], label = 'edit', gestureId = this.nextGesture()) {
    const baseVersion = this.store.labelEdits.image(imageId).version;
    return this.call('annotation.apply', { projectId: this.projectId, gestureId, imageId, label, baseVersion, edits });
  }

  undo(target: string | null = null) {
    return this.call('annotation.undo', { projectId: this.projectId, gestureId: this.nextGesture(), target });
  }

  redo(target: string | null = null) {
    return this.call('annotation.redo', { projectId: this.projectId, gestureId: this.nextGesture(), target });
  }
}
