/** The detection networks that a person can train, with their knobs. */
import type { ModelSpec } from './model-spec.ts';
import {
  detectorOutputs,
  poseOutputs,
  segmenterOutputs,
  yolov8 as network,
  yolov8Pose as poseNetwork,
  yolov8Segmenter,
  type Yolov8Size,
} from './yolov8.ts';

export const yolov8Source = 'Ultralytics: published configuration of YOLOv8, 2023';
export const yolov8Preprocessing = { range: [0, 1], mean: 0, std: 1 } as const;
const sizeNames = { n: 'nano', s: 'small', m: 'medium', l: 'large', x: 'extra large' };

/** weights: of n, s, m, l and x in millions. */
export const yolov8SizeKnob = (
  weights: readonly [number, number, number, number, number],
): ModelSpec<{ size: string }>['knobs'][number] => {
  const [n, s, m, l, x] = weights;
  return {
    option: 'size',
    label: 'Size',
    explanation: `How deep and wide the network is: n has ${n} million weights, s ${s}, m ${m}, l ${l} and x ${x}. Each takes two to three times as long as the one before.`,
    control: {
      kind: 'choice',
      options: Object.entries(sizeNames).map(([value, name]) => ({ value, label: `${value} (${name})` })),
    },
  };
};

export const yolov8: ModelSpec<{ size: string }> = {
  id: 'yolov8',
  label: 'YOLOv8',
  task: 'detection',
  description:
    'Finds objects of any size in one look: three maps of the image, and in each place how far the four sides of a box lie.',
  source: `${yolov8Source}; Feng et al.: TOOD, 2021; Li et al.: Generalized focal loss, 2020`,
  preprocessing: yolov8Preprocessing,
  sideMultiple: 32,
  outputs: detectorOutputs,
  defaults: { size: 'n' },
  knobs: [yolov8SizeKnob([3, 11, 26, 44, 68])],
  layers: ({ size }, categoryCount) => [...network(size as Yolov8Size, categoryCount).layers],
};

export const yolov8Segmentation: ModelSpec<{ size: string }> = {
  id: 'yolov8-seg',
  label: 'YOLOv8-seg',
  task: 'instance-segmentation',
  description:
    'YOLOv8 that also says the shape of each object: it mixes 32 masks of the whole image, with shares of its own for every object.',
  source: `${yolov8Source}; Bolya et al.: YOLACT, 2019`,
  preprocessing: yolov8Preprocessing,
  sideMultiple: 32,
  outputs: segmenterOutputs,
  defaults: { size: 'n' },
  knobs: [yolov8SizeKnob([3, 12, 27, 46, 72])],
  layers: ({ size }, categoryCount) => [...yolov8Segmenter(size as Yolov8Size, categoryCount).layers],
};

export const yolov8Pose: ModelSpec<{ size: string; keypoints: number }> = {
  id: 'yolov8-pose',
  label: 'YOLOv8-pose',
  task: 'pose',
  description: 'YOLOv8 that also says where the points of each object lie, such as the joints of a person.',
  source: `${yolov8Source}; Maji et al.: YOLO-Pose, 2022`,
  preprocessing: yolov8Preprocessing,
  sideMultiple: 32,
  outputs: poseOutputs,
  defaults: { size: 'n', keypoints: 17 },
  knobs: [
    yolov8SizeKnob([3, 12, 26, 44, 69]),
    {
      option: 'keypoints',
      label: 'Keypoints (kpt_shape)',
      explanation: 'How many points the network says of each object, in the order of its class’s skeleton.',
      control: { kind: 'integer', min: 1, max: 200 },
    },
  ],
  layers: ({ size, keypoints }, categoryCount) => [...poseNetwork(size as Yolov8Size, categoryCount, keypoints).layers],
};
