/** Whether everything that the person changed is safely kept, for the status bar. Every change is one call. */
import type { Api } from '../api/client.svelte.ts';
import type { CallName } from '../../src-main/contract/ipc.ts';

const changingCalls: ReadonlySet<CallName> = new Set<CallName>([
  'project.create',
  'dataset.rename',
  'dataset.delete',
  'dataset.import',
  'dataset.download',
  'dataset.importSample',
  'category.create',
  'category.edit',
  'annotation.apply',
  'annotation.undo',
  'annotation.redo',
  'annotation.restore',
  'annotation.copy',
  'annotation.classify',
  'annotation.relabel',
  'image.setReview',
  'image.tag',
  'image.trash',
  'trash.restore',
  'trash.empty',
  'split.assign',
  'split.undo',
  'view.save',
  'view.delete',
  'run.start',
  'run.rename',
  'run.organise',
  'run.delete',
  'run.restore',
  'preset.save',
  'preset.delete',
]);

export class SaveState {
  #pending = $state(0);
  savedAt = $state.raw<Date | null>(null);
  readonly saving: boolean = $derived(this.#pending > 0);

  /** The same api, with an eye on the calls that change something. */
  watch(api: Api): Api {
    return {
      ...api,
      call: (name, request) => {
        const answer = api.call(name, request);
        if (changingCalls.has(name)) void this.#follow(answer);
        return answer;
      },
    };
  }

  async #follow(answer: Promise<unknown>): Promise<void> {
    this.#pending += 1;
    try {
      await answer;
      this.savedAt = new Date();
    } catch {
      // Whoever made the call shows the error; nothing was changed, so nothing is unsaved.
    } finally {
      this.#pending -= 1;
    }
  }
}
