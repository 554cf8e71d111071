/**
 * The memory that the planned run will need. An answer takes a child process about a second, so it is asked for only
 * when the plan has rested and something that memory depends on is different.
 */
import type { Api } from '../api/client.svelte.ts';
import type { MemoryEstimate } from '../../src-main/contract/model/device.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';

const restMs = 400;

export class RunEstimate {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  /** The last answer; it stays while a new one is worked out. Null before the first, and after a failure. */
  answer = $state.raw<MemoryEstimate | null>(null);
  /** Why there is none. */
  error = $state.raw<unknown>(null);
  pending = $state(false);

  /** Told of each answer that is still the one to the plan, with what was asked. */
  readonly #answered: (asked: RunConfig, estimate: MemoryEstimate) => void;
  #asked = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, projectId: ProjectId, answered: (asked: RunConfig, estimate: MemoryEstimate) => void) {
    this.#api = api;
    this.#projectId = projectId;
    this.#answered = answered;
  }

  follow(config: RunConfig): void {
    const question = whatMatters(config);
    if (question === this.#asked) return;
    this.#asked = question;
    this.pending = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(config, question), restMs);
  }

  async #ask(config: RunConfig, question: string): Promise<void> {
    const [answer, error] = await this.#api.call('run.estimate', { projectId: this.#projectId, config }).then(
      (estimate) => [estimate, null] as const,
      (reason: unknown) => [null, reason] as const,
    );
    if (question !== this.#asked) return;
    this.answer = answer;
    this.error = error;
    this.pending = false;
    if (answer !== null) this.#answered(config, answer);
  }
}

/** The same of two plans that need the same memory: rates, schedules and epochs take none. */
export function whatMatters({ phases, seed: _seed, ...run }: RunConfig): string {
  return JSON.stringify({ ...run, phases: phases.map(({ optimiser, freeze }) => [optimiser, freeze]) });
}
