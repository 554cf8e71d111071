/**
 * Which network a run of Ultralytics is of: what its options call it, or what its own weights look like where they only name a
 * checkpoint, as those of a run that was resumed do.
 */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { ModelOptions } from '../../contract/model/run.ts';
import type { WeightsListing } from '../../contract/model/weights.ts';
import { fitOf } from '../../engine/train/start-weights.ts';
import { planModel, preprocessingOf } from '../../engine/zoo/registry.ts';
import type { ForeignArgs } from '../../formats/ultralytics-run.ts';
import { yieldToEventLoop } from '../event-loop.ts';

export interface ForeignModel {
  /** The network of the run's task here, whose settings and measures are the run's. */
  family: string;
  /** Null where nothing tells which of the family it is, or whether it is of it at all. */
  size: string | null;
}

/** What a weights file holds. Throws FoveaError: see `openWeights`. */
export type InspectWeights = (path: string) => Promise<Pick<WeightsListing, 'tensors' | 'metadata'>>;

/** What `task` says, the network of that task here, and the ending of its published name. */
const networks = [
  ['detect', 'yolov8', ''],
  ['segment', 'yolov8-seg', '-seg'],
  ['pose', 'yolov8-pose', '-pose'],
  ['classify', 'yolov8-cls', '-cls'],
] as const;
const sizes = ['n', 's', 'm', 'l', 'x'] as const;

/**
 * "yolov8n.pt", "/models/yolov8s-cls.yaml" or our own names ("yolov8-clss") → the network here. The task decides: a run may have
 * begun with a detector's weights whatever it was for. `folder`: the run's. Throws FoveaError `unsupported`.
 */
export async function foreignModel(
  { values }: ForeignArgs,
  folder: string,
  inspect: InspectWeights,
): Promise<ForeignModel> {
  const name = basename(String(values.get('model') ?? '').replaceAll('\\', '/')).replace(/\.(pt|yaml|onnx)$/, '');
  const task = String(values.get('task'));
  const [, family, ownEnding] = networks.find(([each]) => each === task) ?? [];
  const [, before, size, after] = /^yolov8(-cls|-seg|-pose)?([nsmlx])(-cls|-seg|-pose)?$/.exec(name) ?? [];
  const ending = before ?? after ?? '';
  if (family !== undefined && size !== undefined && (ending === '' || ending === ownEnding)) return { family, size };
  if (family !== undefined && /^(last|best|epoch\d+)$/.test(name))
    return { family, size: await sizeOfWeights(family, folder, inspect) };
  throw new FoveaError(
    'unsupported',
    `args.yaml is of the model “${name}” for the task “${task}”. Runs of YOLOv8 n, s, m, l and x can be opened, for the tasks ${networks.map(([each]) => each).join(', ')}.`,
    { model: name },
  );
}

/** Another number of classes or points is no other network: only their branches differ. */
const leastShare = 0.6;
const [anySidePx, anyCount] = [64, 2];

/** Of the run's own checkpoints, the first that can be read; null where none is there, or it is of another network. */
async function sizeOfWeights(family: string, folder: string, inspect: InspectWeights): Promise<string | null> {
  for (const name of ['best.pt', 'last.pt']) {
    const path = join(folder, 'weights', name);
    if (!(await stat(path).catch(() => null))?.isFile()) continue;
    const listing = await inspect(path).catch(() => null);
    if (listing === null) continue;
    let best: { size: string; share: number } = { size: '', share: 0 };
    for (const size of sizes) {
      const share = shareOf(family, { size }, listing);
      if (share > best.share) best = { size, share };
      await yieldToEventLoop();
    }
    return best.share >= leastShare ? best.size : null;
  }
  return null;
}

/** How much of a network's weights the file has, by number. */
function shareOf(id: string, options: ModelOptions, listing: Awaited<ReturnType<InspectWeights>>): number {
  const plan = planModel(id, options, [3, anySidePx, anySidePx], anyCount);
  const { fit } = fitOf({ plan, preprocessing: preprocessingOf({ id, options }) }, listing);
  return fit.loadedElements / fit.totalElements;
}
