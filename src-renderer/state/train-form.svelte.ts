/**
 * The plan for a run while it is being made: the configuration as a document, its knobs, what is wrong with it, what
 * the checks say, and the network that it describes. It outlives the screen, so that a look at the data loses nothing.
 * Started runs belong to RunList.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { Api } from '../api/client.svelte.ts';
import type { Calls } from '../../src-main/contract/ipc.ts';
import type { Dataset } from '../../src-main/contract/model/dataset.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import type { Knob, ModelDescription } from '../../src-main/contract/model/model-spec.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { valueAt, withValueAt, type KnobValue } from './config-path.ts';

export type Check = Calls['run.check']['response'][number];

/** How long the plan must rest before the services are asked about it. */
const restMs = 150;

export class TrainForm {
  readonly #api: Api;
  readonly #projectId: ProjectId;

  dataset = $state.raw<Dataset | null>(null);
  /** Of the run to be; empty: the service chooses one. */
  name = $state('');
  modelId = $state<string | null>(null);
  /** Null until a template is there. */
  config = $state.raw<RunConfig | null>(null);
  knobs = $state.raw<readonly Knob[]>([]);
  /** What `run.check` said last; it stays while a change is being checked. Null before the first answer. */
  checks = $state.raw<readonly Check[] | null>(null);
  /** Null until the first description; the previous one stays while a new one is fetched. */
  description = $state.raw<ModelDescription | null>(null);
  /** Why the template, the checks or the description could not be had. */
  error = $state.raw<unknown>(null);

  readonly #defaults = $derived(new Map(this.knobs.map((knob) => [knob.path, knob.defaultValue])));
  /** Knobs that mean something in this configuration: no momentum while the optimiser is Adam. */
  readonly shownKnobs = $derived(this.knobs.filter((knob) => this.value(knob.path) !== undefined));
  readonly changedPaths = $derived(this.shownKnobs.filter((knob) => !this.isDefault(knob)).map((knob) => knob.path));
  /** What is wrong with texts that are being typed, by path; such a text is not a value yet. */
  readonly #problems = new SvelteMap<string, string>();
  readonly #firstProblem = $derived(this.shownKnobs.find((knob) => this.#problems.has(knob.path)));
  /** A text on the screen is no value yet, so checks and layers are those of the value before it. */
  readonly incomplete = $derived(this.#firstProblem !== undefined);
  /** Nothing is wrong, only not yet known: the template or its first checks are on their way. */
  readonly pending = $derived(this.config === null || (this.checks === null && !this.incomplete));
  /** Why the run cannot start, in words; null where it can. */
  readonly blockedBecause = $derived(this.#blockedBecause());

  #choosing = 0;
  #checking = 0;
  #describing = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Loads the template. Changed values stay where the new template has such a knob; `from` replaces them all. */
  async choose(dataset: Dataset, modelId: string, from: RunConfig | null = null): Promise<void> {
    const choosing = ++this.#choosing;
    const kept = this.modelId === modelId ? this.#changes() : [];
    this.dataset = dataset;
    this.modelId = modelId;
    try {
      const { datasetId } = dataset;
      const template = await this.#api.call('run.template', { projectId: this.#projectId, datasetId, modelId });
      if (choosing !== this.#choosing) return;
      this.knobs = template.knobs;
      this.checks = null;
      this.config = from === null ? template.config : { ...from, data: { ...from.data, datasetId } };
      if (from === null) for (const [path, value] of kept) this.#change(path, value);
      this.error = null;
      this.#ask();
    } catch (error) {
      if (choosing === this.#choosing) this.error = error;
    }
  }

  value(path: string): KnobValue | undefined {
    return this.config === null ? undefined : valueAt(this.config, path);
  }

  set(path: string, value: KnobValue): void {
    this.#change(path, value);
    this.#ask();
  }

  /** `problem` null: the text is a value again. */
  setProblem(path: string, problem: string | null): void {
    if (problem === null) this.#problems.delete(path);
    else this.#problems.set(path, problem);
  }

  isDefault(knob: Knob): boolean {
    return Object.is(this.value(knob.path), knob.defaultValue);
  }

  reset(knob: Knob): void {
    this.#problems.delete(knob.path);
    this.set(knob.path, knob.defaultValue);
  }

  resetAll(): void {
    this.#problems.clear();
    for (const knob of this.knobs) if (this.value(knob.path) !== undefined) this.#change(knob.path, knob.defaultValue);
    this.#ask();
  }

  /** Both settings of a switch with everything else the same, seed and order included: off first. */
  twins(path: string): [RunConfig, RunConfig] {
    if (this.config === null) throw new Error('internal: no configuration to make twins of');
    return [withValueAt(this.config, path, false), withValueAt(this.config, path, true)];
  }

  checksAt(path: string): readonly Check[] {
    return this.checks?.filter((check) => check.path === path) ?? [];
  }

  /** Those that belong to no knob on the screen. */
  readonly generalChecks = $derived(
    this.checks?.filter((check) => !this.shownKnobs.some((knob) => knob.path === check.path)) ?? [],
  );

  #changes(): [string, KnobValue][] {
    return this.changedPaths.map((path) => [path, this.value(path)!]);
  }

  #change(path: string, value: KnobValue): void {
    if (this.config === null || this.value(path) === undefined) return;
    this.config = withValueAt(this.config, path, value, (field) => this.#defaults.get(field));
  }

  #ask(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void Promise.all([this.#check(), this.#describe()]), restMs);
  }

  async #check(): Promise<void> {
    if (this.config === null) return;
    const checking = ++this.#checking;
    try {
      const checks = await this.#api.call('run.check', { projectId: this.#projectId, config: this.config });
      if (checking === this.#checking) this.checks = checks;
    } catch (error) {
      if (checking === this.#checking) this.error = error;
    }
  }

  async #describe(): Promise<void> {
    const { config, dataset } = this;
    if (config === null || dataset?.imageSize == null) return;
    const describing = ++this.#describing;
    const { channels, heightPx, widthPx } = dataset.imageSize;
    try {
      const description = await this.#api.call('model.describe', {
        modelId: config.model.id,
        options: config.model.options,
        inputShape: [channels, heightPx, widthPx],
        categoryCount: dataset.categories.length,
        freeze: [...new Set(config.phases.flatMap((phase) => phase.freeze))],
      });
      if (describing === this.#describing) this.description = description;
    } catch (error) {
      if (describing === this.#describing) this.error = error;
    }
  }

  #blockedBecause(): string | null {
    if (this.dataset === null) return 'Choose a data set first.';
    if (this.config === null) return 'Loading the settings…';
    const wrong = this.#firstProblem;
    if (wrong !== undefined) return `${wrong.label}: ${this.#problems.get(wrong.path)}`;
    if (this.checks === null) return 'Checking the plan…';
    return this.checks.find((check) => check.severity === 'error')?.message ?? null;
  }
}
