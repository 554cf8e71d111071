/**
 * What can be done with a run, from the list and from its own screen: the questions that come first (rename, delete)
 * are shown by RunActionDialogs.svelte.
 */
import type { RunSummary } from '../../../src-main/contract/model/run.ts';
import type { AppState } from '../../state/app-state.svelte.ts';
import type { ProjectSession } from '../../state/project-session.svelte.ts';
import { isActive } from '../../state/run-status.ts';
import { plural } from '../../ui/format-number.ts';

export class RunActions {
  readonly #app: AppState;
  readonly #session: ProjectSession;
  renaming = $state.raw<RunSummary | null>(null);
  deleting = $state.raw<readonly RunSummary[]>([]);

  constructor(app: AppState, session: ProjectSession) {
    this.#app = app;
    this.#session = session;
  }

  /** Asks nothing: nothing is lost, the run keeps a checkpoint and can go on. */
  cancel(run: RunSummary): void {
    this.#tell(this.#session.runs.cancel(run.runId), 'Stopping. The run keeps a checkpoint and can be resumed.');
  }

  resume(run: RunSummary): void {
    this.#tell(this.#session.runs.resume(run.runId), `"${run.name}" goes on from its last checkpoint.`);
  }

  /** Opens the train screen with this run's settings. */
  clone(run: RunSummary): void {
    this.#app.router.go({ screen: 'train', datasetId: null, cloneOf: run.runId });
  }

  compare(runs: readonly RunSummary[]): void {
    this.#app.router.go({ screen: 'compare', runIds: runs.map((run) => run.runId), tab: null });
  }

  /** Runs that still train are left out: they are cancelled first. */
  askToDelete(runs: readonly RunSummary[]): void {
    this.deleting = runs.filter((run) => !isActive(run.status));
  }

  async deleteAsked(): Promise<void> {
    const { deleting } = this;
    for (const run of deleting) await this.#session.runs.delete(run.runId);
    this.#app.toasts.done(`${plural(deleting.length, 'run')} deleted.`);
  }

  #tell(action: Promise<void>, done: string): void {
    action.then(
      () => this.#app.toasts.say(done),
      (error: unknown) => this.#app.toasts.error(error),
    );
  }
}
