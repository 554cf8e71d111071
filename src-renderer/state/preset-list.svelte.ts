/** The project's presets, by name. A deleted or replaced one can be brought back by saving what the call returns. */
import type { Api } from '../api/client.svelte.ts';
import type { DatasetId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Preset, RunConfig } from '../../src-main/contract/model/run.ts';

export class PresetList {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  /** Null until the first answer. */
  all = $state.raw<readonly Preset[] | null>(null);

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  async read(): Promise<void> {
    this.all = await this.#api.call('preset.list', { projectId: this.#projectId });
  }

  byName(name: string): Preset | null {
    return this.all?.find((preset) => sameName(preset.name, name)) ?? null;
  }

  /** Read anew, the latest first; none where they cannot be read, which whoever lists them tells. */
  async keptFor(datasetId: DatasetId): Promise<readonly Preset[]> {
    await this.read().catch(() => undefined);
    const kept = this.all?.filter(({ config }) => config.data.datasetId === datasetId) ?? [];
    return kept.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || b.presetId - a.presetId);
  }

  /** Returns the one that it replaces, or null. */
  async save(name: string, config: RunConfig): Promise<Preset | null> {
    const previous = this.byName(name);
    const saved = await this.#api.call('preset.save', { projectId: this.#projectId, name, config });
    const others = this.all?.filter((preset) => !sameName(preset.name, name)) ?? [];
    this.all = [...others, saved].toSorted((a, b) => a.name.localeCompare(b.name, 'en', { sensitivity: 'base' }));
    return previous;
  }

  async delete(preset: Preset): Promise<void> {
    await this.#api.call('preset.delete', { projectId: this.#projectId, presetId: preset.presetId });
    this.all = this.all?.filter(({ presetId }) => presetId !== preset.presetId) ?? null;
  }
}

function sameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
