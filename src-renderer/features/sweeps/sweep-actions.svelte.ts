/** What can be done with a sweep, from the list and from its own screen. Nothing is asked that can be undone. */
import type { Sweep } from '../../../src-main/contract/model/sweep.ts';
import type { SweepProgress } from '../../../src-main/contract/model/sweep-table.ts';
import type { AppState } from '../../state/app-state.svelte.ts';
import type { ProjectSession } from '../../state/project-session.svelte.ts';
import { plural } from '../../ui/format-number.ts';

export class SweepActions {
  readonly #app: AppState;
  readonly #session: ProjectSession;

  constructor(app: AppState, session: ProjectSession) {
    this.#app = app;
    this.#session = session;
  }

  cancel({ sweepId }: Sweep): void {
    void this.#tell(this.#session.sweeps.cancel(sweepId), 'Stopping. Each run keeps a checkpoint and can go on.');
  }

  resume({ sweepId }: Sweep, { resumable }: SweepProgress): void {
    void this.#tell(this.#session.sweeps.resume(sweepId), `${plural(resumable, 'run')} of the sweep go on.`);
  }

  /** Answers whether it is gone. */
  async delete({ sweepId, name, runs }: Sweep): Promise<boolean> {
    const restore = (): void => void this.#tell(this.#session.sweeps.restore(sweepId), `“${name}” is back.`);
    try {
      await this.#session.sweeps.delete(sweepId);
      this.#app.toasts.say(`“${name}” deleted with its ${plural(runs.length, 'run')}.`, {
        label: 'Undo',
        run: restore,
      });
      return true;
    } catch (error) {
      this.#app.toasts.error(error);
      return false;
    }
  }

  async #tell(action: Promise<void>, done: string): Promise<void> {
    try {
      await action;
      this.#app.toasts.say(done, null);
    } catch (error) {
      this.#app.toasts.error(error);
    }
  }
}
