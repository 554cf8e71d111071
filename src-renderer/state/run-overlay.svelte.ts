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
  readonly #load: (imageId: ImageId, epoch: number | null) => Promise<Overlay>;
  readonly #kept = new Kept<Promise<Overlay>>(kept);
  /** Of the image that was asked for last; null until it is there. */
  current = $state.raw<Overlay | null>(null);
  error = $state.raw<unknown>(null);
  /** Image and epoch. */
  #wanted = '';

  constructor(api: Api, projectId: ProjectId, runId: RunId, task: Task) {
    const run = { projectId, runId };
    const boxes = async (imageId: ImageId, epoch: number | null): Promise<Overlay> => ({
      kind: 'boxes',
      boxes: await api.call('run.boxes', { ...run, epoch, imageId }),
    });
    const loads: Record<Task, (imageId: ImageId, epoch: number | null) => Promise<Overlay>> = {
      classification: async () => ({ kind: 'none' }),
      segmentation: async (imageId, epoch) => ({
        kind: 'masks',
        masks: await api.call('run.masks', { ...run, epoch, imageId }),
      }),
      detection: boxes,
      'instance-segmentation': boxes,
      pose: boxes,
    };
    this.#load = loads[task];
  }

  /** `epoch`: a past one of the run; null for the latest. */
  async show(imageId: ImageId | null, epoch: number | null = null): Promise<void> {
    const key = `${imageId} ${epoch}`;
    if (key === this.#wanted) return;
    this.#wanted = key;
    if (imageId === null) return;
    try {
      const overlay = await this.#kept.get(key, () => this.#load(imageId, epoch));
      if (key !== this.#wanted) return;
      this.current = overlay;
      this.error = null;
    } catch (error) {
      this.#kept.forget(key);
      if (key === this.#wanted) this.error = error;
    }
  }
}
