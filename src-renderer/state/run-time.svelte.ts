/**
 * How long the planned run will take. Unless one like it was trained before, an answer takes a child process a few seconds
 * of real steps, so it is asked for once the plan has rested, and not while a run trains on this machine.
 */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import type { TimeEstimate } from '../../src-main/contract/model/sweep.ts';

const restMs = 1000;

export class RunTime {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  /** Null before the first answer, after a failure, and while it is out of date. */
  answer = $state.raw<TimeEstimate | null>(null);
  pending = $state(false);
  #asked = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  follow(config: RunConfig): void {
    const question = whatMatters(config);
    if (question === this.#asked) return;
    this.#asked = question;
    this.answer = null;
    this.pending = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(config, question), restMs);
  }

  /** It is asked for again when it is followed next. */
  stop(): void {
    clearTimeout(this.#timer);
    this.pending = false;
    if (this.answer === null) this.#asked = '';
  }

  /** For when steps take another time than they did. */
  forget(): void {
    this.stop();
    this.answer = null;
    this.#asked = '';
  }

  async #ask(config: RunConfig, question: string): Promise<void> {
    const answer = await this.#api.call('run.estimateTime', { projectId: this.#projectId, config }).catch(() => null);
    if (question !== this.#asked) return;
    this.answer = answer;
    this.pending = false;
  }
}

/** Rates and schedules take no time. */
function whatMatters({ phases, seed: _seed, loss: _loss, ...run }: RunConfig): string {
  return JSON.stringify({
    ...run,
    phases: phases.map(({ epochs, optimiser, freeze }) => [epochs, optimiser.kind, freeze]),
  });
}
