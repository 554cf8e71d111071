/**
 * Which past epoch of a run is looked at: one place for its predictions, kernels, confusion and measures. Null is the
 * latest, which moves on with the training.
 */
import type { Api } from '../api/client.svelte.ts';
import type { RunHistory } from '../../src-main/contract/model/monitoring.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import { LatestAnswer } from './latest-answer.ts';

export class EpochScrubber {
  readonly #api: Api;
  readonly #run: { projectId: ProjectId; runId: RunId };
  /** Null until the first answer. */
  history = $state.raw<RunHistory | null>(null);
  error = $state.raw<unknown>(null);
  epoch = $state<number | null>(null);
  playing = $state(false);
  readonly epochs = $derived(this.history?.predictions ?? []);
  /** Of the slider: the last place is the latest. */
  readonly place = $derived(this.epoch === null ? this.epochs.length - 1 : this.epochs.indexOf(this.epoch));
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #latest = new LatestAnswer();

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.#api = api;
    this.#run = { projectId, runId };
  }

  /** When the run has a new epoch, too. */
  read(): Promise<void> {
    return this.#latest.to(
      this.#api.call('run.history', this.#run),
      (history) => {
        this.history = history;
        this.error = null;
        // It may have been left out to make room.
        if (this.epoch !== null && !this.epochs.includes(this.epoch)) this.epoch = nearest(this.epochs, this.epoch);
      },
      (error) => (this.error = error),
    );
  }

  /** The last place follows the training. */
  goTo(place: number): void {
    const last = this.epochs.length - 1;
    const at = Math.max(0, Math.min(last, place));
    this.epoch = at >= last ? null : this.epochs[at]!;
  }

  /** Where that epoch is not kept, to the nearest one that is. */
  goToEpoch(epoch: number): void {
    const at = nearest(this.epochs, epoch);
    if (at !== null) this.goTo(this.epochs.indexOf(at));
  }

  step(by: number): void {
    this.goTo(this.place + by);
  }

  /** From the first epoch again where it stands at the last. */
  play(everyMs = 500): void {
    this.pause();
    if (this.epochs.length < 2) return;
    if (this.epoch === null) this.goTo(0);
    this.playing = true;
    this.#timer = setInterval(() => {
      this.step(1);
      if (this.epoch === null) this.pause();
    }, everyMs);
  }

  pause(): void {
    clearInterval(this.#timer);
    this.playing = false;
  }
}

function nearest(epochs: readonly number[], wanted: number): number | null {
  return epochs.reduce<number | null>(
    (best, epoch) => (best === null || Math.abs(epoch - wanted) < Math.abs(best - wanted) ? epoch : best),
    null,
  );
}
