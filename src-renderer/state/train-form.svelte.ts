/**
 * The plan for a run while it is being made: the configuration as a document with its phases, its knobs, what is wrong
 * with it, what the checks say, and the network that it describes. It outlives the screen, so that a look at the data
 * loses nothing. Started runs belong to RunList.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { Api } from '../api/client.svelte.ts';
import type { Calls } from '../../src-main/contract/ipc.ts';
import type { Dataset } from '../../src-main/contract/model/dataset.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { suggestedTask, usableLabels } from '../../src-main/contract/model/label-statistics.ts';
import type { MemoryEstimate } from '../../src-main/contract/model/device.ts';
import type { Knob, ModelDescription, ModelSummary } from '../../src-main/contract/model/model-spec.ts';
import type { LossConfig } from '../../src-main/contract/model/loss.ts';
import { networkInput, networkOutputs } from '../../src-main/contract/model/network-ends.ts';
import type { PhaseConfig, Preset, RunConfig } from '../../src-main/contract/model/run.ts';
import { updatesPerEpoch } from '../../src-main/contract/model/schedule.ts';
import type { WeightsSource } from '../../src-main/contract/model/weights.ts';
import { valueAt, withValueAt, type KnobValue } from './config-path.ts';
import { EditHistory } from './edit-history.svelte.ts';
import { frozenInstead, moduleTree, type ModuleNode } from './freezing.ts';
import { LatestAnswer } from './latest-answer.ts';
import { LabelFacts } from './label-facts.svelte.ts';
import { knobsOfPhases, moved, phaseAfter, phaseOfPath, totalEpochs, type Recipe } from './phases.ts';
import type { PresetList } from './preset-list.svelte.ts';
import { RunTime } from './run-time.svelte.ts';
import { RunEstimate, whatMatters } from './run-estimate.svelte.ts';

export type Check = Calls['run.check']['response'][number];

/** How long the plan must rest before the services are asked about it. */
const restMs = 150;
const splitFields = ['trainSplit', 'evaluationSplit'] as const;
const freezePath = /^phases\.\d+\.freeze$/;

const tooLarge: Check = {
  severity: 'warning',
  message: 'The run needs more memory than this machine can give. See “Memory” in the plan.',
};

/** Whether a plan finds the same in both. */
function sameFacts(a: Dataset, b: Dataset | null): boolean {
  const facts = (dataset: Dataset) => JSON.stringify([dataset.splitCounts, dataset.categories, dataset.imageSize]);
  return b !== null && facts(a) === facts(b);
}

type Batches = Pick<RunConfig, 'batchSize' | 'accumulation'>;

/** Micro-batches that the plan was given because its batches do not fit into memory. */
export interface FittedBatches {
  planned: Batches;
  chosen: Batches;
  /** What the planned ones would need. */
  neededBytes: number;
}

const sameBatches = (a: Batches, b: Batches): boolean =>
  a.batchSize === b.batchSize && a.accumulation === b.accumulation;

interface Snapshot {
  config: RunConfig;
  phaseKeys: readonly number[];
}

export class TrainForm {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #presets: PresetList;
  readonly memory: RunEstimate;
  readonly time: RunTime;
  readonly labels: LabelFacts;

  dataset = $state.raw<Dataset | null>(null);
  /** Of the run to be; empty: the service chooses one. */
  name = $state('');
  modelId = $state<string | null>(null);
  /** Null until a template is there. */
  config = $state.raw<RunConfig | null>(null);
  /** Those of the first phase stand for all phases. */
  knobs = $state.raw<readonly Knob[]>([]);
  /** One for each phase, which stays with it when it moves. */
  phaseKeys = $state.raw<readonly number[]>([]);
  /** Key of the phase that is being edited; null: none. */
  openPhase = $state<number | null>(null);
  /** What `run.check` said last; it stays while a change is being checked. Null before the first answer. */
  checks = $state.raw<readonly Check[] | null>(null);
  /** Null until the first description; the previous one stays while a new one is fetched. */
  description = $state.raw<ModelDescription | null>(null);
  /** Why the template, the checks or the description could not be had. */
  error = $state.raw<unknown>(null);

  readonly phases = $derived<readonly PhaseConfig[]>(this.config?.phases ?? []);
  readonly hasPhases = $derived(this.phases.length > 1);
  readonly epochs = $derived(totalEpochs(this.phases));
  readonly updatesPerEpoch = $derived.by(() => {
    if (this.config === null || this.dataset === null) return 1;
    const images = this.dataset.splitCounts[this.config.data.trainSplit];
    return Math.max(1, updatesPerEpoch(images, this.config.batchSize, this.config.accumulation));
  });
  readonly modules = $derived(moduleTree(this.description?.layers ?? []));

  readonly #allKnobs = $derived(knobsOfPhases(this.knobs, this.phases.length));
  readonly #knobs = $derived(new Map(this.#allKnobs.map((knob) => [knob.path, knob])));
  /** Knobs that mean something in this configuration: no momentum while the optimiser is Adam. */
  readonly shownKnobs = $derived(this.#allKnobs.filter((knob) => this.value(knob.path) !== undefined));
  readonly changedPaths = $derived(this.shownKnobs.filter((knob) => !this.isDefault(knob)).map((knob) => knob.path));
  /** Only of a loss with terms: the others' settings are knobs. */
  readonly lossChanged = $derived.by(() => {
    const [now, usual] = [this.config?.loss, this.#template?.loss];
    if (now?.kind !== 'sum' || usual?.kind !== 'sum') return false;
    return JSON.stringify(now.terms) !== JSON.stringify(usual.terms);
  });
  /** Settings that differ from the defaults; a further phase, a frozen one and the loss's terms count as one each. */
  readonly changeCount = $derived(
    this.changedPaths.filter((path) => (phaseOfPath(path) ?? 0) === 0).length +
      Math.max(0, this.phases.length - 1) +
      this.phases.filter((phase) => phase.freeze.length > 0).length +
      Number(this.lossChanged),
  );
  /** What is wrong with texts that are being typed, by the field that holds them; such a text is not a value yet. */
  readonly #problems = new SvelteMap<object, string>();
  /** A text on the screen is no value yet, so checks and layers are those of the value before it. */
  readonly incomplete = $derived(this.#problems.size > 0);
  /** Nothing is wrong, only not yet known: the template or its first checks are on their way. */
  readonly pending = $derived(this.config === null || (this.checks === null && !this.incomplete));
  /** Why the run cannot start, in words; null where it can. */
  readonly blockedBecause = $derived(this.#blockedBecause());

  readonly #history = new EditHistory<Snapshot>();
  readonly canUndo = $derived(this.#history.canUndo);
  readonly canRedo = $derived(this.#history.canRedo);

  #fitted = $state.raw<FittedBatches | null>(null);
  readonly #wereFitted = new Set<string>();
  #template = $state.raw<RunConfig | null>(null);
  #nextKey = 0;
  readonly #choosing = new LatestAnswer();
  readonly #checking = new LatestAnswer();
  readonly #describing = new LatestAnswer();
  #described = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, projectId: ProjectId, presets: PresetList) {
    this.#api = api;
    this.#projectId = projectId;
    this.#presets = presets;
    this.memory = new RunEstimate(api, projectId, (asked, estimate) => this.#fitToMemory(asked, estimate));
    this.time = new RunTime(api, projectId);
    this.labels = new LabelFacts(api, projectId);
  }

  /**
   * The plan's model stays where the labels suit its task. Else the plan begins as the preset that was kept last for these
   * data and whose task the labels suit, which is answered; without one, with the first model of the task that they fit
   * best. Null too where something else was chosen meanwhile.
   */
  async chooseData(dataset: Dataset, models: readonly ModelSummary[]): Promise<Preset | null> {
    const facts = Promise.all([
      this.labels.follow(dataset.datasetId, 'train'),
      this.#presets.keptFor(dataset.datasetId),
    ]);
    let begin = (): Promise<Preset | null> => Promise.resolve(null);
    await this.#choosing.to(facts, ([labels, presets]) => {
      const suits = (id: string | undefined): boolean => {
        const model = models.find((candidate) => candidate.id === id);
        return model !== undefined && (labels === null || usableLabels(labels, model.task) > 0);
      };
      // Not the one whose template is still on its way: nothing is planned of it yet.
      const planned = this.config?.model.id;
      const stays = suits(planned) ? planned : undefined;
      const preset = stays === undefined ? presets.find(({ config }) => suits(config.model.id)) : undefined;
      const task = labels === null ? 'classification' : suggestedTask(labels);
      const suggested = models.find((candidate) => candidate.task === task) ?? models[0];
      const modelId = stays ?? preset?.config.model.id ?? suggested?.id;
      if (modelId === undefined) return;
      begin = async () => ((await this.choose(dataset, modelId, preset?.config)) ? (preset ?? null) : null);
    });
    return begin();
  }

  /** The same data set after its images, splits or classes have changed. The plan stays, but for splits at their defaults. */
  async renew(dataset: Dataset): Promise<void> {
    const [kept, usual] = [this.config, this.#template];
    if (kept === null || usual === null) return;
    if (sameFacts(dataset, this.dataset)) return void this.labels.follow(kept.data.datasetId, kept.data.trainSplit);
    const taken = await this.choose(dataset, kept.model.id, 'present');
    const [present, template] = [this.config, this.#template];
    if (!taken || present === null || template === null) return;
    const renewed = { ...present.data };
    for (const field of splitFields)
      if (present.data[field] === usual.data[field]) renewed[field] = template.data[field];
    this.config = { ...present, data: renewed };
    this.#ask();
  }

  /**
   * Loads the template. Changed values stay where the new template has such a knob; `from` replaces them all, 'present' is the
   * plan as it is when the template has come. Answers whether the plan is this one now: not where something else was chosen
   * meanwhile, or the template could not be had.
   */
  async choose(dataset: Dataset, modelId: string, from: RunConfig | 'present' | null = null): Promise<boolean> {
    this.dataset = dataset;
    this.modelId = modelId;
    const { datasetId } = dataset;
    let taken = false;
    const take = (template: Calls['run.template']['response']): void => {
      const kept = this.config?.model.id === modelId ? this.config : null;
      const changes = kept === null ? [] : this.#changesOutsidePhases();
      const given = from === 'present' ? this.config : from;
      this.#template = template.config;
      this.knobs = template.knobs;
      this.checks = null;
      const source = given ?? {
        ...template.config,
        phases: kept?.phases ?? template.config.phases,
        weights: kept?.weights ?? null,
      };
      this.config = { ...source, data: { ...source.data, datasetId } };
      if (given !== null || kept === null) this.#renumber();
      if (given === null) for (const [path, value] of changes) this.config = this.#withChange(path, value);
      this.#history.clear();
      this.error = null;
      this.#ask();
      taken = true;
    };
    const question = this.#api.call('run.template', { projectId: this.#projectId, datasetId, modelId });
    await this.#choosing.to(question, take, (error) => (this.error = error));
    return taken;
  }

  /**
   * Takes a configuration that was made elsewhere, for the data set that is chosen now. One of the same model is a step
   * that can be undone; answers with a function that brings back what was there, of whichever model; null where the plan is
   * another one after all.
   */
  async take(config: RunConfig): Promise<(() => Promise<void>) | null> {
    const { dataset, config: previous } = this;
    if (dataset === null || previous === null) throw new Error('internal: no plan to put a configuration into');
    const here: RunConfig = { ...config, data: { ...config.data, datasetId: dataset.datasetId } };
    const phaseKeys = here.phases.map((_, index) => this.phaseKeys[index] ?? this.#nextKey++);
    if (config.model.id === this.modelId) this.#edit(here, null, phaseKeys);
    else if (!(await this.choose(dataset, config.model.id, here))) return null;
    return async () => void (await this.take(previous));
  }

  value(path: string): KnobValue | undefined {
    return this.config === null ? undefined : valueAt(this.config, path);
  }

  /** `gesture`: changes with the same one are undone together, until `endGesture`. */
  set(path: string, value: KnobValue, gesture: string | null = null): void {
    const now = this.value(path);
    if (now === undefined || Object.is(now, value)) return;
    this.#edit(this.#withChange(path, value), gesture);
  }

  /** The plan with one setting changed and nothing kept; what belongs to a new kind comes with it. */
  withKnob(path: string, value: KnobValue): RunConfig {
    return this.#withChange(path, value);
  }

  endGesture(): void {
    this.#history.endGesture();
  }

  /** `problem`: what is wrong with the text in `field`; null where it is a value, or the field is gone. */
  report(field: object, problem: string | null): void {
    if (problem === null) this.#problems.delete(field);
    else this.#problems.set(field, problem);
  }

  isDefault(knob: Knob): boolean {
    const [value, usual] = [this.value(knob.path), this.defaultValue(knob)];
    // A record of settings is on or off; each of its settings is a knob of its own.
    if (knob.control.kind === 'optional') return (value === null) === (usual === null);
    return Object.is(value, usual);
  }

  /** Some depend on the kind that is chosen beside them. */
  defaultValue({ path, defaultValue, defaultsByKind }: Knob): Knob['defaultValue'] {
    const kind = this.value(path.replace(/[^.]+$/, 'kind'));
    return (typeof kind === 'string' ? defaultsByKind?.[kind] : undefined) ?? defaultValue;
  }

  /** With its phase, where there are several: "Phase 2: Epochs". */
  nameOf({ path, label }: Knob): string {
    const phase = phaseOfPath(path);
    return phase === null || !this.hasPhases ? label : `Phase ${phase + 1}: ${label}`;
  }

  reset(knob: Knob): void {
    this.set(knob.path, this.defaultValue(knob));
  }

  /** Keeps the data and the model. */
  resetAll(): void {
    if (this.config === null || this.#template === null) return;
    const { datasetId } = this.config.data;
    const phaseKeys = this.phaseKeys.slice(0, 1);
    this.#edit({ ...this.#template, data: { ...this.#template.data, datasetId } }, null, phaseKeys);
    this.openPhase = phaseKeys[0] ?? null;
  }

  knobsOfPhase(index: number): Knob[] {
    return this.shownKnobs.filter((knob) => phaseOfPath(knob.path) === index);
  }

  readonly knobsOfRun = $derived(this.shownKnobs.filter((knob) => phaseOfPath(knob.path) === null));

  addPhase(): void {
    const last = this.phases.at(-1);
    if (last !== undefined) this.#insertPhase(this.phases.length, phaseAfter(last));
  }

  duplicatePhase(index: number): void {
    const phase = this.phases[index];
    if (phase !== undefined) this.#insertPhase(index + 1, phase);
  }

  /** The last one stays: a run has at least one phase. */
  removePhase(index: number): void {
    if (!this.hasPhases) return;
    const phaseKeys = this.phaseKeys.toSpliced(index, 1);
    const wasOpen = this.openPhase === this.phaseKeys[index];
    this.#setPhases(this.phases.toSpliced(index, 1), phaseKeys);
    if (wasOpen) this.openPhase = phaseKeys[Math.min(index, phaseKeys.length - 1)] ?? null;
  }

  movePhase(from: number, to: number): void {
    if (from === to || this.phases[from] === undefined || this.phases[to] === undefined) return;
    this.#setPhases(moved(this.phases, from, to), moved(this.phaseKeys, from, to));
  }

  /** Replaces all phases. */
  follow(recipe: Recipe): void {
    const [first] = this.phases;
    if (first === undefined) return;
    const phases = recipe.phases(first, this.epochs, this.modules);
    const phaseKeys = phases.map((_, index) => this.phaseKeys[index] ?? this.#nextKey++);
    this.#setPhases(phases, phaseKeys);
    this.openPhase = phaseKeys[0] ?? null;
  }

  setFreeze(index: number, freeze: readonly string[]): void {
    const phase = this.phases[index];
    if (phase !== undefined) this.#setPhases(this.phases.with(index, { ...phase, freeze: [...freeze] }));
  }

  /** The terms of a loss that is a sum; its plain settings are knobs. `gesture` as with `set`. */
  setLoss(loss: LossConfig, gesture: string | null = null): void {
    if (this.config !== null) this.#edit({ ...this.config, loss }, gesture);
  }

  setWeights(weights: WeightsSource | null): void {
    if (this.config !== null) this.#edit({ ...this.config, weights });
  }

  /** Where something beside the plan has changed what the checks say. */
  recheck(): void {
    if (this.config !== null) this.#ask();
  }

  /** Null where the plan's batches are those that a person has chosen. */
  readonly fitted = $derived.by((): FittedBatches | null => {
    const fitted = this.#fitted;
    return fitted !== null && this.config !== null && sameBatches(fitted.chosen, this.config) ? fitted : null;
  });

  /** The batches that a person has chosen, although they do not fit. */
  takeWholeBatches(): void {
    if (this.fitted !== null) this.setMicroBatches(this.fitted.planned.batchSize, this.fitted.planned.accumulation);
  }

  /** Once for a plan: whoever takes it back wants it so. */
  #fitToMemory(asked: RunConfig, { fits, suggestion, peakBytes }: MemoryEstimate): void {
    if (fits !== false || suggestion === null || this.config === null) return;
    const plan = whatMatters(asked);
    if (this.#wereFitted.has(plan) || whatMatters(this.config) !== plan) return;
    this.#wereFitted.add(plan);
    const { batchSize, accumulation } = suggestion;
    const planned = { batchSize: asked.batchSize, accumulation: asked.accumulation };
    this.#fitted = { planned, chosen: { batchSize, accumulation }, neededBytes: peakBytes };
    this.setMicroBatches(batchSize, accumulation);
  }

  /** What the memory estimate suggests. */
  setMicroBatches(batchSize: number, accumulation: number): void {
    if (this.config !== null) this.#edit({ ...this.config, batchSize, accumulation });
  }

  undo(): void {
    this.#restore((now) => this.#history.undo(now));
  }

  redo(): void {
    this.#restore((now) => this.#history.redo(now));
  }

  /** From scratch and from the weights of the plan, with everything else the same, seed and order included. */
  weightTwins(): [RunConfig, RunConfig] {
    if (this.config === null) throw new Error('internal: no configuration to make twins of');
    return [{ ...this.config, weights: null }, this.config];
  }

  /** Both settings of a switch with everything else the same, seed and order included: off first. */
  twins(path: string): [RunConfig, RunConfig] {
    if (this.config === null) throw new Error('internal: no configuration to make twins of');
    return [withValueAt(this.config, path, false), withValueAt(this.config, path, true)];
  }

  checksAt(path: string): readonly Check[] {
    return this.checks?.filter((check) => check.path === path) ?? [];
  }

  /** The heaviest finding about a phase; null where there is none. */
  worstOfPhase(index: number): Check | null {
    const found = this.checks?.filter(({ path }) => path !== undefined && phaseOfPath(path) === index) ?? [];
    return (
      found.find((check) => check.severity === 'error') ?? found.find(({ severity }) => severity === 'warning') ?? null
    );
  }

  /** Those that belong to nothing else on the screen, and that the memory is too small. */
  readonly generalChecks = $derived.by((): readonly Check[] => {
    const elsewhere = ({ path }: Check): boolean =>
      path !== undefined &&
      (path === 'weights' || freezePath.test(path) || this.shownKnobs.some((knob) => knob.path === path));
    const found = this.checks?.filter((check) => !elsewhere(check)) ?? [];
    return this.memory.answer?.fits === false ? [...found, tooLarge] : found;
  });

  #changesOutsidePhases(): [string, KnobValue][] {
    return this.changedPaths
      .filter((path) => phaseOfPath(path) === null)
      .map((path) => [path, this.value(path)!] as [string, KnobValue]);
  }

  #withChange(path: string, value: KnobValue): RunConfig {
    if (this.config === null) throw new Error('internal: no configuration to change');
    if (this.value(path) === undefined) return this.config;
    return withValueAt(this.config, path, value, (field, kind) => {
      const knob = this.#knobs.get(field);
      const usual = knob?.defaultsByKind?.[kind] ?? knob?.defaultValue;
      // A record of settings is no field of a variant.
      return typeof usual === 'object' && usual !== null ? undefined : usual;
    });
  }

  #insertPhase(index: number, phase: PhaseConfig): void {
    const key = this.#nextKey++;
    this.#setPhases(this.phases.toSpliced(index, 0, phase), this.phaseKeys.toSpliced(index, 0, key));
    this.openPhase = key;
  }

  #setPhases(phases: readonly PhaseConfig[], phaseKeys = this.phaseKeys): void {
    if (this.config !== null) this.#edit({ ...this.config, phases: [...phases] }, null, phaseKeys);
  }

  #edit(config: RunConfig, gesture: string | null = null, phaseKeys = this.phaseKeys): void {
    if (this.config === null) return;
    this.#history.record({ config: this.config, phaseKeys: this.phaseKeys }, gesture);
    this.#show({ config, phaseKeys });
  }

  #restore(step: (now: Snapshot) => Snapshot | null): void {
    if (this.config === null) return;
    const snapshot = step({ config: this.config, phaseKeys: this.phaseKeys });
    if (snapshot !== null) this.#show(snapshot);
  }

  #show({ config, phaseKeys }: Snapshot): void {
    this.config = config;
    this.phaseKeys = phaseKeys;
    if (this.openPhase !== null && !phaseKeys.includes(this.openPhase)) this.openPhase = phaseKeys.at(-1) ?? null;
    this.#ask();
  }

  #renumber(): void {
    this.phaseKeys = this.phases.map(() => this.#nextKey++);
    this.openPhase = this.phaseKeys[0] ?? null;
  }

  #ask(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.config !== null) {
        this.memory.follow(this.config);
        void this.labels.follow(this.config.data.datasetId, this.config.data.trainSplit);
      }
      void Promise.all([this.#check(), this.#describe()]);
    }, restMs);
  }

  async #check(): Promise<void> {
    if (this.config === null) return;
    await this.#checking.to(
      this.#api.call('run.check', { projectId: this.#projectId, config: this.config }),
      (checks) => (this.checks = checks),
      (error) => (this.error = error),
    );
  }

  /** Another encoder's modules have other names. Part of the change that brought it: undo takes back both. */
  #freezeInstead(before: readonly ModuleNode[]): void {
    if (this.config === null) return;
    const phases = this.phases.map((phase) => ({
      ...phase,
      freeze: frozenInstead(before, this.modules, phase.freeze) ?? phase.freeze,
    }));
    if (JSON.stringify(phases) === JSON.stringify(this.phases)) return;
    this.#show({ config: { ...this.config, phases }, phaseKeys: this.phaseKeys });
  }

  /** With nothing frozen: what each phase trains follows from the layers. */
  async #describe(): Promise<void> {
    const { config, dataset } = this;
    if (config === null || dataset === null) return;
    const inputShape = networkInput(config, dataset);
    if (inputShape === null) return;
    const question: Calls['model.describe']['request'] = {
      modelId: config.model.id,
      options: config.model.options,
      inputShape,
      categoryCount: networkOutputs(config, dataset),
      freeze: [],
    };
    const asked = JSON.stringify(question);
    if (asked === this.#described) return;
    this.#described = asked;
    await this.#describing.to(
      this.#api.call('model.describe', question),
      (description) => {
        const before = this.modules;
        this.description = description;
        this.#freezeInstead(before);
      },
      (error) => {
        this.#described = '';
        this.error = error;
      },
    );
  }

  #blockedBecause(): string | null {
    if (this.dataset === null) return 'Choose a data set first.';
    if (this.config === null) return 'Loading the settings…';
    const [problem] = this.#problems.values();
    if (problem !== undefined) return problem;
    if (this.checks === null) return 'Checking the plan…';
    return this.checks.find((check) => check.severity === 'error')?.message ?? null;
  }
}
