/** The images of a comparison: how each run did on each, which ones a run fixed or broke, and the one that is looked at. */
import type { Api } from '../api/client.svelte.ts';
import type { ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import {
  usualDetectionSettings,
  type ClassAnswers,
  type DetectionSettings,
  type ImageScores,
} from '../../src-main/contract/model/run-results.ts';
import type { Task } from '../../src-main/contract/model/run.ts';
import { imagesWith, type Narrowing } from './class-answers.ts';
import { byDisagreement, comparedImages, countsByOutcome, type ComparisonFilter } from './image-comparison.ts';
import { LatestAnswer } from './latest-answer.ts';
import { RunOverlay } from './run-overlay.svelte.ts';

interface ComparedRun {
  runId: RunId;
  task: Task;
}

export class CompareImages {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly runs: readonly ComparedRun[];
  /** In the order of the runs. */
  readonly overlays: readonly RunOverlay[];
  /** In the order of the runs; null until they are all read. */
  scores = $state.raw<readonly ImageScores[] | null>(null);
  error = $state.raw<unknown>(null);
  /** From which score on an image counts as right, where its task does not say. */
  threshold = $state(0.5);
  filter = $state<ComparisonFilter>('all');
  /** Which run is held against the baseline: an index into `runs`. */
  other = $state(1);
  selected = $state<ImageId | null>(null);
  settings = $state.raw<DetectionSettings>(usualDetectionSettings);
  /** In the order of the runs: what each class was called; null until they are read. */
  answers = $state.raw<readonly ClassAnswers[] | null>(null);
  answersError = $state.raw<unknown>(null);
  narrowing = $state.raw<Narrowing>({ category: null, size: null, cell: null });
  readonly #latestScores = new LatestAnswer();
  readonly #latestAnswers = new LatestAnswer();

  readonly compared = $derived.by(() => {
    const [baseline, other] = [this.scores?.[0], this.scores?.[this.other]];
    if (baseline === undefined || other === undefined) return [];
    const all = comparedImages(baseline, other, this.threshold);
    const allowed = this.answers === null ? null : imagesWith(this.answers, this.narrowing);
    return allowed === null ? all : all.filter(({ imageId }) => allowed.has(imageId));
  });
  readonly counts = $derived(countsByOutcome(this.compared));
  readonly images = $derived(byDisagreement(this.compared, this.filter));
  readonly place = $derived(this.images.findIndex(({ imageId }) => imageId === this.selected));

  constructor(api: Api, projectId: ProjectId, runs: readonly ComparedRun[]) {
    this.#api = api;
    this.#projectId = projectId;
    this.runs = runs;
    this.overlays = runs.map(({ runId, task }) => new RunOverlay(api, projectId, runId, task));
  }

  read(): Promise<void> {
    const asked = this.runs.map(({ runId }) => this.#api.call('run.scores', { projectId: this.#projectId, runId }));
    return this.#latestScores.to(
      Promise.all(asked),
      (scores) => {
        this.scores = scores;
        this.error = null;
        if (this.place < 0) this.select(this.images[0]?.imageId ?? null);
      },
      (error) => (this.error = error),
    );
  }

  /** When the runs have new predictions, too. */
  readAnswers(): Promise<void> {
    const asked = this.runs.map(({ runId }) => this.#api.call('run.answers', { projectId: this.#projectId, runId }));
    return this.#latestAnswers.to(
      Promise.all(asked),
      (answers) => {
        this.answers = answers;
        this.answersError = null;
      },
      (error) => (this.answersError = error),
    );
  }

  /** Only images with this class, with objects of this size, or with this cell of a run's confusion. */
  narrowTo(changes: Partial<Narrowing>): void {
    this.narrowing = { ...this.narrowing, ...changes };
    if (this.place < 0) this.select(this.images[0]?.imageId ?? null);
  }

  /** Of one run on the image that is looked at; null where it was not measured by it. */
  scoreOf(index: number): { score: number | null; right: boolean } | null {
    const scores = this.scores?.[index];
    const place = this.selected === null ? -1 : (scores?.imageIds.indexOf(this.selected) ?? -1);
    if (scores === undefined || place < 0) return null;
    const score = Number.isNaN(scores.scores[place]) ? null : scores.scores[place]!;
    return {
      score,
      right: scores.right === null ? score === null || score >= this.threshold : scores.right[place] === 1,
    };
  }

  narrow(filter: ComparisonFilter): void {
    this.filter = filter;
    if (this.place < 0) this.select(this.images[0]?.imageId ?? null);
  }

  select(imageId: ImageId | null): void {
    this.selected = imageId;
    for (const overlay of this.overlays) void overlay.show(imageId);
  }

  step(by: number): void {
    const next = this.images[this.place + by];
    if (next !== undefined) this.select(next.imageId);
  }
}
