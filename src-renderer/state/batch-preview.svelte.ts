/**
 * The first training images of an epoch as the planned run would make them. They take a thread and a moment, so they are
 * asked for only when the plan has rested and something that they depend on is different; the last ones stay meanwhile.
 */
import type { Api } from '../api/client.svelte.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import type { PreviewBatch } from '../../src-main/contract/model/preview-batch.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { totalEpochs } from './phases.ts';

const restMs = 500;

export class BatchPreviewState {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #count: number;
  batch = $state.raw<PreviewBatch | null>(null);
  /** Why there is none. */
  error = $state.raw<unknown>(null);
  pending = $state(false);
  /** 0-based, whose first images they are. */
  epoch = $state(0);
  /** Of the run. */
  epochs = $state(1);

  #config: RunConfig | null = null;
  #asked = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, projectId: ProjectId, count: number) {
    this.#api = api;
    this.#projectId = projectId;
    this.#count = count;
  }

  follow(config: RunConfig): void {
    this.#config = config;
    this.epochs = totalEpochs(config.phases);
    if (this.epoch >= this.epochs) this.epoch = 0;
    this.#askSoon(restMs);
  }

  /** The images of the next epoch, or of the first one after the last. */
  reroll(): void {
    this.epoch = (this.epoch + 1) % this.epochs;
    this.#askSoon(0);
  }

  #askSoon(delayMs: number): void {
    const config = this.#config;
    if (config === null) return;
    const question = whatMatters(config, this.epoch);
    if (question === this.#asked) return;
    this.#asked = question;
    this.pending = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(config, question), delayMs);
  }

  async #ask(config: RunConfig, question: string): Promise<void> {
    const request = { projectId: this.#projectId, config, count: this.#count, epoch: this.epoch };
    try {
      const batch = await this.#api.call('run.previewBatch', request);
      if (question !== this.#asked) return;
      // Null where another window asked for a preview meanwhile: what is shown stays.
      this.batch = batch ?? this.batch;
      this.error = null;
    } catch (error) {
      if (question !== this.#asked) return;
      this.batch = null;
      this.error = error;
    }
    this.pending = false;
  }
}

/** Networks and rates change no image; how many epochs there are says when mosaics end. */
function whatMatters({ task, data, augmentation, seed, phases }: RunConfig, epoch: number): string {
  return JSON.stringify([task, data, augmentation, seed, totalEpochs(phases), epoch]);
}
