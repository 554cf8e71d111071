/** The open project's runs, newest first, and where the running ones are. Curves and logs belong to RunLive. */
import type { Api } from '../api/client.svelte.ts';
import type { DatasetId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { Calls } from '../../src-main/contract/ipc.ts';
import type { Intervention } from '../../src-main/contract/model/intervention.ts';
import type { RunConfig, RunProgress, RunSummary } from '../../src-main/contract/model/run.ts';
import { FollowedList } from './followed-list.svelte.ts';
import { isActive } from './run-status.ts';

/** What a person keeps with a run. */
export type RunNotes = Calls['run.organise']['request']['changes'];

export class RunList extends FollowedList<RunSummary> {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly byId = $derived(new Map(this.all?.map((run) => [run.runId, run])));
  readonly active = $derived(this.all?.filter((run) => isActive(run.status)) ?? []);
  #progress = $state.raw<ReadonlyMap<RunId, RunProgress>>(new Map());
  /** What was deleted and can be brought back, together what was deleted together; the latest last. */
  #deleted = $state.raw<readonly (readonly RunId[])[]>([]);
  readonly canUndoDelete = $derived(this.#deleted.length > 0);

  constructor(api: Api, projectId: ProjectId) {
    super(async () => newestFirst(await api.call('run.list', { projectId })));
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Null where the run is not running, or has not said anything yet. */
  progressOf(runId: RunId): RunProgress | null {
    return this.#progress.get(runId) ?? null;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    void this.read();
    const ends = [
      this.#api.on('run.changed', ({ projectId, summary }) => this.#isOurs(projectId) && this.#take(summary)),
      this.#api.on('run.removed', ({ projectId, runId }) => this.#isOurs(projectId) && this.#drop(runId)),
      this.#api.on('run.progress', ({ projectId, progress }) => this.#isOurs(projectId) && this.#advance(progress)),
      this.#api.onReconnected(() => void this.read()),
    ];
    return () => ends.forEach((end) => end());
  }

  /** `name` null: the service chooses one. */
  async start(config: RunConfig, name: string | null): Promise<RunSummary> {
    return this.#take(await this.#api.call('run.start', { projectId: this.#projectId, config, name }));
  }

  /** Keeps a checkpoint; resolves when the request is accepted, and the status follows by event. */
  async cancel(runId: RunId): Promise<void> {
    await this.#api.call('run.cancel', { projectId: this.#projectId, runId });
  }

  /** A run that trains; resolves when the request is accepted. */
  async intervene(runId: RunId, change: Intervention): Promise<void> {
    await this.#api.call('run.intervene', { projectId: this.#projectId, runId, change });
  }

  async resume(runId: RunId): Promise<void> {
    this.#take(await this.#api.call('run.resume', { projectId: this.#projectId, runId }));
  }

  /** A run that another tool has trained. */
  async openForeign(datasetId: DatasetId, folder: string): Promise<RunSummary> {
    return this.#take(await this.#api.call('run.openForeign', { projectId: this.#projectId, datasetId, folder }));
  }

  async rename(runId: RunId, name: string): Promise<void> {
    this.#take(await this.#api.call('run.rename', { projectId: this.#projectId, runId, name }));
  }

  async organise(runId: RunId, changes: RunNotes): Promise<void> {
    this.#take(await this.#api.call('run.organise', { projectId: this.#projectId, runId, changes }));
  }

  /** Answers with what `undoDelete` brings these back by. */
  async delete(runIds: readonly RunId[]): Promise<readonly RunId[]> {
    const done: RunId[] = [];
    try {
      for (const runId of runIds) {
        await this.#api.call('run.delete', { projectId: this.#projectId, runId });
        this.#drop(runId);
        done.push(runId);
      }
    } finally {
      if (done.length > 0) this.#deleted = [...this.#deleted, done];
    }
    return done;
  }

  /** Brings back what one deletion took, the last one unless another is named; answers with those runs. What fails can be tried again. */
  async undoDelete(deletion: readonly RunId[] | null = this.#deleted.at(-1) ?? null): Promise<RunSummary[]> {
    if (deletion === null || !this.#deleted.includes(deletion)) return [];
    const place = this.#deleted.indexOf(deletion);
    this.#deleted = this.#deleted.toSpliced(place, 1);
    const back: RunSummary[] = [];
    try {
      for (const runId of deletion)
        back.push(this.#take(await this.#api.call('run.restore', { projectId: this.#projectId, runId })));
    } finally {
      if (back.length < deletion.length) this.#deleted = this.#deleted.toSpliced(place, 0, deletion.slice(back.length));
    }
    return back;
  }

  #isOurs(projectId: ProjectId): boolean {
    return projectId === this.#projectId;
  }

  #take(summary: RunSummary): RunSummary {
    this.change((all) => newestFirst([...all.filter((run) => run.runId !== summary.runId), summary]));
    if (!isActive(summary.status)) this.#forgetProgress(summary.runId);
    return summary;
  }

  #drop(runId: RunId): void {
    this.change((all) => all.filter((run) => run.runId !== runId));
    this.#forgetProgress(runId);
  }

  #advance(progress: RunProgress): void {
    this.#progress = new Map(this.#progress).set(progress.runId, progress);
  }

  #forgetProgress(runId: RunId): void {
    if (!this.#progress.has(runId)) return;
    const progress = new Map(this.#progress);
    progress.delete(runId);
    this.#progress = progress;
  }
}

/** Ids grow with time, and two runs may share a second. */
function newestFirst(runs: readonly RunSummary[]): readonly RunSummary[] {
  return runs.toSorted((a, b) => b.runId - a.runId);
}
