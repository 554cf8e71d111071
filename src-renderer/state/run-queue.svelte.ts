/** The project's runs that wait for their turn, in their order, and whether the queue is paused. */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { RunQueue } from '../../src-main/contract/model/run.ts';

export class RunQueueState {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  #queue = $state.raw<RunQueue>({ paused: false, waiting: [] });
  readonly paused = $derived(this.#queue.paused);
  /** Of this project; those of other open projects stand between them. */
  readonly waiting: readonly RunId[] = $derived(
    this.#queue.waiting.filter(({ projectId }) => projectId === this.#projectId).map(({ runId }) => runId),
  );

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    void this.read();
    const ends = [
      this.#api.on('run.queueChanged', (queue) => (this.#queue = queue)),
      this.#api.onReconnected(() => void this.read()),
    ];
    return () => ends.forEach((end) => end());
  }

  /** What failed is read again with the next change. */
  async read(): Promise<void> {
    try {
      this.#queue = await this.#api.call('run.queue', {});
    } catch {
      // The list of runs, which is read at the same time, says what is wrong.
    }
  }

  async pause(paused: boolean): Promise<void> {
    this.#queue = await this.#api.call('run.pauseQueue', { paused });
  }

  async setPriority(runId: RunId, priority: number): Promise<void> {
    await this.#api.call('run.setPriority', { projectId: this.#projectId, runId, priority });
  }

  /** To this place among the project's waiting runs. */
  async move(runId: RunId, to: number): Promise<void> {
    const others = this.waiting.filter((other) => other !== runId);
    const before = others[to];
    const projectId = this.#projectId;
    this.#queue = await this.#api.call('run.moveInQueue', {
      projectId,
      runId,
      before: before === undefined ? null : { projectId, runId: before },
    });
  }
}
