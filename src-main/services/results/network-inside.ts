/** What goes on inside a run's network, looked at in a child process; the latest answers are kept. */
import { stat } from 'node:fs/promises';
import { invariant } from '../../contract/errors.ts';
import type { ImageId } from '../../contract/model/ids.ts';
import type { FeatureMaps, NetworkInside } from '../../contract/model/network-inside.ts';
import type { CheckpointName } from '../../contract/model/run.ts';
import type { InsideAnswer, InsideRequest } from '../../engine/train/look-inside.ts';
import { runFiles } from '../../engine/train/run-folder.ts';
import type { HostPorts } from '../backend.ts';
import { runTask } from '../devices/run-task.ts';

const deadlineMs = 300_000;
const answersKept = 24;

export class NetworkInsides {
  readonly #launchTask: HostPorts['launchTask'];
  /** By what was asked of which state of the file, the oldest first. */
  readonly #kept = new Map<string, Promise<InsideAnswer>>();

  constructor(launchTask: HostPorts['launchTask']) {
    this.#launchTask = launchTask;
  }

  async spread(folder: string, checkpoint: CheckpointName): Promise<NetworkInside> {
    const answer = await this.#ask({ folder, checkpoint, maps: null });
    invariant(answer.kind === 'spread', 'a spread was asked for');
    return answer.inside;
  }

  async maps(folder: string, checkpoint: CheckpointName, layer: string, imageId: ImageId): Promise<FeatureMaps> {
    const answer = await this.#ask({ folder, checkpoint, maps: { layer, imageId } });
    invariant(answer.kind === 'maps', 'feature maps were asked for');
    return answer.maps;
  }

  async #ask(request: InsideRequest): Promise<InsideAnswer> {
    const file = runFiles.checkpoint(request.folder, request.checkpoint);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: 0 }));
    const key = JSON.stringify([request, mtimeMs]);
    const answer =
      this.#kept.get(key) ?? runTask(() => this.#launchTask(), { name: 'look-inside', request }, { deadlineMs });
    this.#kept.delete(key);
    this.#kept.set(key, answer);
    for (const oldest of [...this.#kept.keys()].slice(0, -answersKept)) this.#kept.delete(oldest);
    try {
      return await answer;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }
}
