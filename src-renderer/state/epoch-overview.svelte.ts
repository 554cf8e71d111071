/** A run after one of its epochs, at a glance: what each class was called, how well each image was done, and what is said of a few of them. */
import type { Api } from '../api/client.svelte.ts';
import type { ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { ClassAnswers, ImageScores } from '../../src-main/contract/model/run-results.ts';
import type { Task } from '../../src-main/contract/model/run.ts';
import { LatestAnswer } from './latest-answer.ts';
import { RunOverlay } from './run-overlay.svelte.ts';

/** Answers of a detection are worked out anew, which takes a second: only where the slider rests. */
const restMs = 200;

export class EpochOverview {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  readonly #task: Task;
  answers = $state.raw<ClassAnswers | null>(null);
  scores = $state.raw<ImageScores | null>(null);
  error = $state.raw<unknown>(null);
  /** In the order of the images that are shown. */
  overlays = $state.raw<readonly RunOverlay[]>([]);
  #epoch: number | null = null;
  readonly #latest = new LatestAnswer();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, projectId: ProjectId, runId: RunId, task: Task) {
    this.#api = api;
    this.#run = { projectId, runId };
    this.#task = task;
  }

  /** At once what lies on the images; the rest where it stays there. Also after a new epoch of a run that trains. */
  show(epoch: number | null, images: readonly ImageId[]): void {
    this.#epoch = epoch;
    const { projectId, runId } = this.#run;
    if (this.overlays.length !== images.length)
      this.overlays = images.map((_, i) => this.overlays[i] ?? new RunOverlay(this.#api, projectId, runId, this.#task));
    this.overlays.forEach((overlay, index) => void overlay.show(images[index] ?? null, epoch));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.read(), this.answers === null ? 0 : restMs);
  }

  read(): Promise<void> {
    const at = { ...this.#run, epoch: this.#epoch };
    return this.#latest.to(
      Promise.all([this.#api.call('run.answers', at), this.#api.call('run.scores', at)]),
      ([answers, scores]) => {
        // The slider has gone on, and what it rests at will be asked for.
        if (at.epoch !== this.#epoch) return;
        this.answers = answers;
        this.scores = scores;
        this.error = null;
      },
      (error) => {
        if (at.epoch === this.#epoch) this.error = error;
      },
    );
  }
}
