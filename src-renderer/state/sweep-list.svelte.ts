/** The project's sweeps, newest first. The states of their runs are in RunList. */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId, SweepId } from '../../src-main/contract/model/ids.ts';
import type { Sweep, SweepPlan } from '../../src-main/contract/model/sweep.ts';
import { FollowedList } from './followed-list.svelte.ts';

export class SweepList extends FollowedList<Sweep> {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly byId = $derived(new Map(this.all?.map((sweep) => [sweep.sweepId, sweep])));

  constructor(api: Api, projectId: ProjectId) {
    super(() => api.call('sweep.list', { projectId }));
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    void this.read();
    const isOurs = ({ projectId }: { projectId: ProjectId }): boolean => projectId === this.#projectId;
    const ends = [
      this.#api.on('sweep.changed', (event) => isOurs(event) && this.#take(event.sweep)),
      this.#api.on('sweep.removed', (event) => isOurs(event) && this.#drop(event.sweepId)),
      this.#api.onReconnected(() => void this.read()),
    ];
    return () => ends.forEach((end) => end());
  }

  async start(name: string, plan: SweepPlan): Promise<Sweep> {
    return this.#take(await this.#api.call('sweep.start', { projectId: this.#projectId, name, plan }));
  }

  async rename(sweepId: SweepId, name: string): Promise<void> {
    this.#take(await this.#api.call('sweep.rename', { projectId: this.#projectId, sweepId, name }));
  }

  async cancel(sweepId: SweepId): Promise<void> {
    await this.#api.call('sweep.cancel', { projectId: this.#projectId, sweepId });
  }

  async resume(sweepId: SweepId): Promise<void> {
    this.#take(await this.#api.call('sweep.resume', { projectId: this.#projectId, sweepId }));
  }

  async delete(sweepId: SweepId): Promise<void> {
    await this.#api.call('sweep.delete', { projectId: this.#projectId, sweepId });
    this.#drop(sweepId);
  }

  async restore(sweepId: SweepId): Promise<void> {
    this.#take(await this.#api.call('sweep.restore', { projectId: this.#projectId, sweepId }));
  }

  #take(sweep: Sweep): Sweep {
    this.change((all) =>
      [...all.filter(({ sweepId }) => sweepId !== sweep.sweepId), sweep].toSorted((a, b) => b.sweepId - a.sweepId),
    );
    return sweep;
  }

  #drop(sweepId: SweepId): void {
    this.change((all) => all.filter((sweep) => sweep.sweepId !== sweepId));
  }
}
