/** What one run says of the image that is looked at, to be laid over it: masks, boxes, or nothing but a score. */
import type { Api } from '../api/client.svelte.ts';
import type { ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { ImageBoxes, ImageMasks } from '../../src-main/contract/model/run-results.ts';
import type { Task } from '../../src-main/contract/model/run.ts';
import { Kept } from './kept.ts';

export type Overlay =
  | { kind: 'masks'; masks: ImageMasks }
  | { kind: 'boxes'; boxes: ImageBoxes }
  /** The class of the whole image has no place in it. */
  | { kind: 'none' };

const kept = 24;

export class RunOverlay {
  readonly #load: (imageId: ImageId) => Promise<Overlay>;
  readonly #kept = new Kept<Promise<Overlay>>(kept);
  /** Of the image that was asked for last; null until it is there. */
  current = $state.raw<Overlay | null>(null);
  error = $state.raw<unknown>(null);
  #wanted: ImageId | null = null;

  constructor(api: Api, projectId: ProjectId, runId: RunId, task: Task) {
    const run = { projectId, runId };
    const loads: Record<Task, (imageId: ImageId) => Promise<Overlay>> = {
      classification: async () => ({ kind: 'none' }),
      segmentation: async (imageId) => ({ kind: 'masks', masks: await api.call('run.masks', { ...run, imageId }) }),
      detection: async (imageId) => ({ kind: 'boxes', boxes: await api.call('run.boxes', { ...run, imageId }) }),
    };
    this.#load = loads[task];
  }

  async show(imageId: ImageId | null): Promise<void> {
    if (imageId === this.#wanted) return;
    this.#wanted = imageId;
    if (imageId === null) return;
    try {
      const overlay = await this.#kept.get(String(imageId), () => this.#load(imageId));
      if (imageId !== this.#wanted) return;
      this.current = overlay;
      this.error = null;
    } catch (error) {
      this.#kept.forget(String(imageId));
      if (imageId === this.#wanted) this.error = error;
    }
  }
}
