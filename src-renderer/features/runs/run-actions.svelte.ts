/**
 * What can be done with runs, from the list and from a run's own screen. Nothing is asked that can be undone; the
 * question for a new name is shown by RenameRunDialog.svelte.
 */
import { interventionInWords, type Intervention } from '../../../src-main/contract/model/intervention.ts';
import type { RunId } from '../../../src-main/contract/model/ids.ts';
import type { RunSummary } from '../../../src-main/contract/model/run.ts';
import type { AppState } from '../../state/app-state.svelte.ts';
import type { ProjectSession } from '../../state/project-session.svelte.ts';
import type { RunNotes } from '../../state/run-list.svelte.ts';
import { isActive } from '../../state/run-status.ts';
import { plural } from '../../ui/format-number.ts';

export class RunActions {
  readonly #app: AppState;
  readonly #session: ProjectSession;
  renaming = $state.raw<RunSummary | null>(null);

  constructor(app: AppState, session: ProjectSession) {
    this.#app = app;
    this.#session = session;
  }

  /** Asks nothing: nothing is lost, the run keeps a checkpoint and can go on. */
  cancel(run: RunSummary): void {
    void this.#tell(this.#session.runs.cancel(run.runId), 'Stopping. The run keeps a checkpoint and can be resumed.');
  }

  /** The run's log and curves say when it has taken effect. */
  async intervene(run: RunSummary, change: Intervention): Promise<void> {
    const back = opposite(change);
    const undo = back === null ? null : () => void this.#tell(this.#session.runs.intervene(run.runId, back), null);
    await this.#tell(
      this.#session.runs.intervene(run.runId, change),
      `Asked for: ${interventionInWords(change)}.`,
      undo,
    );
  }

  resume(run: RunSummary): void {
    void this.#tell(this.#session.runs.resume(run.runId), `"${run.name}" goes on from its last checkpoint.`);
  }

  /** Opens the train screen with this run's settings. */
  clone(run: RunSummary): void {
    this.#app.router.go({ screen: 'train', datasetId: null, cloneOf: run.runId });
  }

  compare(runs: readonly RunSummary[]): void {
    this.#app.router.go({ screen: 'compare', runIds: runs.map((run) => run.runId), tab: null });
  }

  async pin(runs: readonly RunSummary[]): Promise<void> {
    const pinned = !runs.every((run) => run.pinned);
    await this.#tell(this.#organise(runs, { pinned }), null);
  }

  async archive(runs: readonly RunSummary[]): Promise<void> {
    const archived = !runs.every((run) => run.archived);
    const changed = runs.filter((run) => run.archived !== archived);
    const undo = () => void this.#tell(this.#organise(changed, { archived: !archived }), null);
    const what = `${subject(changed)} ${archived ? 'archived' : 'back from the archive'}.`;
    await this.#tell(this.#organise(changed, { archived }), what, undo);
  }

  setTags(run: RunSummary, tags: readonly string[]): void {
    void this.#tell(this.#organise([run], { tags: [...tags] }), null);
  }

  setNotes(run: RunSummary, notes: string): void {
    void this.#tell(this.#organise([run], { notes }), null);
  }

  /** Runs that still train are left out: they are cancelled first. */
  async delete(runs: readonly RunSummary[]): Promise<void> {
    const deletable = runs.filter((run) => !isActive(run.status));
    if (deletable.length === 0) return this.#app.toasts.say('A run that trains or waits must be cancelled first.');
    let deletion: readonly RunId[] = [];
    const deleted = this.#session.runs.delete(deletable.map((run) => run.runId)).then((runIds) => {
      deletion = runIds;
    });
    await this.#tell(deleted, `${subject(deletable)} deleted.`, () => this.undoDelete(deletion));
  }

  /** Of the last deletion, unless another is named. */
  undoDelete(deletion?: readonly RunId[]): void {
    const restored = this.#session.runs.undoDelete(deletion);
    restored.then(
      (runs) => runs.length > 0 && this.#app.toasts.done(`${subject(runs)} brought back.`),
      (error: unknown) => this.#app.toasts.error(error),
    );
  }

  async #organise(runs: readonly RunSummary[], changes: RunNotes): Promise<void> {
    for (const run of runs) await this.#session.runs.organise(run.runId, changes);
  }

  async #tell(action: Promise<void>, done: string | null, undo: (() => void) | null = null): Promise<void> {
    try {
      await action;
      if (done !== null) this.#app.toasts.say(done, undo && { label: 'Undo', run: undo });
    } catch (error) {
      this.#app.toasts.error(error);
    }
  }
}

/** What takes a change back; a run that is stopped stays so. */
function opposite(change: Intervention): Intervention | null {
  if (change.kind === 'learning-rate') return { kind: 'learning-rate', factor: 1 / change.factor };
  return change.kind === 'epochs' ? { kind: 'epochs', added: -change.added } : null;
}

function subject(runs: readonly RunSummary[]): string {
  const [first] = runs;
  return runs.length === 1 && first !== undefined ? `"${first.name}"` : plural(runs.length, 'run');
}
