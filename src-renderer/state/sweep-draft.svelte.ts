/** A sweep while it is being planned: its axes, seeds and search, and what it would come to. */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import {
  usualSlurmSettings,
  type SlurmSettings,
  type SlurmState,
  type SweepPlan,
  type SweepPreview,
  type SweepSearch,
  type TimeEstimate,
} from '../../src-main/contract/model/sweep.ts';
import { readAxis, readSeeds, type DraftAxis } from './sweep-axes.ts';

const restMs = 250;

export class SweepDraft {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  axes = $state.raw<readonly DraftAxis[]>([]);
  search = $state<SweepSearch['kind']>('grid');
  combinations = $state(12);
  searchSeed = $state(1);
  seeds = $state('1, 2, 3');
  priority = $state(0);
  onSlurm = $state(false);
  slurm = $state.raw<SlurmSettings>(usualSlurmSettings);
  slurmState = $state.raw<SlurmState | null>(null);
  /** What it would come to; the one before stays while a new one is worked out. Null before the first. */
  preview = $state.raw<SweepPreview | null>(null);
  /** Of one run like the plan. */
  time = $state.raw<TimeEstimate | null>(null);
  pending = $state(false);
  #refusal = $state<string | null>(null);

  readonly #readings = $derived(this.axes.map((axis) => readAxis(axis, this.search)));
  readonly #seeds = $derived(readSeeds(this.seeds));
  /** Why it cannot be started, in words; null where it can. */
  readonly problem = $derived.by((): string | null => {
    const wrong = this.#readings.find((reading) => reading.problem !== null)?.problem;
    if (wrong != null) return wrong;
    if (this.#seeds === null) return 'Seeds: write whole numbers, such as 1, 2, 3 or 1-5.';
    if (this.onSlurm && this.slurmState?.available === false) return 'Slurm cannot be used from this machine.';
    if (this.#refusal !== null) return this.#refusal;
    return this.preview?.findings.find(({ severity }) => severity === 'error')?.message ?? null;
  });

  #asked = '';
  #timed = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  add(axis: DraftAxis): void {
    this.axes = [...this.axes.filter(({ id }) => id !== axis.id), axis];
  }

  remove(id: string): void {
    this.axes = this.axes.filter((axis) => axis.id !== id);
  }

  replace(axis: DraftAxis): void {
    this.axes = this.axes.map((other) => (other.id === axis.id ? axis : other));
  }

  /** Null while a text is none of the values that are meant. */
  planOf(base: RunConfig): SweepPlan | null {
    const axes = this.#readings.flatMap(({ axis }) => axis ?? []);
    if (axes.length < this.axes.length || this.#seeds === null) return null;
    const search: SweepSearch =
      this.search === 'random'
        ? { kind: 'random', combinations: this.combinations, seed: this.searchSeed }
        : { kind: this.search };
    const { priority } = this;
    return { version: 1, base, axes, search, seeds: this.#seeds, slurm: this.onSlurm ? this.slurm : null, priority };
  }

  /** Asks for what it comes to, once it has rested. */
  follow(base: RunConfig): void {
    const plan = this.planOf(base);
    const question = JSON.stringify(plan);
    if (plan === null || question === this.#asked) return;
    this.#asked = question;
    this.pending = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(plan, question), restMs);
    void this.#askTime(base);
  }

  async readSlurm(): Promise<void> {
    this.slurmState = await this.#api.call('slurm.state', {});
  }

  async script(name: string): Promise<string> {
    const runs = Math.max(1, this.preview?.trials.length ?? 1);
    const request = { projectId: this.#projectId, name, runs, settings: this.slurm };
    return (await this.#api.call('slurm.script', request)).script;
  }

  async #ask(plan: SweepPlan, question: string): Promise<void> {
    const [preview, refusal] = await this.#api.call('sweep.preview', { projectId: this.#projectId, plan }).then(
      (answer) => [answer, null] as const,
      (error: unknown) => [null, error instanceof Error ? error.message : String(error)] as const,
    );
    if (question !== this.#asked) return;
    this.preview = preview ?? this.preview;
    this.#refusal = refusal;
    this.pending = false;
  }

  async #askTime(base: RunConfig): Promise<void> {
    const { seed: _seed, ...rest } = base;
    const question = JSON.stringify(rest);
    if (question === this.#timed) return;
    this.#timed = question;
    const time = await this.#api
      .call('run.estimateTime', { projectId: this.#projectId, config: base })
      .catch(() => null);
    if (question === this.#timed) this.time = time;
  }
}
