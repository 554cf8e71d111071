/**
 * What can be done with configurations as documents: kept as presets, taken into the plan, written to a file and read
 * from one. Every replacement can be undone from the message that tells of it. PresetDialogs.svelte asks for names.
 */
import { readRunConfig } from '../../../src-main/contract/model/run-config-versions.ts';
import type { Preset, RunConfig, RunSummary } from '../../../src-main/contract/model/run.ts';
import type { AppState } from '../../state/app-state.svelte.ts';
import type { ProjectSession } from '../../state/project-session.svelte.ts';
import { chooseTextFile, fileNameOf, saveTextFile } from '../../ui/files.ts';

const jsonType = 'application/json';

export class PresetActions {
  readonly #app: AppState;
  readonly #session: ProjectSession;
  /** The configuration that is being given a name, and the name that is suggested. */
  saving = $state.raw<{ config: RunConfig; name: string } | null>(null);
  managing = $state(false);

  constructor(app: AppState, session: ProjectSession) {
    this.#app = app;
    this.#session = session;
    this.#tell(session.presets.read());
  }

  askToSave(config: RunConfig, name: string): void {
    this.saving = { config, name };
  }

  async save(name: string, config: RunConfig): Promise<void> {
    const { presets } = this.#session;
    const replaced = await presets.save(name, config);
    const undo = replaced === null ? null : () => this.#tell(presets.save(replaced.name, replaced.config));
    const message = replaced === null ? `The preset "${name}" is saved.` : `The preset "${name}" is replaced.`;
    this.#app.toasts.done(message, undo && { label: 'Undo', run: undo });
  }

  delete(preset: Preset): void {
    const { presets } = this.#session;
    const undo = () => this.#tell(presets.save(preset.name, preset.config));
    this.#tell(
      presets.delete(preset).then(() => {
        this.#app.toasts.done(`The preset "${preset.name}" is deleted.`, { label: 'Undo', run: undo });
      }),
    );
  }

  use(preset: Preset): void {
    this.#tell(this.#take(preset.config, `The plan follows the preset "${preset.name}".`));
  }

  /** The plan of these data began as the preset, which nobody asked for by name. */
  tellOfDefault({ name }: Preset): void {
    const useDefaults = () => this.#session.trainForm.resetAll();
    this.#app.toasts.done(`The plan begins as the preset "${name}".`, { label: 'Use the defaults', run: useDefaults });
  }

  useRun({ runId, name }: RunSummary): void {
    const { projectId } = this.#session.project;
    const asked = this.#app.api.call('run.get', { projectId, runId });
    this.#tell(asked.then(({ config }) => this.#take(config, `The plan follows the run "${name}".`)));
  }

  export(config: RunConfig, name: string): void {
    saveTextFile(fileNameOf(name, 'json'), `${JSON.stringify(config, null, 2)}\n`, jsonType);
  }

  async import(): Promise<void> {
    const file = await chooseTextFile(`.json,${jsonType}`);
    if (file === null) return;
    try {
      await this.#take(readRunConfig(JSON.parse(await file.text())), `The plan follows "${file.name}".`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#app.toasts.error(new Error(`"${file.name}" was not taken over. ${why}`, { cause: error }));
    }
  }

  async #take(config: RunConfig, message: string): Promise<void> {
    const undo = await this.#session.trainForm.take(config);
    if (undo === null) return; // the form says why, or was asked for something else meanwhile
    this.#app.toasts.done(message, { label: 'Undo', run: () => this.#tell(undo()) });
  }

  #tell(action: Promise<unknown>): void {
    action.catch((error: unknown) => this.#app.toasts.error(error));
  }
}
