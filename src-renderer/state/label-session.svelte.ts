/**
 * Editing labels of a project: the editor, the image that is open in it, and the line of gestures on their way to the
 * service. The editor shows every gesture at once; this sees to it that each is saved, in order, and that what others
 * change meanwhile is shown.
 */
import type { Api } from '../api/client.svelte.ts';
import type { Annotation, ReviewState } from '../../src-main/contract/model/annotation.ts';
import type {
  AnnotationEdit,
  ChangeResult,
  HistoryEntry,
  ImageChange,
  LabelSchema,
  LabelState,
  UndoState,
} from '../../src-main/contract/model/annotation-edit.ts';
import type { ClassEdit } from '../../src-main/contract/model/class-edit.ts';
import type { AnnotationId, CategoryId, DatasetId, ImageId, ProjectId } from '../../src-main/contract/model/ids.ts';
import { Editor } from '../canvas/editor/editor.ts';
import { changedContent } from '../canvas/editor/same-label.ts';
import type { Commit, EditorImage } from '../canvas/editor/types.ts';
import { LabelClock } from './label-clock.ts';
import { LabelIds } from './label-ids.ts';
import {
  editsOf,
  foldAll,
  foldEdits,
  foldReview,
  rebase,
  type ApplyJob,
  type LabelJob,
  type TravelJob,
} from './label-jobs.ts';
import { isPassing, LabelQueue, type Saving } from './label-queue.svelte.ts';
import { LatestAnswer } from './latest-answer.ts';

/** Images whose labels are read ahead. */
const keptAhead = 8;

export interface OpenImage extends EditorImage {
  readonly imageId: ImageId;
}

/** Images that an undo or redo changed. */
interface Travelled {
  readonly imageIds: readonly ImageId[];
}

export class LabelSession {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #clientId: string;
  readonly #ids: LabelIds;
  readonly #clock = new LabelClock();
  readonly editor: Editor;
  readonly #queue: LabelQueue;
  #gestures = 0;
  /** Of the service, as far as is known here. */
  #versions = new Map<ImageId, number>();
  /** Versions that others made and that were not looked at yet. */
  #behind = new Map<ImageId, number>();
  #ahead = new Map<ImageId, Promise<LabelState>>();
  readonly #opening = new LatestAnswer();

  image: OpenImage | null = $state.raw(null);
  loading = $state(false);
  /** Why the latest image could not be opened. */
  error: unknown = $state.raw(null);
  undoState: UndoState = $state.raw({ undo: null, redo: null });
  schema: LabelSchema = $state.raw({ skeletons: [], attributes: [] });
  /** Time that was spent on the open image before it was opened now, ms. */
  #timeBeforeMs = 0;

  constructor(api: Api, projectId: ProjectId, clientId: string = crypto.randomUUID()) {
    this.#api = api;
    this.#projectId = projectId;
    this.#clientId = clientId;
    this.#ids = new LabelIds(async (count) => (await api.call('annotation.reserveIds', { projectId, count })).first);
    this.#queue = new LabelQueue((job) => this.#send(job));
    this.editor = new Editor({
      nextAnnotationId: () => this.#ids.next(),
      nextGestureId: () => this.#nextGesture(),
      skeletonOf: (categoryId) => this.schema.skeletons.find((skeleton) => skeleton.categoryId === categoryId) ?? null,
    });
    this.editor.on('commit', (commit) => this.#keep(commit));
    this.editor.on('preview', () => this.#clock.touch());
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    const stopEvents = this.#api.on('annotation.changed', ({ projectId, gestureId, images, untold, undoState }) => {
      if (projectId !== this.#projectId) return;
      for (const imageId of [...images.map((image) => image.imageId), ...untold]) this.#ahead.delete(imageId);
      if (gestureId.startsWith(`${this.#clientId}:`)) return;
      this.undoState = undoState;
      for (const image of images) this.#heard(image);
      this.#heardUntold(untold);
    });
    const stopReconnect = this.#api.onReconnected(() => {
      this.#ahead.clear();
      this.#queue.retry();
      void this.#reread();
    });
    return () => {
      stopEvents();
      stopReconnect();
      void this.#keepTime();
    };
  }

  /** Reads an image's labels ahead, so that `open` has them at once. */
  prefetch(imageId: ImageId): void {
    if (this.#ahead.has(imageId)) return;
    const reading = this.#api.call('annotation.open', { projectId: this.#projectId, imageId });
    reading.catch(() => this.#ahead.delete(imageId)); // `open` reads it again, and says what is wrong
    this.#ahead.set(imageId, reading);
    const [oldest] = this.#ahead.keys();
    if (this.#ahead.size > keptAhead && oldest !== undefined) this.#ahead.delete(oldest);
  }

  /** Shows another image. Gestures of the one before go on being saved. */
  async open(imageId: ImageId): Promise<void> {
    this.editor.handle({ kind: 'cancel' });
    void this.#keepTime();
    this.loading = true;
    this.error = null;
    await this.#opening.to(
      Promise.all([this.#read(imageId), this.#ids.ready()]),
      ([state]) => {
        const image = { imageId, widthPx: state.widthPx, heightPx: state.heightPx };
        this.image = image;
        this.#timeBeforeMs = state.timeMs;
        this.#take(state, (labels, review) => this.editor.load(image, labels, review));
        this.loading = false;
      },
      (error) => {
        this.error = error;
        this.loading = false;
      },
    );
  }

  /** Leaves the image; nothing is shown until the next `open`. */
  close(): void {
    this.#opening.drop();
    this.editor.handle({ kind: 'cancel' });
    void this.#keepTime();
    this.image = null;
    this.editor.load({ widthPx: 0, heightPx: 0 }, [], 'to-do');
  }

  /** Resolves when everything that was done so far is on the disk, or the person has to decide first. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }

  /** Time that people have spent on the open image, without pauses; not reactive. */
  get timeMs(): number {
    return this.#timeBeforeMs + this.#clock.sumMs;
  }

  get imageId(): ImageId | null {
    return this.image?.imageId ?? null;
  }
  /** Reactive. 'retrying' goes on by itself; 'failed' waits for `retry` or `discardFailed`. */
  get saving(): Saving {
    return this.#queue.saving;
  }
  /** Reactive: gestures that are not on the disk yet. */
  get unsavedCount(): number {
    return this.#queue.unsavedCount;
  }
  /** Reactive: why, in words for the person. */
  get saveError(): string | null {
    return this.#queue.error?.message ?? null;
  }

  retry(): void {
    this.#queue.retry();
  }

  /** Gives up the gesture that cannot be saved and shows the image as it is kept. */
  async discardFailed(): Promise<void> {
    const dropped = this.#queue.dropFirst();
    if (dropped?.kind === 'service') dropped.done(null);
    await this.#reread();
  }

  /** Answers with the images that changed, null where there was nothing to take back. */
  undo(): Promise<Travelled | null> {
    return this.#travel('undo');
  }

  redo(): Promise<Travelled | null> {
    return this.#travel('redo');
  }

  history(offset: number, limit: number): Promise<{ total: number; items: HistoryEntry[] }> {
    return this.#api.call('annotation.history', { ...this.#openImage(), offset, limit });
  }

  stateAt(version: number): Promise<Annotation[]> {
    return this.#api.call('annotation.stateAt', { ...this.#openImage(), version });
  }

  async restore(version: number): Promise<void> {
    const request = { ...this.#openImage(), gestureId: this.#nextGesture(), version };
    await this.#byService(() => this.#api.call('annotation.restore', request));
  }

  /** Copies of another image's labels to the open one. */
  copyFrom(fromImageId: ImageId): Promise<ChangeResult | null> {
    return this.#copy(fromImageId, null, [this.#openImage().imageId]);
  }

  /** Copies of these labels of the open image (null: all) to others. */
  propagate(
    annotationIds: readonly AnnotationId[] | null,
    toImageIds: readonly ImageId[],
  ): Promise<ChangeResult | null> {
    return this.#copy(this.#openImage().imageId, annotationIds, toImageIds);
  }

  setReview(imageIds: readonly ImageId[], review: ReviewState): Promise<ChangeResult | null> {
    const request = { projectId: this.#projectId, gestureId: this.#nextGesture(), imageIds: [...imageIds], review };
    return this.#byService(() => this.#api.call('image.setReview', request));
  }

  classify(
    imageIds: readonly ImageId[],
    categoryId: CategoryId,
    mode: 'only' | 'add' | 'remove',
    review?: ReviewState,
  ): Promise<ChangeResult | null> {
    const what = { imageIds: [...imageIds], categoryId, mode, review };
    const request = { projectId: this.#projectId, gestureId: this.#nextGesture(), ...what };
    return this.#byService(() => this.#api.call('annotation.classify', request));
  }

  async readSchema(datasetId: DatasetId): Promise<void> {
    this.schema = await this.#api.call('annotation.schema', { projectId: this.#projectId, datasetId });
  }

  /** Changes classes with their labels, as one step of undo. Throws what the service refuses. */
  editClasses(datasetId: DatasetId, edit: ClassEdit): Promise<ChangeResult | null> {
    const request = { projectId: this.#projectId, gestureId: this.#nextGesture(), datasetId, edit };
    return this.#byService(() => this.#api.call('category.edit', request));
  }

  #copy(fromImageId: ImageId, annotationIds: readonly AnnotationId[] | null, toImageIds: readonly ImageId[]) {
    const what = { fromImageId, annotationIds: annotationIds && [...annotationIds], toImageIds: [...toImageIds] };
    const request = { projectId: this.#projectId, gestureId: this.#nextGesture(), ...what };
    return this.#byService(() => this.#api.call('annotation.copy', request));
  }

  /** After all that was done before; answers when it is done, null where it was given up. Throws what the service refuses. */
  #byService(run: () => Promise<ChangeResult>): Promise<ChangeResult | null> {
    return new Promise((resolve, reject) => this.#queue.add({ kind: 'service', run, done: resolve, fail: reject }));
  }

  async #travel(direction: 'undo' | 'redo'): Promise<Travelled | null> {
    const { editor, image } = this;
    const local = editor.nextGesture(direction);
    const isNewest = local !== null && (this.#queue.jobs.length > 0 || local === this.undoState[direction]?.gestureId);
    if (image !== null && (!editor.isIdle || isNewest)) {
      return editor[direction]() ? { imageIds: [image.imageId] } : null;
    }
    const request = { projectId: this.#projectId, gestureId: this.#nextGesture(), target: null };
    const result = await this.#byService(() => this.#api.call(`annotation.${direction}`, request));
    if (result?.outcome !== 'done') return null;
    return { imageIds: [...result.images.map(({ imageId }) => imageId), ...result.untold] };
  }

  /** A gesture that the editor has completed. */
  #keep(commit: Commit): void {
    if (this.image === null) return;
    const { imageId } = this.image;
    const { gestureId, label, operations } = commit;
    const edits = editsOf(commit);
    this.#queue.add(
      commit.kind === 'edit'
        ? { kind: 'apply', imageId, gestureId, label, operations, edits }
        : { kind: commit.kind, imageId, gestureId: this.#nextGesture(), target: gestureId, edits },
    );
  }

  #send(job: LabelJob): Promise<void> {
    if (job.kind === 'apply') return this.#sendApply(job);
    return job.kind === 'service' ? this.#sendService(job) : this.#sendTravel(job);
  }

  async #sendApply(job: ApplyJob): Promise<void> {
    for (;;) {
      const { imageId, gestureId, label } = job;
      if (job.edits.length === 0) return;
      const baseVersion = this.#versions.get(imageId) ?? 0;
      const request = { projectId: this.#projectId, imageId, gestureId, label, baseVersion, edits: [...job.edits] };
      const result = await this.#api.call('annotation.apply', request);
      this.undoState = result.undoState;
      this.#versions.set(imageId, result.version);
      if (result.outcome === 'applied') {
        this.#stamp(job, result.at);
        return this.#catchUp(imageId);
      }
      for (const missed of result.missed) {
        rebase(this.#queue.jobs, missed);
        this.#show(missed);
      }
    }
  }

  async #sendTravel(job: TravelJob): Promise<void> {
    const { gestureId, target } = job;
    const result = await this.#api.call(`annotation.${job.kind}`, { projectId: this.#projectId, gestureId, target });
    this.undoState = result.undoState;
    // From here on the answer counts, and not what was expected of it.
    job.edits = [];
    if (result.outcome !== 'done') return this.#reread();
    for (const image of result.images) {
      const isNext = image.version === (this.#versions.get(image.imageId) ?? 0) + 1;
      this.#versions.set(image.imageId, image.version);
      if (!isNext) await this.#reread();
      else if (!this.#isShown(image)) this.#show(image);
      else if (image.imageId === this.image?.imageId)
        this.editor.stamp(image.changes.flatMap(({ after }) => after ?? []));
    }
    for (const imageId of result.untold) this.#versions.delete(imageId);
    // Labels of a class that is gone do not come back: what the editor shows is then more than there is.
    if (!result.images.some(({ imageId }) => imageId === job.imageId)) await this.#reread();
  }

  async #sendService(job: Extract<LabelJob, { kind: 'service' }>): Promise<void> {
    let result: ChangeResult;
    try {
      result = await job.run();
    } catch (error) {
      if (isPassing(error)) throw error;
      return job.fail(error);
    }
    this.undoState = result.undoState;
    if (result.outcome === 'done') {
      for (const image of result.images) {
        const isNext = image.version === (this.#versions.get(image.imageId) ?? 0) + 1;
        this.#versions.set(image.imageId, image.version);
        if (image.imageId !== this.image?.imageId) continue;
        if (isNext) this.#show(image);
        else await this.#reread();
      }
      for (const imageId of result.untold) this.#versions.delete(imageId);
      if (this.image !== null && result.untold.includes(this.image.imageId)) await this.#reread();
    }
    job.done(result);
  }

  /** Whether the editor shows what the service says, apart from times. */
  #isShown({ imageId, changes, review }: ImageChange): boolean {
    if (imageId !== this.image?.imageId) return true;
    const edits = this.#unsaved(imageId);
    const { document } = this.editor;
    return (
      document.review === foldReview(review, edits) &&
      changes.every(({ annotationId, after }) => {
        const [shown, kept] = [document.get(annotationId) ?? null, foldEdits(after, annotationId, edits)];
        if (shown === null || kept === null) return shown === kept;
        return Object.keys(changedContent(shown, kept)).length === 0;
      })
    );
  }

  /** Shows a change of the service's, under what is not saved yet. */
  #show({ imageId, changes, review }: ImageChange): void {
    if (imageId !== this.image?.imageId) return;
    const edits = this.#unsaved(imageId);
    const folded = changes.map(({ annotationId, after }) => ({
      annotationId,
      after: foldEdits(after, annotationId, edits),
    }));
    this.editor.receive(folded, foldReview(review, edits));
  }

  #unsaved(imageId: ImageId): AnnotationEdit[] {
    return this.#queue.jobs.flatMap((job) => (job.kind !== 'service' && job.imageId === imageId ? job.edits : []));
  }

  #stamp({ imageId, edits }: ApplyJob, at: string): void {
    if (imageId !== this.image?.imageId) return;
    const { document } = this.editor;
    const times = edits.flatMap((edit) => {
      if (edit.kind === 'review' || edit.kind === 'remove') return [];
      const annotationId = edit.kind === 'add' ? edit.annotation.annotationId : edit.annotationId;
      const label = document.get(annotationId);
      if (label === undefined) return [];
      return [
        edit.kind === 'add'
          ? { annotationId, createdAt: at, updatedAt: null }
          : { annotationId, createdAt: label.createdAt, updatedAt: at },
      ];
    });
    this.editor.stamp(times);
  }

  /** Somebody else changed an image. */
  #heard(image: ImageChange): void {
    const { imageId, version } = image;
    if (imageId !== this.image?.imageId) return void this.#versions.delete(imageId);
    const known = this.#versions.get(imageId) ?? 0;
    if (version <= known) return;
    if (this.#queue.jobs.length === 0 && version === known + 1) {
      this.#versions.set(imageId, version);
      return this.#show(image);
    }
    // With gestures under way the next answer tells what was missed.
    this.#behind.set(imageId, version);
    if (this.#queue.jobs.length === 0) void this.#reread();
  }

  /** Somebody else changed images in ways too many to tell. */
  #heardUntold(imageIds: readonly ImageId[]): void {
    for (const imageId of imageIds) {
      if (imageId !== this.image?.imageId) {
        this.#versions.delete(imageId);
        continue;
      }
      this.#behind.set(imageId, Infinity);
      if (this.#queue.jobs.length === 0) void this.#reread();
    }
  }

  /** After the last gesture of the line: what was heard in between, if its answers did not tell. */
  async #catchUp(imageId: ImageId): Promise<void> {
    const behind = this.#behind.get(imageId) ?? 0;
    if (behind <= (this.#versions.get(imageId) ?? 0)) return void this.#behind.delete(imageId);
    if (this.#queue.jobs.length <= 1) await this.#reread();
  }

  /** Reads the open image's labels anew and shows them under what is not saved yet. */
  async #reread(): Promise<void> {
    const { image } = this;
    if (image === null) return;
    this.#ahead.delete(image.imageId);
    const state = await this.#read(image.imageId);
    if (this.image !== image) return;
    this.#take(state, (labels, review) => {
      const kept = new Set(labels.map(({ annotationId }) => annotationId));
      const gone = this.editor.document.ordered.filter(({ annotationId }) => !kept.has(annotationId));
      this.editor.receive(
        [
          ...labels.map((after) => ({ annotationId: after.annotationId, after })),
          ...gone.map(({ annotationId }) => ({ annotationId, after: null })),
        ],
        review,
      );
    });
  }

  /** The image's labels, read ahead or now; never from before the last gesture that is known to be saved. */
  async #read(imageId: ImageId): Promise<LabelState> {
    for (;;) {
      this.prefetch(imageId);
      const state = await this.#ahead.get(imageId);
      this.#ahead.delete(imageId);
      if (state !== undefined && state.version >= (this.#versions.get(imageId) ?? 0)) return state;
    }
  }

  #take(state: LabelState, show: (labels: ReturnType<typeof foldAll>, review: ReviewState) => void): void {
    const { imageId, version, annotations, review, undoState } = state;
    this.#versions.set(imageId, version);
    this.#behind.delete(imageId);
    this.undoState = undoState;
    const edits = this.#unsaved(imageId);
    show(foldAll(annotations, edits), foldReview(review, edits));
  }

  #openImage(): { projectId: ProjectId; imageId: ImageId } {
    if (this.image === null) throw new Error('internal: no image is open');
    return { projectId: this.#projectId, imageId: this.image.imageId };
  }

  async #keepTime(): Promise<void> {
    const durationMs = Math.min(3_600_000, Math.round(this.#clock.take()));
    if (this.image === null || durationMs === 0) return;
    const request = { projectId: this.#projectId, imageId: this.image.imageId, durationMs };
    await this.#api.call('image.addTime', request).catch(() => undefined); // a measure, not work: not worth a word
  }

  #nextGesture(): string {
    return `${this.#clientId}:${++this.#gestures}`;
  }
}
