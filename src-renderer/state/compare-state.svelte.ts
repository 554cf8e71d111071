/** Runs that are looked at beside each other: the comparison, and each one's series and kernels, alive while they train. */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { RunComparison } from '../../src-main/contract/model/run.ts';
import { verdictOf } from './compare-verdict.ts';
import { KernelLoader } from './kernel-loader.svelte.ts';
import { LatestAnswer } from './latest-answer.ts';
import { InsideLoader } from './network-inside.svelte.ts';
import { RunLive } from './run-live.svelte.ts';

export class CompareState {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #runIds: readonly RunId[];
  /** In the order of the ids, as `kernels`. */
  readonly lives: readonly RunLive[];
  readonly kernels: readonly KernelLoader[];
  readonly insides: readonly InsideLoader[];
  /** Null until the first answer. */
  comparison = $state.raw<RunComparison | null>(null);
  error = $state.raw<unknown>(null);
  readonly verdict = $derived(this.comparison === null ? null : verdictOf(this.comparison));
  readonly #latest = new LatestAnswer();

  /** The first run is the baseline. */
  constructor(api: Api, projectId: ProjectId, runIds: readonly RunId[]) {
    this.#api = api;
    this.#projectId = projectId;
    this.#runIds = runIds;
    this.lives = runIds.map((runId) => new RunLive(api, projectId, runId));
    this.kernels = runIds.map((runId) => new KernelLoader(api, projectId, runId));
    this.insides = runIds.map((runId) => new InsideLoader(api, projectId, runId));
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    void this.read();
    const ends = [
      ...this.lives.map((live) => live.follow()),
      this.#api.on('run.changed', ({ projectId, summary }) => {
        if (projectId === this.#projectId && this.#runIds.includes(summary.runId)) void this.read();
      }),
      this.#api.onReconnected(() => void this.read()),
    ];
    return () => ends.forEach((end) => end());
  }

  read(): Promise<void> {
    return this.#latest.to(
      this.#api.call('run.compare', { projectId: this.#projectId, runIds: [...this.#runIds] }),
      (comparison) => {
        this.comparison = comparison;
        this.error = null;
      },
      (error) => (this.error = error),
    );
  }
}
