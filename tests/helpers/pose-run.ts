/** Small runs of poses for tests: drawn scenes, whose objects have a point at the middle of their left and right side. */
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { objectColumns, type SplitData } from '../../src-main/engine/data/training-data.ts';
import { makeScenes, scenesConfig, type ScenesSize } from './detection-run.ts';
import type { SmallData } from './training-run.ts';

export async function makePosedScenes(size: ScenesSize): Promise<SmallData> {
  const scenes = await makeScenes(size);
  const { data } = scenes;
  const pose = { pointCount: 2, mirrored: [1, 0] };
  return { ...scenes, data: { ...data, pose, train: withPoints(data.train), evaluation: withPoints(data.evaluation) } };
}

function withPoints(split: SplitData): SplitData {
  const { counts, rows } = split.objects!;
  const width = objectColumns.length;
  const points = Array.from({ length: rows.length / width }, (_, object) => {
    const [, x1, y1, x2, y2] = rows.slice(object * width, (object + 1) * width) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const y = (y1 + y2) / 2;
    return [x1, y, 2, x2, y, 2];
  });
  return { ...split, objects: { counts, rows, points: points.flat() } };
}

/** YOLOv8n-pose, a few epochs. */
export const posedConfig = (changes: Partial<RunConfig> = {}): RunConfig => {
  const { loss, ...config } = scenesConfig();
  const gains = { boxGain: 7.5, categoryGain: 0.5, distributionGain: 1.5, positionGain: 12, visibilityGain: 1 };
  return {
    ...config,
    task: 'pose',
    model: { id: 'yolov8-pose', options: { size: 'n', keypoints: 2 } },
    loss: { ...loss, ...gains, kind: 'pose' },
    ...changes,
  };
};
