/** The detection networks that a person can train, with their knobs. */
import type { ModelSpec } from './model-spec.ts';
import { detectorOutputs, yolov8 as network, type Yolov8Size } from './yolov8.ts';

export const yolov8: ModelSpec<{ size: string }> = {
  id: 'yolov8',
  label: 'YOLOv8',
  task: 'detection',
  description:
    'Finds objects of any size in one look: three maps of the image, and in each place how far the four sides of a box lie.',
  source:
    'Ultralytics: published configuration of YOLOv8, 2023; Feng et al.: TOOD, 2021; Li et al.: Generalized focal loss, 2020',
  preprocessing: { range: [0, 1], mean: 0, std: 1 },
  sideMultiple: 32,
  outputs: detectorOutputs,
  defaults: { size: 'n' },
  knobs: [
    {
      option: 'size',
      label: 'Size',
      explanation:
        'How deep and wide the network is: n has 3 million weights, s 11, m 26, l 44 and x 68. Each takes two to three times as long as the one before.',
      control: {
        kind: 'choice',
        options: [
          { value: 'n', label: 'n (nano)' },
          { value: 's', label: 's (small)' },
          { value: 'm', label: 'm (medium)' },
          { value: 'l', label: 'l (large)' },
          { value: 'x', label: 'x (extra large)' },
        ],
      },
    },
  ],
  layers: ({ size }, categoryCount) => [...network(size as Yolov8Size, categoryCount).layers],
};
