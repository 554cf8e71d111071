/**
 * Gestures about any number of labels or images, done a little at a time so that nobody waits for all of it: one after the
 * other in each project, with a job that says how far it is where it takes longer. What the app's end or a crash left is done
 * when the project is opened.
 */
import type { Emit } from '../../contract/ipc.ts';
import { FoveaError, invariant } from '../../contract/errors.ts';
import type { ChangeResult } from '../../contract/model/annotation-edit.ts';
import type { DatasetId, ImageId, ProjectId } from '../../contract/model/ids.ts';
import type { BulkProgress } from '../../store/bulk-edit-repository.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { JobRegistry } from '../jobs.ts';
import type { OpenProject, OpenProjects } from '../open-projects.ts';

/** What the first step takes, in one transaction with its end where that is all. */
const FIRST_LABELS = 150;
const [FEWEST_LABELS, MOST_LABELS] = [50, 5000];
/** A step's length; labels may have a shape of four corners or of a million pixels. */
const STEP_MS = 20;
/** A change that is through by then needs no job. */
const QUIET_MS = 300;
/** Who shows the images reads them again each time. */
const TOLD_EVERY_MS = 250;

export interface BulkGesture {
  /** What the job is called: "Merging classes into “car”". */
  title: string;
  /** False: cancelling the job does nothing, for half an undo is of no use. */
  canStop: boolean;
  /** What is counted. */
  unit?: 'labels' | 'images';
  /** Up to so many of them; null where nothing would change, or is there to be undone. */
  begin: (limit: number) => BulkProgress | 'stale' | null;
  /** The data set whose classes change with it. */
  classesOf: DatasetId | null;
}

/** With its id outside. */
type Begun = BulkGesture & { token: string };
interface Beginning {
  first: BulkProgress;
  pace: Pace;
  /** Images that nobody was told of yet. */
  changed: ImageId[];
}
type Outcome = 'done' | 'stale' | 'nothing';

export class BulkGestures {
  readonly #projects: OpenProjects;
  readonly #emit: Emit;
  readonly #jobs: JobRegistry;
  /** The latest of each project; the next one begins when it is through. */
  readonly #latest = new Map<ProjectId, Promise<unknown>>();

  constructor(projects: OpenProjects, emit: Emit, jobs: JobRegistry) {
    this.#projects = projects;
    this.#emit = emit;
    this.#jobs = jobs;
  }

  /** `gesture` is asked in its turn. One that is sent again after an answer was lost is answered as it was, and done once. */
  run(opened: OpenProject, token: string, gesture: () => BulkGesture | Promise<BulkGesture>): Promise<ChangeResult> {
    const { labelEdits } = opened.store;
    return this.alone(opened, async (): Promise<ChangeResult> => {
      const before = labelEdits.saved(token);
      const outcome = before === null ? await this.#carryOut(opened, { ...(await gesture()), token }) : 'done';
      if (outcome !== 'done') return { outcome, undoState: labelEdits.undoState() };
      const saved = labelEdits.saved(token);
      invariant(saved !== null, 'a gesture that was done was not saved', { token });
      const { label, labels, images, untold } = saved;
      return { outcome, label, labels, images, untold, undoState: labelEdits.undoState() };
    });
  }

  /** Does something while no gesture of the project is under way; those that come meanwhile wait for it. */
  alone<T>({ project: { projectId } }: OpenProject, work: () => Promise<T>): Promise<T> {
    const turn = (this.#latest.get(projectId) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    this.#latest.set(projectId, settled);
    return turn;
  }

  /** What was begun when the project was last open. One that cannot be done keeps nothing from opening. */
  async finishPending({ store }: OpenProject): Promise<void> {
    for (const gestureId of store.bulkEdits.pending()) {
      const pace = new Pace();
      try {
        while (!pace.measure((limit) => store.bulkEdits.go(gestureId, limit)).isFinished) await yieldToEventLoop();
      } catch (error) {
        console.error(`A change of labels could not be completed: ${String(error)}`);
        store.bulkEdits.stop(gestureId);
      }
    }
  }

  async #carryOut(opened: OpenProject, gesture: Begun): Promise<Outcome> {
    const pace = new Pace();
    const first = pace.measure(gesture.begin);
    if (first === null) return 'nothing';
    if (first === 'stale') return 'stale';
    if (first.isFinished) {
      this.#tellWhole(opened, gesture);
      return 'done';
    }
    const changed: ImageId[] = [...first.imageIds];
    try {
      await this.#rest(opened, gesture, { first, pace, changed });
    } finally {
      this.#tellSome(opened, gesture, changed);
    }
    if (gesture.classesOf !== null) this.#emit('dataset.changed', { projectId: opened.project.projectId });
    return 'done';
  }

  /** With a job once it has taken a while. */
  async #rest(opened: OpenProject, gesture: Begun, begun: Beginning): Promise<void> {
    const { first } = begun;
    const steps = this.#steps(opened, gesture, begun);
    const untilMs = performance.now() + QUIET_MS;
    let last = first;
    for (let step = await steps.next(); !step.done; step = await steps.next()) {
      last = step.value;
      if (performance.now() > untilMs) break;
    }
    if (last.isFinished) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { token: gestureId, title, unit = 'labels' } = gesture;
    const { projectId } = opened.project;
    this.#jobs.start({ projectId, kind: 'labels', title, unit, gestureId }, async (report, signal) => {
      try {
        report({ step: `Changing ${unit}`, done: last.done, total: last.total });
        for await (const { done, total, gestureId: id } of steps) {
          report({ done, total });
          if (!signal.aborted || (!gesture.canStop && !this.#jobs.isClosing)) continue;
          // At the app's end the rest is left for the next time.
          if (!this.#jobs.isClosing) opened.store.bulkEdits.stop(id);
          break;
        }
        resolve();
        if (gesture.canStop || this.#jobs.isClosing) signal.throwIfAborted();
        return null;
      } catch (error) {
        reject(error);
        throw error;
      }
    });
    return promise;
  }

  async *#steps(
    opened: OpenProject,
    gesture: Begun,
    { first: { gestureId }, pace, changed }: Beginning,
  ): AsyncGenerator<BulkProgress> {
    let toldMs = performance.now();
    for (let isFinished = false; !isFinished;) {
      await yieldToEventLoop();
      if (this.#projects.find(opened.project.projectId) !== opened) {
        throw new FoveaError('busy', 'The project was closed; the change goes on when it is opened again.');
      }
      const progress = pace.measure((limit) => opened.store.bulkEdits.go(gestureId, limit));
      ({ isFinished } = progress);
      for (const imageId of progress.imageIds) changed.push(imageId);
      if (performance.now() - toldMs > TOLD_EVERY_MS) {
        this.#tellSome(opened, gesture, changed.splice(0));
        toldMs = performance.now();
      }
      yield progress;
    }
  }

  #tellSome({ project, store }: OpenProject, { token }: Begun, imageIds: readonly ImageId[]): void {
    const { projectId } = project;
    if (imageIds.length === 0 || this.#projects.find(projectId) === null) return;
    const undoState = store.labelEdits.undoState();
    const untold = [...new Set(imageIds)];
    this.#emit('annotation.changed', { projectId, gestureId: token, images: [], untold, undoState });
  }

  #tellWhole({ project, store }: OpenProject, { token, classesOf }: Begun): void {
    const { projectId } = project;
    const { images = [], untold = [] } = store.labelEdits.saved(token) ?? {};
    if (images.length + untold.length > 0 || classesOf !== null) {
      const undoState = store.labelEdits.undoState();
      this.#emit('annotation.changed', { projectId, gestureId: token, images, untold, undoState });
    }
    if (classesOf !== null) this.#emit('dataset.changed', { projectId });
  }
}

/** How many labels a step takes: as many as were done in its time before. */
export class Pace {
  #limit = FIRST_LABELS;

  measure<T>(step: (limit: number) => T): T {
    const startMs = performance.now();
    const result = step(this.#limit);
    const tookMs = Math.max(1, performance.now() - startMs);
    const wanted = this.#limit * Math.min(2, STEP_MS / tookMs);
    this.#limit = Math.round(Math.max(FEWEST_LABELS, Math.min(MOST_LABELS, wanted)));
    return result;
  }
}
